"""Checkpoints of real fits: what comes back, and what is never used; and one fit, whole."""

import csv
import json
import resource
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from ser_keras.runs.config import RunConfig
from ser_keras.settings import Settings
from ser_keras.training.callbacks.best_epoch import BestEpoch
from ser_keras.training.callbacks.checkpoint import Checkpoint, Remembered
from ser_keras.training.callbacks.history import HistoryCsv
from ser_keras.training.callbacks.optimistic import OptimisticScores
from ser_keras.training.fold import FoldDatasets, fit_fold
from ser_keras.training.metrics import emotion_metrics
from ser_keras.training.model_files import save_model

EMOTIONS = ("angry", "sad")
CONFIG = RunConfig(
    data_key="key",
    corpus="made up",
    emotions=EMOTIONS,
    label_map={},
    subset="all",
    features={"n_fft": (256, 512)},
    group_by="speaker",
    protocol="speaker",
    selection="",
    variant="base_1",
    preset="paper",
    settings=Settings(),
    seed=0,
)
RNG = np.random.default_rng(0)
INPUTS, LABELS = RNG.normal(size=(32, 3)).astype(np.float32), RNG.integers(0, 2, 32)


def make_model(seed, units=4, dropout=0.0):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((3,), name="x")
    hidden = keras.layers.BatchNormalization()(keras.layers.Dense(units)(inputs))
    if dropout:
        hidden = keras.layers.Dropout(dropout)(hidden)
    model = keras.Model({"x": inputs}, {"logits": keras.layers.Dense(2)(hidden)})
    model.compile(
        keras.optimizers.Adam(0.05),
        {"logits": keras.losses.SparseCategoricalCrossentropy(True)},
        metrics={"logits": emotion_metrics(2)},
    )
    return model


def make_checkpoint(folder, config=CONFIG, fold=0, watched=True):
    optimistic = OptimisticScores([({"x": INPUTS}, LABELS)], EMOTIONS) if watched else None
    remembered = Remembered(BestEpoch(), HistoryCsv(folder / "history.csv"), optimistic)
    return Checkpoint(folder / "checkpoint.npz", config, fold, remembered)


def fit(model, checkpoint, first, last):
    x, y = {"x": INPUTS}, {"logits": LABELS}
    kept = checkpoint.remembered
    watched = [kept.optimistic] if kept.optimistic else []
    own = [kept.best, *watched, kept.history, checkpoint]
    fixed = {"batch_size": 8, "shuffle": False, "verbose": 0, "callbacks": own}
    model.fit(x, y, validation_data=(x, y), initial_epoch=first, epochs=last, **fixed)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """The bytes of the checkpoint after three epochs; not to be changed."""
    folder = tmp_path_factory.mktemp("stopped")
    fit(make_model(1), make_checkpoint(folder), 0, 3)
    return (folder / "checkpoint.npz").read_bytes()


def outcome(model, checkpoint):
    kept = checkpoint.remembered
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in kept.history.rows]
    values = [np.asarray(v) for v in (*model.variables, *model.optimizer.variables)]
    best = kept.optimistic.best if kept.optimistic else None
    return values + kept.best.weights, (kept.best.state, best, rows)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_going_on_ends_as_if_there_had_been_no_stop(tmp_path, dropout):
    whole, without = make_model(1, dropout=dropout), make_checkpoint(tmp_path / "whole")
    without.path.parent.mkdir()
    fit(whole, without, 0, 6)

    fit(make_model(1, dropout=dropout), make_checkpoint(tmp_path), 0, 3)
    # Other weights, and another state of the seed generators, to begin with.
    model, checkpoint = make_model(2, dropout=dropout), make_checkpoint(tmp_path)
    assert bool(set(map(id, model.variables)) - set(map(id, model.weights))) == bool(dropout)
    assert checkpoint.resume(model) == 3
    assert len(checkpoint.remembered.best.weights) == len(model.weights)
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
    kept = checkpoint.remembered
    assert (kept.best.epoch, kept.best.weights) == (0, [])
    assert (kept.optimistic.best, kept.history.rows) == ({}, [])


OTHER = Settings().with_values({"network.units": 7})


@pytest.mark.parametrize(
    "other",
    [{"fold": 1}, {"config": replace(CONFIG, settings=OTHER)}, {"config": replace(CONFIG, seed=1)}],
)
def test_one_of_other_settings_is_never_used(stopped, tmp_path, other):
    (tmp_path / "checkpoint.npz").write_bytes(stopped)
    assert_not_used(make_checkpoint(tmp_path, **other), make_model(2))


def test_a_field_that_is_newer_than_the_file_has_its_default(stopped, tmp_path, monkeypatch):
    older = CONFIG.to_json()
    older["settings"] = {k: v for k, v in older["settings"].items() if k != "aligned_frames"}
    checkpoint = make_checkpoint(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(RunConfig, "to_json", lambda self: older)
        fit(make_model(1), checkpoint, 0, 2)
    assert make_checkpoint(tmp_path).resume(make_model(2)) == 2


def columns(folder):
    return next(csv.reader((folder / "history.csv").read_text().splitlines()))


@pytest.mark.parametrize(("before", "after"), [(False, True), (True, False), (False, False)])
def test_a_test_part_that_was_not_watched_all_along_claims_nothing(tmp_path, before, after):
    fit(make_model(1), make_checkpoint(tmp_path, watched=before), 0, 2)
    assert ("optimistic_test_weighted_accuracy" in columns(tmp_path)) == before
    model, checkpoint = make_model(2), make_checkpoint(tmp_path, watched=after)
    assert checkpoint.resume(model) == 2
    assert checkpoint.remembered.optimistic is None
    fit(model, checkpoint, 2, 4)
    rows = list(csv.DictReader((tmp_path / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert "optimistic_test_weighted_accuracy" not in rows[0]
    assert all(None not in row and None not in row.values() for row in rows)


def test_one_of_another_network_is_never_used(stopped, tmp_path):
    (tmp_path / "checkpoint.npz").write_bytes(stopped)
    assert_not_used(make_checkpoint(tmp_path), make_model(2, units=5))


def test_no_file_is_no_checkpoint(tmp_path):
    assert_not_used(make_checkpoint(tmp_path), make_model(2))


def test_a_damaged_one_is_never_used(stopped, tmp_path):
    """Cut anywhere, or any byte changed: the file is refused or reads as it was written."""
    from ser_keras.training.callbacks.checkpoint import _unpacked

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


@contextmanager
def files_of_at_most(size):
    """No file may be larger: writing on ends as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_cannot_be_written_whole_leaves_the_old_file_and_the_process_alive(
    tmp_path, tiny_info
):
    """HDF5 itself, on a disk that is full, ends the process with a segmentation fault."""
    model, checkpoint = make_model(0), make_checkpoint(tmp_path)
    fit(model, checkpoint, 0, 1)
    save_model(model, Settings(), tiny_info, tmp_path / "model")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    for write in (
        lambda: checkpoint.on_epoch_end(1),
        lambda: save_model(model, Settings(), tiny_info, tmp_path / "model"),
    ):
        with files_of_at_most(500), pytest.raises(OSError) as caught:
            write()
        assert Path(caught.value.filename) in before
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_a_training_step_of_several_heads_is_traced_once(tmp_path, monkeypatch):
    """Tracing takes seconds in every fold, and a step that makes variables is traced again."""
    traced = []
    step = keras.Model.train_step
    monkeypatch.setattr(
        keras.Model, "train_step", lambda model, data: traced.append(model) or step(model, data)
    )
    hidden = keras.layers.Dense(4)(inputs := keras.Input((3,), name="x"))
    heads = {f"{name}_logits": keras.layers.Dense(2)(hidden) for name in ("mfcc", "mel")}
    model = keras.Model(
        {"x": inputs}, {"logits": keras.layers.Average()([*heads.values()]), **heads}
    )
    model.compile(
        keras.optimizers.Adam(0.05),
        dict.fromkeys(heads, keras.losses.SparseCategoricalCrossentropy(True)),
        metrics={"logits": emotion_metrics(2)},
    )
    batches = tf.data.Dataset.from_tensor_slices(({"x": INPUTS}, LABELS)).batch(8)
    settings = CONFIG.settings
    config = replace(
        CONFIG, settings=replace(settings, optimiser=replace(settings.optimiser, epochs=2))
    )
    datasets = FoldDatasets(train=lambda first: batches.repeat(2), validation=batches, test=None)
    outcome = fit_fold(model, datasets, config, 0, tmp_path)
    assert outcome.last_epoch == 2 and len(traced) == 1
