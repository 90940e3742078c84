"""Levels of known signals, and of the same frames as openSMILE sees them."""

import numpy as np
import pytest

from data_pipeline.features.level import (
    SILENT_FRAME_DB,
    TrainingProfile,
    frame_levels,
    is_silent,
    levels_of_log_energy,
    overall_level,
)
from data_pipeline.features.mfcc import FEATURE_NAMES, opensmile_mfcc

TIME = np.arange(16000) / 16000
SINE = np.sin(2 * np.pi * 400 * TIME).astype(np.float32)


@pytest.mark.parametrize(
    ("signal", "dbfs"),
    [
        (np.sign(SINE + 1e-3), 0.0),
        (SINE, -3.01),
        (0.1 * SINE, -23.01),
        (0.001 * SINE, -63.01),
    ],
)
def test_level_is_decibels_below_a_full_scale_square_wave(signal, dbfs):
    level = overall_level(frame_levels(signal))
    assert level.dbfs == pytest.approx(dbfs, abs=0.01)
    assert level.silent_share == 0


def test_silence_counts_in_the_share_and_not_in_the_level():
    pause = 10 ** (-(SILENT_FRAME_DB + 1) / 20) * SINE
    levels = frame_levels(np.concatenate([SINE, pause, pause]))
    assert overall_level(levels).dbfs == pytest.approx(-3.01, abs=0.05)
    assert overall_level(levels).silent_share == pytest.approx(2 / 3, abs=0.01)
    assert not is_silent(levels)[:97].any() and is_silent(levels)[101:].all()


def test_digital_silence_has_a_level_too():
    levels = frame_levels(np.zeros(800, np.float32))
    assert levels.shape == (3,)
    np.testing.assert_allclose(levels, levels_of_log_energy(np.zeros(3)))


def test_records_and_waveforms_are_measured_alike():
    noise = np.random.default_rng(0).normal(size=16000) * np.sin(2 * np.pi * 2 * TIME) ** 2
    waveform = (0.1 * noise).astype(np.float32)
    log_energy = opensmile_mfcc(waveform)[:, FEATURE_NAMES.index("log_energy")]
    heard = frame_levels(waveform)
    # openSMILE cuts samples to 16 bits; that tells in the quietest frames.
    np.testing.assert_allclose(levels_of_log_energy(log_energy), heard, atol=0.1)


def test_training_profile_reads_the_json_of_an_export():
    content = {"recordings": 3, "duration_seconds": [1, 2, 3], "level_dbfs": [-30.5, -20, -10]}
    profile = TrainingProfile.from_json(content | {"silent_share": [0, 0.1, 0.5], "later": 1})
    expected = TrainingProfile(3, (1, 2, 3), (-30.5, -20, -10), (0, 0.1, 0.5))
    assert profile == expected and hash(profile) == hash(expected)
