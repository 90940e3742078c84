"""An audio file is opened: known by its content, and refused before decoding where it can be.

The bytes are untrusted: a header may lie, and a small file may expand to gigabytes.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import soundfile

from data_pipeline.audio.containers import (
    MP3_FRAME_SAMPLES,
    has_more_mp3_samples,
    ogg_fault,
    tells_mp3_length,
)
from data_pipeline.audio.limits import (
    CONTAINERS,
    MAX_DECODED_VALUES,
    MAX_DURATION_SECONDS,
    MAX_FILE_BYTES,
    MAX_FILE_RATE,
    MIN_FILE_RATE,
)
from data_pipeline.audio.refusals import CUT_OFF, AudioError

# libsndfile's frame count for a stream whose header does not tell (SF_COUNT_MAX).
_UNKNOWN_FRAMES = 2**63 - 1


class OpenRecording(NamedTuple):
    """An open file whose header keeps within the limits; the header may still be lying.

    Attributes:
        file: to be decoded, never more frames than it announces.
        least_frames: how many of these must be there, or the recording is cut off.
    """

    file: soundfile.SoundFile
    least_frames: int


@contextmanager
def open_checked(file_bytes: bytes, name: str) -> Iterator[OpenRecording]:
    """Open a file and refuse what can be refused before decoding: the first step of a decoder.

    Args:
        file_bytes: the whole file.
        name: the file, for the messages.

    Yields:
        The open file. What libsndfile cannot decode within the block is refused, too.

    Raises:
        AudioError: empty, over a limit, cut off, or not WAV, FLAC, OGG or MP3.
    """
    _check_bytes(file_bytes, name)
    try:
        with soundfile.SoundFile(io.BytesIO(file_bytes)) as file:
            _check_header(file, name)
            yield OpenRecording(file, _least_frames(file, file_bytes, name))
    except soundfile.LibsndfileError as error:
        raise AudioError(
            f"{name}: cannot be decoded ({error.error_string.rstrip('.')}); "
            "expected a whole WAV, FLAC, OGG or MP3 file"
        ) from None


# --- The bytes ---


def _check_bytes(file_bytes: bytes, name: str) -> None:
    """Refuse what libsndfile would not tell of."""
    if not file_bytes:
        raise AudioError(f"{name}: the file is empty (0 bytes); expected WAV, FLAC, OGG or MP3")
    if len(file_bytes) > MAX_FILE_BYTES:
        raise AudioError(
            f"{name}: larger than {MAX_FILE_BYTES // 2**20} MiB, the limit; cut it into utterances"
        )
    _check_wav_chunks(file_bytes, name)
    if fault := ogg_fault(file_bytes):
        raise AudioError(f"{name}: {fault}")


def _check_wav_chunks(file_bytes: bytes, name: str) -> None:
    """Refuse a WAV file that is cut off, or has a sample rate of 0.

    libsndfile reads the first as a shorter recording without a word, and calls the second an
    internal error.
    """
    for chunk, start, size in _riff_chunks(file_bytes):
        present = len(file_bytes) - start
        if chunk == b"fmt " and file_bytes[start + 4 : start + 8] == bytes(4):
            raise _wrong_rate(0, name)
        if chunk == b"data" and present < size:
            raise AudioError(f"{name}: {CUT_OFF.format(present, size)}")


def _riff_chunks(file_bytes: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(name, where its content starts, declared bytes) of each chunk of a WAV file."""
    if file_bytes[:4] != b"RIFF" or file_bytes[8:12] != b"WAVE":
        return
    start = 12
    while start + 8 <= len(file_bytes):
        size = int.from_bytes(file_bytes[start + 4 : start + 8], "little")
        yield file_bytes[start : start + 4], start + 8, size
        start += 8 + size + size % 2  # chunks are padded to an even length


def _wrong_rate(rate: int, name: str) -> AudioError:
    expected = f"expected {MIN_FILE_RATE} to {MAX_FILE_RATE} Hz"
    return AudioError(f"{name}: sample rate {rate} Hz; {expected}")


# --- The header ---


def _check_header(file: soundfile.SoundFile, name: str) -> None:
    if file.format not in CONTAINERS:
        raise AudioError(f"{name}: a {file.format} file; expected WAV, FLAC, OGG or MP3")
    if not MIN_FILE_RATE <= file.samplerate <= MAX_FILE_RATE:
        raise _wrong_rate(file.samplerate, name)
    if file.frames == _UNKNOWN_FRAMES:
        raise AudioError(
            f"{name}: its header does not tell the length (written to a pipe?); convert it again"
        )
    _check_decoded_size(file, name)


def _check_decoded_size(file: soundfile.SoundFile, name: str) -> None:
    if file.frames > MAX_DURATION_SECONDS * file.samplerate:
        raise AudioError(
            f"{name}: longer than {MAX_DURATION_SECONDS // 60} minutes, the limit; "
            "cut it into utterances"
        )
    if file.frames * file.channels > MAX_DECODED_VALUES:
        raise AudioError(
            f"{name}: {file.frames} samples in {file.channels} channels, over the limit of "
            f"{MAX_DECODED_VALUES} in all; cut it into utterances"
        )


def _least_frames(file: soundfile.SoundFile, file_bytes: bytes, name: str) -> int:
    """How much a file must hold: what its header announces."""
    if file.format != "MP3":
        return file.frames
    if tells_mp3_length(file_bytes):
        # Some encoders count the frame of the tag itself.
        return file.frames - MP3_FRAME_SAMPLES
    if has_more_mp3_samples(file_bytes, file.frames):
        raise AudioError(
            f"{name}: its bit rate changes and it has no tag with the length, so only "
            f"{file.frames / file.samplerate:.3g} s would be read; convert it again"
        )
    # Without a tag the length is a guess from the size of the file, tags and pictures included:
    # what is there is the recording.
    return 0
