"""What is unlike the training recordings about a recording, in words, with what to do.

A model answers whatever it is sent. Outside what it was trained on its probabilities, calibrated
or not, mean nothing; that is said here, beside the answer.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from data_pipeline.audio.offset import constant_offset, offset_dbfs
from data_pipeline.audio.reading import Recording
from data_pipeline.audio.waveform import SAMPLE_RATE
from data_pipeline.features.level import Level, TrainingProfile, frame_levels, overall_level

# What goes beyond the 1 % and 99 % quantiles by less than this is not worth a word.
LEVEL_MARGIN_DB = 3.0
DURATION_FACTOR = 1.25
SILENCE_MARGIN = 0.1


def recording_warnings(recording: Recording, profile: TrainingProfile | None) -> list[str]:
    """In what a recording of any length is unlike those that the model was trained on.

    Args:
        recording: from `load_recording`.
        profile: what the training recordings were like; None where it is not known.

    Returns:
        A sentence for the sample rate of the file, one for a constant offset and, with a profile,
        one for the level, each only where there is something to say.
    """
    offset = constant_offset(recording.waveform)
    warnings = [*_of_rate(recording.file_rate), *_of_offset(offset)]
    if profile is not None:
        warnings += _of_level(_level(recording).dbfs, profile.level_dbfs)
    return warnings


def utterance_warnings(recording: Recording, profile: TrainingProfile | None) -> list[str]:
    """The same for what matters in a recording that is judged as a whole: length and silence."""
    if profile is None:
        return []
    seconds = len(recording.waveform) / SAMPLE_RATE
    return [
        *_of_duration(seconds, profile.duration_seconds),
        *_of_silence(_level(recording).silent_share, profile.silent_share),
    ]


def _level(recording: Recording) -> Level:
    """How loud the sound is: an offset that is named is neither loud nor a noise behind it."""
    waveform = recording.waveform
    return overall_level(frame_levels(waveform - np.float32(constant_offset(waveform))))


def _of_offset(offset: float) -> Iterator[str]:
    if offset:
        yield (
            f"holds a constant offset of {offset_dbfs(offset):.0f} dBFS, which the model "
            "hears as a deep tone: remove it (ffmpeg -i in -af highpass=f=20 out.wav) or have the "
            "sound card mended"
        )


def _of_rate(file_rate: int) -> Iterator[str]:
    if file_rate < SAMPLE_RATE:
        yield (
            f"sampled at {file_rate} Hz: nothing is left above {file_rate / 2000:g} kHz, and the "
            f"model listens up to {SAMPLE_RATE / 2000:g} kHz; record at {SAMPLE_RATE} Hz or more"
        )


def _of_level(dbfs: float, quantiles: Sequence[float]) -> Iterator[str]:
    quietest, _, loudest = quantiles
    if dbfs < quietest - LEVEL_MARGIN_DB:
        yield (
            f"{quietest - dbfs:.0f} dB quieter than 99 % of the training recordings: move closer "
            "to the microphone or raise the gain"
        )
    if dbfs > loudest + LEVEL_MARGIN_DB:
        yield (
            f"{dbfs - loudest:.0f} dB louder than 99 % of the training recordings: lower the gain"
        )


def _of_duration(seconds: float, quantiles: Sequence[float]) -> Iterator[str]:
    shortest, _, longest = quantiles
    if seconds < shortest / DURATION_FACTOR:
        yield (
            f"{seconds:.1f} s long, where 99 % of the training recordings are longer than "
            f"{shortest:.1f} s: give it a whole sentence"
        )
    if seconds > longest * DURATION_FACTOR:
        yield (
            f"{seconds:.1f} s long, where 99 % of the training recordings are shorter than "
            f"{longest:.1f} s: use --timeline, or cut it into utterances"
        )


def _of_silence(share: float, quantiles: Sequence[float]) -> Iterator[str]:
    least, _, most = quantiles
    if share > most + SILENCE_MARGIN:
        yield (
            f"{share:.0%} of it is silent, where 99 % of the training recordings have less than "
            f"{most:.0%}: cut the pauses off"
        )
    if share < least - SILENCE_MARGIN:
        yield (
            f"{share:.0%} of it is silent, where 99 % of the training recordings have more than "
            f"{least:.0%}: is there noise or music behind the voice?"
        )
