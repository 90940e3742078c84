"""The profile from prepared records, against the waveforms they were made of."""

import numpy as np
import pytest

from data_pipeline.batches.training_profile import measure_training_profile
from data_pipeline.errors import DataError
from data_pipeline.features.level import frame_levels, overall_level
from data_pipeline.features.mfcc import opensmile_mfcc
from data_pipeline.records.prepared import load_prepared


@pytest.fixture
def waveforms():
    """utterance id -> noise of its own level, half of it nearly silent in some."""
    rng = np.random.default_rng(4)
    signals = {}
    for number in range(8):
        signal = rng.normal(0, 0.01 * (number + 1), 8000 + 1600 * number)
        signal[4000 : 4000 + 500 * number] *= 1e-3
        signals[f"utt{number}"] = signal.astype(np.float32)
    return signals


@pytest.fixture
def prepared(write_folder, waveforms):
    mel = np.ones((4, 64), np.float32), np.ones((2, 128), np.float32)
    features = {
        name: {"mfcc": opensmile_mfcc(signal), "mel_narrow": mel[0], "mel_wide": mel[1]}
        for name, signal in waveforms.items()
    }
    return load_prepared(write_folder(features))


def test_profile_is_that_of_the_training_recordings_alone(prepared, waveforms):
    training = [f"utt{number}" for number in (1, 2, 4, 7)]
    for row in prepared.metadata["utterances"]:
        row["duration_seconds"] = len(waveforms[row["utterance_id"]]) / 16000
    profile = measure_training_profile(prepared, training)
    levels = [overall_level(frame_levels(waveforms[name])) for name in training]
    assert profile.recordings == 4
    for name, values in {
        "level_dbfs": [level.dbfs for level in levels],
        "silent_share": [level.silent_share for level in levels],
        "duration_seconds": [len(waveforms[name]) / 16000 for name in training],
    }.items():
        assert getattr(profile, name) == pytest.approx(
            np.quantile(values, [0.01, 0.5, 0.99]), abs=0.02
        )


def test_unknown_utterance_is_refused(prepared):
    with pytest.raises(DataError, match="not in this prepared"):
        measure_training_profile(prepared, ["utt1", "nobody"])
