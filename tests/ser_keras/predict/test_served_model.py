"""The SavedModel folder as `predict` finds it: versions, threshold, damage."""

import json
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ser_keras.errors import SerError
from ser_keras.graph.signatures import emotion_server, signatures_of
from ser_keras.predict.served_model import ServedModel

NOISE = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)


def test_highest_version_answers_unless_one_is_named(
    tiny_saved_model, tiny_info, copy_with_info, tmp_path
):
    names = ["one", "two", "three", "four"]
    for version, emotions in [("9", ["old"] * 4), ("10", names)]:
        copied = copy_with_info(tiny_saved_model, replace(tiny_info, emotions=tuple(emotions)))
        shutil.move(copied, tmp_path / "versions" / version)
    assert ServedModel(tmp_path / "versions").emotions == tuple(names)
    assert ServedModel(tmp_path / "versions" / "9").emotions == ("old",) * 4


@pytest.mark.parametrize("times", [1, 5])
def test_recordings_of_a_batch_get_what_each_gets_alone(served, times):
    """Of a small batch and of a large one, which the graph answers in halves."""
    waveforms = [NOISE, np.zeros(4000, np.float32), NOISE[:5000]] * times
    together = served.answers(waveforms)
    for answer, waveform in zip(together, waveforms, strict=True):
        [alone] = served.answers([waveform])
        assert answer.error == alone.error
        assert answer.probabilities == pytest.approx(alone.probabilities, abs=1e-5)
    assert together[1].emotion == "" and together[1].probabilities == {} and together[1].error


def test_no_recordings_have_no_answers(served):
    assert served.answers([]) == []


def test_an_answer_below_the_threshold_of_the_model_is_unsure(
    served, tiny_saved_model, tiny_info, copy_with_info
):
    [answer] = served.answers([NOISE])
    highest = max(answer.probabilities.values())
    assert answer.probabilities[answer.emotion] == highest
    info = replace(tiny_info, unsure_below=0.5 * (highest + 1))
    assert not served.answer_of({"sad": 0.5, "happy": 0.49}).unsure
    strict = ServedModel(copy_with_info(tiny_saved_model, info))
    assert strict.answers([NOISE]) == [answer._replace(unsure=True)]


def test_a_score_that_is_not_finite_is_an_error_and_no_emotion(tiny_model_of, tiny_info, tmp_path):
    model = tiny_model_of(tiny_info.inputs)
    model.set_weights([np.full_like(array, np.nan) for array in model.get_weights()])
    (tmp_path / "labels.txt").write_text("\n".join(tiny_info.emotions), encoding="utf-8")
    (tmp_path / "info.json").write_text(json.dumps(tiny_info.to_json()), encoding="utf-8")
    server = emotion_server(model, tiny_info, tmp_path)  # export_saved_model refuses this model
    tf.saved_model.save(server, str(tmp_path / "1"), signatures=signatures_of(server))
    [answer] = ServedModel(tmp_path).answers([NOISE])
    assert answer == ("", False, {}, "the model gives no finite score for it")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: None, "no SavedModel there; expected a folder such as"),
        (lambda path: (path / "saved_model.pb").write_bytes(b"x"), "info.json: missing or damaged"),
    ],
)
def test_folder_without_a_usable_model_is_one_clear_line(tmp_path, damage, message):
    damage(tmp_path)
    with pytest.raises(SerError, match=message) as caught:
        ServedModel(tmp_path)
    assert "\n" not in str(caught.value)


def test_name_that_is_too_long_is_one_clear_line(tmp_path):
    with pytest.raises(SerError, match="aaa: no SavedModel there; expected a folder such as"):
        ServedModel(tmp_path / ("a" * 300))


@pytest.mark.parametrize(
    ("closed", "message"),
    [
        (".", "1: cannot be read .Permission denied."),
        ("assets/info.json", "info.json: cannot be read .Permission denied."),
        ("saved_model.pb", "saved_model.pb: may not be read; check its rights"),
        ("variables", "variables: may not be read; check its rights"),
    ],
)
def test_what_may_not_be_read_is_not_called_damaged(tiny_saved_model, closed, message):
    user = os.geteuid()
    # Not in tmp_path: nobody may not even look into the folders above it.
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        copied = shutil.copytree(tiny_saved_model, Path(name) / "1")
        (copied / closed).chmod(0)
        if user == 0:
            os.seteuid(65534)
        try:
            with pytest.raises(SerError, match=message):
                ServedModel(copied)
        finally:
            os.seteuid(user)
            (copied / closed).chmod(0o700)


def test_variables_that_are_cut_off_are_one_clear_line(tiny_saved_model, tiny_info, copy_with_info):
    copied = copy_with_info(tiny_saved_model, tiny_info)
    [values] = (copied / "variables").glob("variables.data-*")
    os.truncate(values, values.stat().st_size // 2)
    with pytest.raises(SerError, match="damaged or has no signature 'waveform'"):
        ServedModel(copied)


def test_damaged_model_is_one_clear_line(tiny_saved_model, tiny_info, copy_with_info):
    copied = copy_with_info(tiny_saved_model, tiny_info)
    (copied / "saved_model.pb").write_bytes(b"\x00 not a model")
    with pytest.raises(SerError, match="damaged or has no signature 'waveform'"):
        ServedModel(copied)


@pytest.mark.parametrize("info", [{"labels": []}, {"emotions": []}, ["emotions"]])
def test_info_of_another_project_is_one_clear_line(tiny_saved_model, copy_with_info, info):
    with pytest.raises(SerError, match="info.json: missing or damaged"):
        ServedModel(copy_with_info(tiny_saved_model, info))
