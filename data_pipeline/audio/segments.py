"""A segment of a recording: from one second to another, cut after the recording was decoded."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_pipeline.audio.checks import check_waveform
from data_pipeline.audio.reading import load_waveform
from data_pipeline.audio.refusals import AudioError
from data_pipeline.audio.waveform import SAMPLE_RATE

# Ends are written with few digits: one frame of the MFCC beyond the recording is its end.
MOST_BEYOND_SECONDS = 0.01


class Segment(NamedTuple):
    """What is meant of a recording.

    Attributes:
        path: the audio file.
        start_seconds, end_seconds: where it begins and ends; None: with the recording.
    """

    path: Path
    start_seconds: float = 0.0
    end_seconds: float | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the whole recording is meant."""
        return self.start_seconds == 0 and self.end_seconds is None


def load_segment(segment: Segment) -> np.ndarray:
    """Read a recording, or a part of it.

    Args:
        segment: what is meant.

    Returns:
        float32 (num_samples,), mono, 16 kHz, in [-1, 1].

    Raises:
        AudioError: what `load_waveform` raises, of the recording and of the segment; or the
            segment does not lie within the recording.
    """
    if segment.is_whole:
        return load_waveform(segment.path)
    waveform = _load_kept(segment.path, *_version(segment.path))
    start = round(segment.start_seconds * SAMPLE_RATE)
    end = segment.end_seconds
    last = len(waveform) if end is None else round(end * SAMPLE_RATE)
    if start >= len(waveform) or last > len(waveform) + MOST_BEYOND_SECONDS * SAMPLE_RATE:
        raise AudioError(
            f"{segment.path}: the segment from {segment.start_seconds:g} to "
            f"{'its end' if end is None else f'{end:g} s'} is beyond the recording, which is "
            f"{len(waveform) / SAMPLE_RATE:.3f} s long; correct start and end"
        )
    name = f"{segment.path}, segment from {segment.start_seconds:g} s"
    return check_waveform(waveform[start:last], name)


def _version(path: Path) -> tuple[int, int]:
    """What changes with the content of a file; anything for one that is not there."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return 0, 0
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=1)
def _load_kept(path: Path, mtime_ns: int, size: int) -> np.ndarray:
    """The last recording, kept: its segments are asked for one after the other."""
    return load_waveform(path)
