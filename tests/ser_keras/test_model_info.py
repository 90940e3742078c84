"""What a model knows of itself, read from the files of every version of this project."""

import json
from dataclasses import replace

import pytest

from ser_keras.errors import SerError
from ser_keras.model_info import NO_TEMPERATURE, ModelInfo
from ser_keras.scores.calibration import MIN_CONFIDENCE

# As the first version wrote it, which knew no calibration and no training profile.
FIRST = {
    "variant": "dual_level",
    "preset": "demo",
    "emotions": ["angry", "sad"],
    "features": {"sample_rate": 16000, "mfcc": "opensmile", "n_fft": [256, 512]},
    "corpus": "demo",
    "protocol": "speaker",
    "fold": 0,
    "num_frames": [76, 38],
    "n_mels": [64, 128],
    "inputs": ["mfcc", "num_mfcc_frames", "mel_narrow", "mel_wide"],
    "weighted_accuracy": 0.75,
    "unweighted_accuracy": 0.7,
}
PROFILE = {
    "recordings": 12,
    "duration_seconds": [0.5, 0.6, 0.7],
    "level_dbfs": [-36.0, -27.0, -18.0],
    "silent_share": [0.0, 0.0, 0.1],
}
LATER = FIRST | {
    "temperature": 1.7,
    "unsure_below": 0.6,
    "calibration": {"target_reached": True, "test": {"answered_accuracy": None}},
    "training_profile": PROFILE,
}


def test_the_oldest_file_is_read_with_the_defaults_of_today():
    info = ModelInfo.from_json(FIRST)
    assert (info.temperature, info.unsure_below) == (NO_TEMPERATURE, MIN_CONFIDENCE)
    assert info.calibration is None and info.training_profile is None
    assert info.emotions == ("angry", "sad") and info.num_frames == (76, 38)


def test_a_whole_file_comes_back_with_its_keys_in_their_order():
    written = ModelInfo.from_json(LATER).to_json()
    assert json.dumps(written) == json.dumps(LATER)
    assert ModelInfo.from_json(json.loads(json.dumps(written))) == ModelInfo.from_json(LATER)


def test_names_that_are_not_known_are_passed_over():
    assert ModelInfo.from_json(LATER | {"licence": "MIT"}) == ModelInfo.from_json(LATER)


def test_a_model_that_was_not_tested_has_no_accuracies():
    scored = ModelInfo.from_json(LATER)
    info = replace(scored, weighted_accuracy=None, unweighted_accuracy=None)
    assert not info.to_json().keys() & {"weighted_accuracy", "unweighted_accuracy"}
    assert ModelInfo.from_json(info.to_json()) == info


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (["emotions"], "received no JSON object, expected what training writes"),
        ({"emotions": ["sad"]}, "received no variant, preset, features, corpus"),
        (LATER | {"emotions": []}, "received no emotions, expected one or more"),
        (LATER | {"temperature": 0}, "temperature is 0, expected a positive number"),
        (LATER | {"temperature": "hot"}, "temperature is 'hot', expected a positive number"),
        (LATER | {"temperature": float("nan")}, "temperature is nan, expected a positive"),
        (LATER | {"training_profile": {}}, "received a training_profile that cannot be read"),
        (LATER | {"training_profile": 3}, "received a training_profile that cannot be read"),
    ],
)
def test_what_means_nothing_is_one_clear_line(content, message):
    with pytest.raises(SerError, match=f"^info.json: .*{message}.*: train the fold again$"):
        ModelInfo.from_json(content)
