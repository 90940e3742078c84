"""Any audio file -> mono float32 at 16 kHz, checked.

Files are untrusted: a header may lie, and a small file may expand to gigabytes. The container is
recognised by content, the limits below are checked before a sample is decoded and bound what is
decoded, and every refusal is one line that names the file, what was found and what is expected.
"""

import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import soxr

from data_pipeline.audio.containers import (
    MP3_FRAME_SAMPLES,
    has_more_mp3_samples,
    ogg_fault,
    tells_mp3_length,
)
from data_pipeline.errors import DataError

SAMPLE_RATE = 16000  # Hz
# 25 ms: one analysis frame of the MFCC.
MIN_SAMPLES = 400
# -80 dBFS. The peak is taken about the mean, so that a constant offset counts as silence.
SILENCE_PEAK = 1e-4
# Lossy codecs overshoot full scale a little; a float file in the int16 range is far above this.
MAX_PEAK = 8.0
# A clipped recording overshoots when it is decoded from MP3, Vorbis or Opus: up to a third of its
# samples a little, 0.8 % by this much (EmoDB, driven 10 to 30 dB over). Speech scaled to a variance
# of 1 has 5 % or more there, and clipping that would change the voice: over 1 % is refused.
FAR_OVER = 1.5
ONE_IN = 100

# Verdicts that the exported graph gives too, in the same words.
NOT_FINITE = "holds NaN or infinite samples; expected values in [-1, 1]"
TOO_SHORT = f"{{}} ms long; expected at least {1000 * MIN_SAMPLES // SAMPLE_RATE} ms of speech"
SILENT = "silent (peak below -80 dBFS); expected a recording of speech"
NOT_SCALED = "samples reach {}; expected values scaled to [-1, 1]"
NO_AUDIO = "holds no audio (0 samples); expected a recording of speech"
CUT_OFF = (
    "cut off or its header is wrong ({} of {} bytes of audio are there); "
    "copy or convert the recording again"
)

MAX_FILE_BYTES = 100 * 2**20
MAX_DURATION_SECONDS = 20 * 60
# Frames x channels: 20 minutes of 48 kHz stereo are 115 million.
MAX_DECODED_VALUES = 2**27
MIN_FILE_RATE, MAX_FILE_RATE = 4000, 384000  # Hz
# libsndfile's names: WAVEX is WAV with the EXTENSIBLE header.
CONTAINERS = ("WAV", "WAVEX", "FLAC", "OGG", "MP3")

# libsndfile's frame count for a stream whose header does not tell (SF_COUNT_MAX).
_UNKNOWN_FRAMES = 2**63 - 1


class AudioError(DataError):
    """A file that cannot be used; the message is one line with the file and the reason."""


class Recording(NamedTuple):
    """waveform: float32 (num_samples,), mono, 16 kHz, in [-1, 1].
    file_rate: samples a second of the file itself, in Hz.
    """

    waveform: np.ndarray
    file_rate: int


def load_waveform(path: str | os.PathLike) -> np.ndarray:
    """Read a WAV, FLAC, OGG or MP3 file, whatever its name, rate and number of channels.

    Channels are averaged. Other rates are resampled by soxr at its default quality (HQ, linear
    phase: nothing is shifted in time).

    Args:
        path: the audio file.

    Returns:
        float32 (num_samples,), mono, 16 kHz, in [-1, 1].

    Raises:
        AudioError: the file is missing, unreadable, not audio, damaged, empty, over a limit,
            shorter than 25 ms, silent, or holds NaN, infinite or wrongly scaled samples.
    """
    return load_recording(path).waveform


def load_recording(path: str | os.PathLike) -> Recording:
    """The same as `load_waveform`, with the sample rate that the file had."""
    path = Path(path)
    return decode_recording(read_audio_file(path), str(path))


def decode_recording(file_bytes: bytes, name: str) -> Recording:
    """The same as `load_recording` for the bytes of a file; `name` stands in the messages."""
    with open_checked(file_bytes, name) as file:
        try:
            waveform = _decode_mono(file, _least_frames(file, file_bytes), name)
        except soundfile.LibsndfileError as error:
            raise _undecodable(name, error) from None
        rate = file.samplerate
    resampled = soxr.resample(waveform, rate, SAMPLE_RATE)
    return Recording(check_waveform(resampled, name), rate)


def open_checked(file_bytes: bytes, name: str) -> soundfile.SoundFile:
    """Open a file and refuses what can be refused before decoding: the first step of a decoder.

    Returns:
        An open file, recognised by content, whose header keeps within the limits; the header may
        still be lying.

    Raises:
        AudioError: empty, over a limit, cut off, or not WAV, FLAC, OGG or MP3.
    """
    if not file_bytes:
        raise AudioError(f"{name}: the file is empty (0 bytes); expected WAV, FLAC, OGG or MP3")
    if len(file_bytes) > MAX_FILE_BYTES:
        raise AudioError(
            f"{name}: larger than {MAX_FILE_BYTES // 2**20} MiB, the limit; cut it into utterances"
        )
    _check_wav_chunks(file_bytes, name)
    if fault := ogg_fault(file_bytes):
        raise AudioError(f"{name}: {fault}")
    try:
        file = soundfile.SoundFile(io.BytesIO(file_bytes))
    except soundfile.LibsndfileError as error:
        raise _undecodable(name, error) from None
    _check_header(file, name)
    if file.format == "MP3":
        _check_mp3_length(file, file_bytes, name)
    return file


def _undecodable(name: str, error: soundfile.LibsndfileError) -> AudioError:
    return AudioError(
        f"{name}: cannot be decoded ({error.error_string.rstrip('.')}); "
        "expected a whole WAV, FLAC, OGG or MP3 file"
    )


def check_waveform(waveform: np.ndarray, name: str) -> np.ndarray:
    """Check decoded samples and clips them: the last step of every decoder.

    Args:
        waveform: float32 (num_samples,), mono, 16 kHz.
        name: the file, for the messages.

    Returns:
        The samples, clipped to [-1, 1] (resampling and lossy codecs overshoot).

    Raises:
        AudioError: NaN or infinite values, shorter than 25 ms, silent, or not in full scale 1.
    """
    if not np.isfinite(waveform).all():
        raise AudioError(f"{name}: {NOT_FINITE}")
    if len(waveform) < MIN_SAMPLES:
        milliseconds = f"{1000 * len(waveform) / SAMPLE_RATE:.3g}"
        raise AudioError(f"{name}: {TOO_SHORT.format(milliseconds)}")
    if np.abs(waveform - waveform.mean()).max() < SILENCE_PEAK:
        raise AudioError(f"{name}: {SILENT}")
    peak = np.abs(waveform).max()
    num_far_over = np.count_nonzero(np.abs(waveform) > FAR_OVER)
    if peak > MAX_PEAK or num_far_over * ONE_IN > len(waveform):
        raise AudioError(f"{name}: {NOT_SCALED.format(f'{peak:.4g}')}")
    return np.clip(waveform, -1.0, 1.0)


def audio_sha256(waveform: np.ndarray) -> str:
    """SHA-256 (hexadecimal) of decoded float32 samples.

    The same recording under two names, or in two lossless containers, has the same sum.
    """
    return hashlib.sha256(np.ascontiguousarray(waveform, dtype="<f4").tobytes()).hexdigest()


def read_audio_file(path: Path) -> bytes:
    """At most one byte more than the limit, and only from a regular file (no pipe or device).

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


def _check_wav_chunks(file_bytes: bytes, name: str) -> None:
    """What libsndfile does not tell: it reads a WAV that is cut off as a shorter one without a
    word, and calls a sample rate of 0 an internal error.
    """
    for chunk, start, size in _riff_chunks(file_bytes):
        present = len(file_bytes) - start
        if chunk == b"fmt " and file_bytes[start + 4 : start + 8] == bytes(4):
            raise _wrong_rate(0, name)
        if chunk == b"data" and present < size:
            raise AudioError(
                f"{name}: cut off or its header is wrong ({present} of {size} bytes of audio are "
                "there); copy or convert the recording again"
            )


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


def _check_header(file: soundfile.SoundFile, name: str) -> None:
    """Refuse what can be refused before decoding."""
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


def _check_mp3_length(file: soundfile.SoundFile, file_bytes: bytes, name: str) -> None:
    if not tells_mp3_length(file_bytes) and has_more_mp3_samples(file_bytes, file.frames):
        raise AudioError(
            f"{name}: its bit rate changes and it has no tag with the length, so only "
            f"{file.frames / file.samplerate:.3g} s would be read; convert it again"
        )


def _least_frames(file: soundfile.SoundFile, file_bytes: bytes) -> int:
    """How much a file must hold: what its header announces."""
    if file.format != "MP3":
        return file.frames
    # Some encoders count the frame of the tag itself. Without a tag the length is a guess from the
    # size of the file, tags and pictures included: what is there is the recording.
    return file.frames - MP3_FRAME_SAMPLES if tells_mp3_length(file_bytes) else 0


def _decode_mono(file: soundfile.SoundFile, least_frames: int, name: str) -> np.ndarray:
    """Decode what the checked header announces, never more, and averages the channels.

    In one call: soundfile seeks after each, which puts MP3 frames out of step. The number is said
    because soundfile does not know the rest of a file that cannot be sought in (GSM, G.721).
    """
    samples = file.read(frames=file.frames, dtype="float32", always_2d=True)
    if not len(samples):
        raise AudioError(f"{name}: {NO_AUDIO}")
    if len(samples) < least_frames:
        raise AudioError(
            f"{name}: cut off ({len(samples)} of {file.frames} samples are there); "
            "copy or convert the recording again"
        )
    return samples.mean(axis=1)
