"""Any audio file -> mono float32 at 16 kHz, checked.

The way of a recording, each step once: its bytes are read here, `opening` refuses what can be
refused before decoding, here it is decoded and resampled, and `checks` looks at the samples.
Every refusal is one line that names the file, what was found and what is expected (`refusals`).
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soxr

from data_pipeline.audio.checks import check_channels, check_waveform
from data_pipeline.audio.limits import MAX_FILE_BYTES
from data_pipeline.audio.opening import OpenRecording, open_checked
from data_pipeline.audio.refusals import NO_AUDIO, AudioError
from data_pipeline.audio.waveform import SAMPLE_RATE

# Ends are written with few digits: one frame of the MFCC beyond the recording is its end.
MOST_BEYOND_SECONDS = 0.01


class Recording(NamedTuple):
    """A recording as the project uses it, and the sample rate that its file has.

    Attributes:
        waveform: float32 (num_samples,), mono, 16 kHz, in [-1, 1].
        file_rate: samples a second of the file itself, in Hz.
    """

    waveform: np.ndarray
    file_rate: int


def load_waveform(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a WAV, FLAC, OGG or MP3 file, whatever its name, rate and number of channels.

    Channels are averaged; those that cancel each other are refused. Other rates are resampled by
    soxr at its default quality (HQ, linear phase: nothing is shifted in time).

    Args:
        path: the audio file.

    Returns:
        float32 (num_samples,), mono, 16 kHz, in [-1, 1].

    Raises:
        AudioError: the file is missing, unreadable, not audio, damaged, empty, over a limit,
            shorter than 25 ms, silent, of channels that cancel each other, or holds NaN, infinite
            or wrongly scaled samples.
    """
    return load_recording(path).waveform


def load_recording(path: str | os.PathLike[str]) -> Recording:
    """Do the same as `load_waveform`, and tell the sample rate that the file had."""
    path = Path(path)
    return decode_recording(read_audio_file(path), str(path))


def read_audio_file(path: Path) -> bytes:
    """Read at most one byte more than the limit, and only a regular file (no pipe or device).

    Raises:
        AudioError: missing, not a file, or not readable.
    """
    try:
        if not path.exists():
            raise AudioError(f"{path}: no such file; check the path")
        if not path.is_file():
            raise AudioError(f"{path}: not a file; expected a WAV, FLAC, OGG or MP3 file")
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        reason = getattr(error, "strerror", error)
        raise AudioError(f"{path}: cannot be read ({reason}); check the file") from None


def decode_recording(file_bytes: bytes, name: str) -> Recording:
    """Do the same as `load_recording` for the bytes of a file; `name` stands in the messages."""
    with open_checked(file_bytes, name) as opened:
        return decode_opened(opened, name)


def decode_opened(opened: OpenRecording, name: str) -> Recording:
    """Decode, resample and check what `open_checked` has opened."""
    file_rate = opened.file.samplerate
    resampled = soxr.resample(_decode_mono(opened, name), file_rate, SAMPLE_RATE)
    return Recording(check_waveform(resampled, name), file_rate)


def _decode_mono(opened: OpenRecording, name: str) -> np.ndarray:
    """Decode what the checked header announces, never more, and average the channels.

    In one call: soundfile seeks after each, which puts MP3 frames out of step. The number is said
    because soundfile does not know the rest of a file that cannot be sought in (GSM, G.721).
    """
    num_frames = opened.file.frames
    samples = opened.file.read(frames=num_frames, dtype="float32", always_2d=True)
    if not len(samples):
        raise AudioError(f"{name}: {NO_AUDIO}")
    if len(samples) < opened.least_frames:
        raise AudioError(
            f"{name}: cut off ({len(samples)} of {num_frames} samples are there); "
            "copy or convert the recording again"
        )
    mean = samples.mean(axis=1)  # (num_frames, channels) -> (num_frames,)
    check_channels(samples, mean, name)
    return mean


# --- A part of a recording ---


class Segment(NamedTuple):
    """What is meant of a recording.

    Attributes:
        path: the audio file.
        start_seconds, end_seconds: where it begins and ends; None: with the recording.
        speed: that it is played at: above 1 it is shorter, and every frequency higher.
    """

    path: Path
    start_seconds: float = 0.0
    end_seconds: float | None = None
    speed: float = 1.0

    @property
    def is_whole(self) -> bool:
        """Whether the whole recording is meant, as it is."""
        return self == Segment(self.path)


def load_segment(segment: Segment) -> np.ndarray:
    """Read a recording, or a part of it, at its speed or another one.

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
    waveform = _load_part(segment)
    if segment.speed == 1:
        return waveform
    played = soxr.resample(waveform, SAMPLE_RATE * segment.speed, SAMPLE_RATE)
    return check_waveform(played, f"{segment.path}, played at {segment.speed:g} of its speed")


def _load_part(segment: Segment) -> np.ndarray:
    """What is meant of a recording, at its own speed."""
    if segment._replace(speed=1.0).is_whole:
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
