"""An audio file is opened: known by its content, and refused before decoding where it can be.

The bytes are untrusted: a header may lie, and a small file may expand to gigabytes.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import soundfile

from data_pipeline.audio.containers import flac_fault, ogg_fault
from data_pipeline.audio.kinds import CONVERT, HEAD_BYTES, foreign_kind
from data_pipeline.audio.limits import (
    CONTAINERS,
    MAX_DECODED_VALUES,
    MAX_DURATION_SECONDS,
    MAX_FILE_BYTES,
    MAX_FILE_RATE,
    MIN_FILE_RATE,
)
from data_pipeline.audio.mp3 import MP3_FRAME_SAMPLES, Mp3, after_id3, mp3_fault, walk_mp3
from data_pipeline.audio.refusals import LENGTH_UNKNOWN, AudioError
from data_pipeline.audio.riff import mp3_in_wav, riff_chunks, wav_fault

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
    file_bytes = mp3_in_wav(file_bytes) or file_bytes
    mp3 = walk_mp3(file_bytes)
    if mp3 and (fault := mp3_fault(file_bytes, mp3)):
        raise AudioError(f"{name}: {fault}")
    if mp3 and mp3.told_frames is None:
        # libsndfile guesses the length from the size of the file, tags and pictures included.
        file_bytes = file_bytes[mp3.start : mp3.end]
    try:
        with soundfile.SoundFile(io.BytesIO(file_bytes)) as file:
            _check_header(file, name)
            yield OpenRecording(file, _least_frames(file, mp3, name))
    except soundfile.LibsndfileError as error:
        raise AudioError(
            f"{name}: cannot be decoded ({error.error_string.rstrip('.')}); "
            "expected a whole WAV, FLAC, OGG or MP3 file"
        ) from None


# --- The bytes ---


def _check_bytes(file_bytes: bytes, name: str) -> None:
    """Refuse what libsndfile would not tell of, or not in words that help."""
    if not file_bytes:
        raise AudioError(f"{name}: the file is empty (0 bytes); expected WAV, FLAC, OGG or MP3")
    if len(file_bytes) > MAX_FILE_BYTES:
        raise AudioError(
            f"{name}: larger than {MAX_FILE_BYTES // 2**20} MiB, the limit; cut it into utterances"
        )
    if _says_rate_0(file_bytes):
        raise _wrong_rate(0, name)
    if fault := _fault(file_bytes):
        raise AudioError(f"{name}: {fault}")


def _fault(file_bytes: bytes) -> str | None:
    """What is wrong with a file as a whole, of whatever kind it is."""
    start = after_id3(file_bytes)
    return (
        foreign_kind(file_bytes)
        or foreign_kind(file_bytes[start : start + HEAD_BYTES])
        or wav_fault(file_bytes)
        or ogg_fault(file_bytes)
        or flac_fault(file_bytes, start)
    )


def _says_rate_0(file_bytes: bytes) -> bool:
    """Whether a WAV file has a sample rate of 0, which libsndfile calls an internal error."""
    for chunk in riff_chunks(file_bytes):
        if chunk.name == b"fmt " and file_bytes[chunk.start + 4 : chunk.start + 8] == bytes(4):
            return True
        if chunk.name == b"data":
            break
    return False


def _wrong_rate(rate: int, name: str) -> AudioError:
    expected = f"expected {MIN_FILE_RATE} to {MAX_FILE_RATE} Hz"
    return AudioError(f"{name}: sample rate {rate} Hz; {expected}")


# --- The header ---


def _check_header(file: soundfile.SoundFile, name: str) -> None:
    if file.format not in CONTAINERS:
        raise AudioError(f"{name}: a {file.format} file; expected WAV, FLAC, OGG or MP3: {CONVERT}")
    if not MIN_FILE_RATE <= file.samplerate <= MAX_FILE_RATE:
        raise _wrong_rate(file.samplerate, name)
    if file.frames == _UNKNOWN_FRAMES:
        raise AudioError(f"{name}: {LENGTH_UNKNOWN}")
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


def _least_frames(file: soundfile.SoundFile, mp3: Mp3 | None, name: str) -> int:
    """How much a file must hold: what its header announces."""
    if file.format != "MP3":
        return file.frames
    if mp3 is None:
        return 0
    if mp3.told_frames is not None:
        # Some encoders count the frame of the tag itself.
        return file.frames - MP3_FRAME_SAMPLES
    # libsndfile guesses from the size of the first frame and reads no further.
    if mp3.num_frames * mp3.frame_samples >= file.frames + MP3_FRAME_SAMPLES:
        raise AudioError(
            f"{name}: its bit rate changes and it has no tag with the length, so only "
            f"{file.frames / file.samplerate:.3g} s would be read; convert it again"
        )
    # What is there is the recording.
    return 0
