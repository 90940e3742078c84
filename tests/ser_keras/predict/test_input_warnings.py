"""Warnings of signals whose level, length, rate and silence are known."""

import numpy as np
import pytest

from data_pipeline.audio.reading import Recording
from data_pipeline.features.level import TrainingProfile
from ser_keras.predict.input_warnings import recording_warnings, utterance_warnings

PROFILE = TrainingProfile(
    recordings=200,
    duration_seconds=(1.5, 2.6, 6.0),
    level_dbfs=(-30.0, -20.0, -15.0),
    silent_share=(0.2, 0.3, 0.4),
)


def recording(seconds=2.5, dbfs=-20.0, silent=0.3, file_rate=16000):
    """Noise of a level, the last part of it 50 dB lower."""
    noise = np.random.default_rng(0).normal(0, 10 ** (dbfs / 20), int(16000 * seconds))
    noise[int(len(noise) * (1 - silent)) :] *= 10 ** (-50 / 20)
    return Recording(noise.astype(np.float32), file_rate)


def with_offset(one, dbfs, sign=1):
    samples = one.waveform + np.float32(sign * 10 ** (dbfs / 20))
    return Recording(np.clip(samples, -1, 1), one.file_rate)


def all_warnings(one, profile=PROFILE):
    return recording_warnings(one, profile) + utterance_warnings(one, profile)


@pytest.mark.parametrize(
    "usual",
    [{}, {"dbfs": -32}, {"dbfs": -13}, {"seconds": 1.3}, {"seconds": 7.2}, {"silent": 0.48}],
)
def test_recording_like_the_training_recordings_gets_none(usual):
    assert all_warnings(recording(**usual)) == []


THEM = "99 % of the training recordings"


@pytest.mark.parametrize(
    ("unusual", "words"),
    [
        ({"dbfs": -42}, f"12 dB quieter than {THEM}: move closer"),
        ({"dbfs": -8}, f"7 dB louder than {THEM}: lower the gain"),
        ({"seconds": 0.5}, f"0.5 s long, where {THEM} are longer than 1.5 s: give it a whole"),
        ({"seconds": 45}, f"45.0 s long, where {THEM} are shorter than 6.0 s: use --timeline"),
        ({"silent": 0.7}, f"70% of it is silent, where {THEM} have less than 40%: cut"),
        ({"silent": 0.0}, f"0% of it is silent, where {THEM} have more than 20%: is there noise"),
        ({"file_rate": 8000}, "sampled at 8000 Hz: nothing is left above 4 kHz"),
    ],
)
def test_what_is_unlike_them_is_said_once_with_what_to_do(unusual, words):
    [warning] = all_warnings(recording(**unusual))
    assert warning.startswith(words)
    assert "\n" not in warning


def test_without_a_profile_only_the_rate_can_be_judged():
    strange = recording(seconds=45, dbfs=-60, file_rate=11025)
    [warning] = all_warnings(strange, profile=None)
    assert warning.startswith("sampled at 11025 Hz: nothing is left above 5.5125 kHz")


OFFSET = "holds a constant offset of {} dBFS, which the model hears as a deep tone: remove it (ff"


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("dbfs", [-40, -20, -6])
def test_offset_is_named_and_called_neither_loudness_nor_noise(dbfs, sign):
    [warning] = all_warnings(with_offset(recording(), dbfs, sign))
    assert warning.startswith(OFFSET.format(dbfs))
    [warning] = all_warnings(with_offset(recording(), dbfs, sign), profile=None)
    assert warning.startswith(OFFSET.format(dbfs))


def test_offset_of_a_quiet_recording_is_judged_by_its_level():
    quiet = recording(dbfs=-32)
    assert all_warnings(with_offset(quiet, -70)) == []
    [warning] = all_warnings(with_offset(quiet, -52))
    assert warning.startswith(OFFSET.format(-52))


def test_what_else_is_unlike_them_is_said_beside_an_offset():
    offset, level = all_warnings(with_offset(recording(dbfs=-42), -12))
    assert offset.startswith(OFFSET.format(-12))
    assert level.startswith(f"12 dB quieter than {THEM}")
