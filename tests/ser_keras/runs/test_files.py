"""Files of a run: exact round trips, equal bytes, whole or not at all."""

import csv
import dataclasses
import json

import numpy as np
import pytest

from ser_keras.errors import SerError
from ser_keras.runs.files import read_predictions, write_json, write_predictions
from ser_keras.scores.predictions import Predictions


@pytest.fixture
def predictions():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(3, 0.05), 200).astype(np.float32)  # many tiny ones
    return Predictions(
        utterance_ids=tuple(f'take, {i:03d} "ü"' for i in range(200)),
        speakers=tuple(f"{i % 7:02d}" for i in range(200)),
        fold=3,
        emotions=("angry", "neutral", "sad"),
        labels=rng.integers(0, 3, 200),
        probabilities=probabilities,
    )


def test_predictions_round_trip_to_the_last_bit(tmp_path, predictions):
    path = tmp_path / "predictions.csv"
    write_predictions(path, predictions)
    read = read_predictions(path)
    assert read.probabilities.dtype == np.float32
    assert read.probabilities.tobytes() == predictions.probabilities.tobytes()
    np.testing.assert_array_equal(read.labels, predictions.labels)
    for name in ("utterance_ids", "speakers", "fold", "emotions"):
        assert getattr(read, name) == getattr(predictions, name)
    again = tmp_path / "again.csv"
    write_predictions(again, read)
    assert again.read_bytes() == path.read_bytes()


def test_predictions_csv_is_what_the_documentation_says(tmp_path):
    path = tmp_path / "predictions.csv"
    rows = np.array([[0.25, 0.75], [0.1, 0.9]], np.float32)
    two = Predictions(
        utterance_ids=("a", "b"),
        speakers=("01", "02"),
        fold=0,
        emotions=("happy", "sad"),
        labels=np.array([1, 0]),
        probabilities=rows,
    )
    write_predictions(path, two)
    assert path.read_bytes() == (
        b"utterance_id,speaker,fold,emotion,predicted,probability_happy,probability_sad\n"
        b"a,01,0,sad,sad,0.25,0.75\n"
        b"b,02,0,happy,sad,0.100000001,0.899999976\n"
    )
    with path.open(newline="") as file:  # spreadsheets and the csv module read it alike
        assert [row["speaker"] for row in csv.DictReader(file)] == ["01", "02"]


def test_groups_that_say_something_stand_before_the_probabilities(tmp_path, predictions):
    path = tmp_path / "predictions.csv"
    sexes = ("female", "") * 100
    grouped = dataclasses.replace(predictions, groups={"age": ("",) * 200, "sex": sexes})
    write_predictions(path, grouped)
    header = path.read_text(encoding="utf-8").splitlines()[0]
    assert header.startswith("utterance_id,speaker,fold,emotion,predicted,sex,probability_angry,")
    assert read_predictions(path).groups == {"sex": sexes}
    assert read_predictions(path).probabilities.tobytes() == predictions.probabilities.tobytes()


def test_predictions_that_cannot_be_scored_leave_the_old_file(tmp_path, predictions):
    path = tmp_path / "predictions.csv"
    write_predictions(path, predictions)
    before = path.read_bytes()
    broken = predictions.probabilities.copy()
    broken[5, 1] = np.nan
    with pytest.raises(SerError, match="not finite for 1 of 200"):
        write_predictions(path, dataclasses.replace(predictions, probabilities=broken))
    with pytest.raises(ValueError, match="shorter"):
        write_predictions(path, dataclasses.replace(predictions, speakers=("01",)))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


GOOD_HEADER = "utterance_id,speaker,fold,emotion,predicted,probability_sad\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read"),
        ("", r"received the columns \[\]"),
        ("utterance_id,speaker\n", "received the columns"),
        (GOOD_HEADER.replace("probability_sad", "sad"), "received the columns"),
        (GOOD_HEADER, "rows that cannot be read"),
        (GOOD_HEADER + "a,01,0,happy,sad,1\n", "rows that cannot be read"),
        (GOOD_HEADER + "a,01,0,sad,sad,high\n", "rows that cannot be read"),
        (GOOD_HEADER + "a,01,0,sad,sad\n", "rows that cannot be read"),
        (GOOD_HEADER + "a,01,0,sad,sad,nan\n", "not finite for 1 of 1"),
        (GOOD_HEADER + "a,01,0,sad,sad,1\nb,01,1,sad,sad,1\n", "rows of one fold"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_a_file_that_is_not_predictions_is_named_in_one_line(tmp_path, text, message):
    path = tmp_path / "predictions.csv"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SerError, match=message) as caught:
        read_predictions(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_json_keeps_the_order_of_its_keys_and_ends_its_line(tmp_path):
    path = tmp_path / "result.json"
    content = {"zebra": 1, "apple": [0.1, None], "speaker": "Müller"}
    write_json(path, content)
    text = path.read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert "Müller" in text
    assert json.loads(text) == content
    assert list(json.loads(text)) == ["zebra", "apple", "speaker"]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_without_a_finite_number_leaves_the_old_file(tmp_path, number):
    path = tmp_path / "result.json"
    write_json(path, {"loss": 1.5})
    with pytest.raises(SerError, match="not finite"):
        write_json(path, {"loss": number})
    assert json.loads(path.read_text()) == {"loss": 1.5}
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "summary.json"
    write_json(path, {"folds_finished": 1})
    with path.open(encoding="utf-8") as reader:
        write_json(path, {"folds_finished": 2})
        assert json.load(reader) == {"folds_finished": 1}  # the old file, whole
    assert json.loads(path.read_text(encoding="utf-8")) == {"folds_finished": 2}
