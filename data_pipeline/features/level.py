"""How loud a recording is and how much of it is silent, from the energy of its frames.

The frames are those of the MFCC (25 ms every 10 ms), whose log energy the prepared records hold:
so a training corpus and a new recording are measured alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from data_pipeline.audio.waveform import INT16_SCALE
from data_pipeline.features.mfcc import FRAME_LENGTH, FRAME_STEP

# A frame this far below the loudest one is silent, whatever the gain of the recording.
SILENT_FRAME_DB = 35.0
# From full scale down to one step of 16 bits.
_INT16_SCALE_DB = 20 * np.log10(INT16_SCALE)
# dBFS of a frame of which nothing is left in 16 bits.
_MIN_FRAME_DB = -_INT16_SCALE_DB - 10 * np.log10(FRAME_LENGTH)


class Level(NamedTuple):
    """How loud a recording is, and how much of it is silent.

    Attributes:
        dbfs: mean power of the frames that are not silent, 0 for a full-scale square wave.
        silent_share: part of the frames that are silent, in [0, 1).
    """

    dbfs: float
    silent_share: float


@dataclass(frozen=True)
class TrainingProfile:
    """What the recordings that a model was trained on were like: it knows nothing beyond them.

    Attributes:
        recordings: how many there were.
        duration_seconds, level_dbfs, silent_share: quantiles 1 %, 50 % and 99 % over them, of the
            length and of both parts of `Level`.
    """

    recordings: int
    duration_seconds: tuple[float, float, float]
    level_dbfs: tuple[float, float, float]
    silent_share: tuple[float, float, float]

    @classmethod
    def from_json(cls, content: Mapping) -> "TrainingProfile":
        """The profile of an `info.json`."""
        quantiles = ("duration_seconds", "level_dbfs", "silent_share")
        return cls(content["recordings"], *(tuple(content[name]) for name in quantiles))


def frame_levels(waveform: np.ndarray) -> np.ndarray:
    """Level of each MFCC frame: (num_samples,) in [-1, 1] to (num_frames,) dBFS."""
    # (num_samples,) -> (num_frames, 400) -> (num_frames,)
    frames = np.lib.stride_tricks.sliding_window_view(waveform, FRAME_LENGTH)[::FRAME_STEP]
    power = np.einsum("ij,ij->i", frames, frames, dtype=np.float64) / FRAME_LENGTH
    return np.maximum(10 * np.log10(np.maximum(power, 1e-20)), _MIN_FRAME_DB)


def levels_of_log_energy(log_energy: np.ndarray) -> np.ndarray:
    """The same from column 12 of the MFCC: ln of the sum of squares of 16-bit samples."""
    power = np.exp(np.asarray(log_energy, np.float64)) / FRAME_LENGTH
    return 10 * np.log10(power) - _INT16_SCALE_DB


def is_silent(levels: np.ndarray) -> np.ndarray:
    """Which frames are silent: (num_frames,) dBFS to (num_frames,) bool; never all."""
    return levels < levels.max() - SILENT_FRAME_DB


def overall_level(levels: np.ndarray) -> Level:
    """Level and silent share of the frames (num_frames,) of a recording, one or more."""
    silent = is_silent(levels)
    power = 10 ** (levels[~silent] / 10)
    return Level(float(10 * np.log10(power.mean())), float(silent.mean()))
