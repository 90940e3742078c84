"""Checkpoints of real fits: what comes back, and what is never used."""

import json

import keras
import numpy as np
import pytest

from ser_keras.training.callbacks import BestEpoch, HistoryCsv, TestEpochs
from ser_keras.training.checkpoint import EpochCheckpoint
from ser_keras.training.metrics import emotion_metrics

EMOTIONS = ("angry", "sad")
IDENTITY = {"corpus": "made up", "fold": 0, "settings": {"n_fft": (256, 512)}}
RNG = np.random.default_rng(0)
INPUTS, LABELS = RNG.normal(size=(32, 3)).astype(np.float32), RNG.integers(0, 2, 32)


def make_model(seed, units=4):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((3,), name="x")
    hidden = keras.layers.BatchNormalization()(keras.layers.Dense(units)(inputs))
    model = keras.Model({"x": inputs}, {"logits": keras.layers.Dense(2)(hidden)})
    model.compile(
        keras.optimizers.Adam(0.05),
        {"logits": keras.losses.SparseCategoricalCrossentropy(True)},
        metrics={"logits": emotion_metrics(2)},
    )
    return model


def make_checkpoint(folder, identity=IDENTITY):
    best, test = BestEpoch(), TestEpochs([({"x": INPUTS}, LABELS)], EMOTIONS)
    history = HistoryCsv(folder / "history.csv")
    return EpochCheckpoint(folder / "checkpoint.npz", identity, best, test, history)


def fit(model, checkpoint, first, last):
    x, y = {"x": INPUTS}, {"logits": LABELS}
    own = [checkpoint.best, checkpoint.test, checkpoint.history, checkpoint]
    fixed = {"batch_size": 8, "shuffle": False, "verbose": 0, "callbacks": own}
    model.fit(x, y, validation_data=(x, y), initial_epoch=first, epochs=last, **fixed)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """The bytes of the checkpoint after three epochs; not to be changed."""
    folder = tmp_path_factory.mktemp("stopped")
    fit(make_model(1), make_checkpoint(folder), 0, 3)
    return (folder / "checkpoint.npz").read_bytes()


def outcome(model, checkpoint):
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in checkpoint.history.rows]
    values = [np.asarray(v) for v in (*model.weights, *model.optimizer.variables)]
    return values + checkpoint.best.weights, (checkpoint.best.state, checkpoint.test.best, rows)


def test_going_on_ends_as_if_there_had_been_no_stop(stopped, tmp_path):
    whole, without = make_model(1), make_checkpoint(tmp_path / "whole")
    without.path.parent.mkdir()
    fit(whole, without, 0, 6)

    (tmp_path / "checkpoint.npz").write_bytes(stopped)
    model, checkpoint = make_model(2), make_checkpoint(tmp_path)  # other weights to begin with
    assert checkpoint.resume(model) == 3
    assert len(checkpoint.best.weights) == len(model.weights)
    fit(model, checkpoint, 3, 6)
    (arrays, rest), (expected_arrays, expected_rest) = (
        outcome(model, checkpoint),
        outcome(whole, without),
    )
    for value, expected in zip(arrays, expected_arrays, strict=True):
        np.testing.assert_array_equal(value, expected)
    assert json.dumps(rest) == json.dumps(expected_rest)
    history = [path.read_text().splitlines() for path in tmp_path.rglob("history.csv")]
    assert [len(lines) for lines in history] == [7, 7]


def assert_not_used(checkpoint, model):
    before = [np.asarray(weight) for weight in model.weights]
    assert checkpoint.resume(model) == 0
    for weight, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)
    assert (checkpoint.best.epoch, checkpoint.best.weights) == (0, [])
    assert (checkpoint.test.best, checkpoint.history.rows) == ({}, [])


@pytest.mark.parametrize(
    "identity", [IDENTITY | {"fold": 1}, IDENTITY | {"settings": {"n_fft": (256, 1024)}}, {}]
)
def test_one_of_other_settings_is_never_used(stopped, tmp_path, identity):
    (tmp_path / "checkpoint.npz").write_bytes(stopped)
    assert_not_used(make_checkpoint(tmp_path, identity), make_model(2))


def test_one_of_another_network_is_never_used(stopped, tmp_path):
    (tmp_path / "checkpoint.npz").write_bytes(stopped)
    assert_not_used(make_checkpoint(tmp_path), make_model(2, units=5))


def test_no_file_is_no_checkpoint(tmp_path):
    assert_not_used(make_checkpoint(tmp_path), make_model(2))


def test_a_damaged_one_is_never_used(stopped, tmp_path):
    """Cut anywhere, or any byte changed: the file is refused or reads as it was written."""
    from ser_keras.training.checkpoint import _unpacked

    path = tmp_path / "checkpoint.npz"
    path.write_bytes(stopped)
    good_state, good_arrays = _unpacked(path)
    refused = 0
    for position in range(0, len(stopped), 23):
        changed = bytearray(stopped)
        changed[position] ^= 0x55
        path.write_bytes(changed)
        read = _unpacked(path)
        if read is None:
            refused += 1
            continue
        assert read[0] == good_state
        for name, values in good_arrays.items():
            for value, good in zip(read[1][name], values, strict=True):
                np.testing.assert_array_equal(value, good)
    assert refused > len(stopped) / 23 / 2
    for length in range(0, len(stopped), 997):
        path.write_bytes(stopped[:length])
        assert _unpacked(path) is None


def test_half_written_files_of_killed_processes_go_away(tmp_path):
    half = tmp_path / ".checkpoint.npz.123.partial"
    half.write_bytes(b"half")
    assert make_checkpoint(tmp_path).resume(make_model(1)) == 0
    assert not half.exists()
