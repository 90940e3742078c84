"""The callbacks in real fits of a tiny model with the outputs of the project's models."""

import csv
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ser_keras.errors import SerError
from ser_keras.training.callbacks.best_epoch import BestEpoch
from ser_keras.training.callbacks.history import HistoryCsv
from ser_keras.training.callbacks.optimistic import OptimisticScores
from ser_keras.training.callbacks.tensorboard import TensorBoardFold, config_table
from ser_keras.training.metrics import emotion_metrics, plain_log_name

EMOTIONS = ("angry", "happy", "sad")
NUM_FEATURES = 5


def make_part(seed, size):
    """A made-up part of a fold: (inputs, labels), with some emotion in the inputs."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(EMOTIONS), size).astype(np.int32)
    mfcc = rng.normal(size=(size, NUM_FEATURES)).astype(np.float32)
    mfcc[np.arange(size), labels] += 1.0
    return tf.data.Dataset.from_tensor_slices(({"mfcc": mfcc}, labels)).batch(16)


def for_fit(part):
    """Labels under the name of each output that has a loss or a metric, as compile wants them."""
    return part.map(lambda x, y: (x, {"logits": y, "mfcc_logits": y, "mel_logits": y}))


def make_model(learning_rate=0.05):
    """Two heads and their average: a dict of outputs, metrics on "logits" only."""
    keras.utils.set_random_seed(7)
    inputs = {"mfcc": keras.Input((NUM_FEATURES,), name="mfcc")}
    hidden = keras.layers.BatchNormalization()(inputs["mfcc"])
    heads = {name: keras.layers.Dense(3)(hidden) for name in ("mfcc_logits", "mel_logits")}
    outputs = {"logits": keras.layers.Average()(list(heads.values())), **heads}
    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss={name: keras.losses.SparseCategoricalCrossentropy(True) for name in heads},
        metrics={"logits": emotion_metrics(3)},
    )
    return model


def fit(model, callbacks, epochs):
    return model.fit(
        for_fit(TRAIN),
        validation_data=for_fit(VALIDATION),
        epochs=epochs,
        callbacks=callbacks,
        shuffle=False,  # that is the data set's own business
        verbose=0,
    )


TRAIN, VALIDATION, TEST = make_part(0, 48), make_part(1, 30), make_part(2, 37)


def labels_and_predicted(model, part):
    logits = model.predict(part, verbose=0)["logits"]
    return np.concatenate([labels for _, labels in part]), logits.argmax(-1)


class Snapshots(keras.callbacks.Callback):
    """An independent record: weights, and what each part looks like after each epoch."""

    def __init__(self):
        super().__init__()
        self.weights, self.validation, self.test = [], [], []

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append([w.copy() for w in self.model.get_weights()])
        self.validation.append(labels_and_predicted(self.model, VALIDATION))
        self.test.append(labels_and_predicted(self.model, TEST))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One fit of six epochs with every callback, beside the independent record."""
    folder = tmp_path_factory.mktemp("fold_0")
    halve = keras.callbacks.LearningRateScheduler(lambda epoch: 0.05 * 0.5**epoch)
    callbacks = {
        "snapshots": Snapshots(),
        "halve": halve,
        "best": BestEpoch(),
        "test": OptimisticScores(TEST, EMOTIONS),
        "csv": HistoryCsv(folder / "history.csv"),
        "board": TensorBoardFold(
            folder,
            {"preset": "paper", "optimiser": {"name": "adam"}},
            VALIDATION,
            EMOTIONS,
            epochs_a_picture=4,
        ),
    }
    model = make_model()
    history = fit(model, list(callbacks.values()), epochs=6)
    return {"folder": folder, "model": model, "history": history.history, **callbacks}


def read_history(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_log_names_lose_the_output_only_for_the_model_s_accuracies():
    assert plain_log_name("logits_weighted_accuracy") == "weighted_accuracy"
    assert plain_log_name("val_logits_unweighted_accuracy") == "val_unweighted_accuracy"
    for name in (
        "loss",
        "val_loss",
        "unweighted_accuracy",
        "logits_loss",  # would hide the loss of the whole model
        "mfcc_logits_loss",
        "mfcc_logits_weighted_accuracy",
    ):
        assert plain_log_name(name) == name


def test_history_has_a_row_an_epoch_with_all_logs(trained):
    rows = read_history(trained["folder"] / "history.csv")
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert list(rows[0])[:3] == ["epoch", "learning_rate", "seconds"]
    rates = [float(row["learning_rate"]) for row in rows]
    assert rates == pytest.approx([0.05 * 0.5**epoch for epoch in range(6)])
    assert all(float(row["seconds"]) > 0 for row in rows)
    for name, values in trained["history"].items():
        assert [float(row[plain_log_name(name)]) for row in rows] == pytest.approx(values)


def test_a_machine_that_sleeps_does_not_spoil_the_seconds_of_an_epoch(tmp_path):
    history = HistoryCsv(tmp_path / "history.csv")
    history.rows = [{"seconds": seconds} for seconds in (2.0, 3600.0, 2.5, 2.25)]
    assert history.median_seconds == 2.375


def test_history_is_on_disk_when_training_is_interrupted(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("an earlier attempt\n" * 9)

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(make_model(), [HistoryCsv(path), Interrupt()], epochs=5)
    assert [row["epoch"] for row in read_history(path)] == ["1", "2"]


def test_history_names_the_rate_in_use_under_a_schedule(tmp_path):
    # Three updates an epoch; the schedule has already moved on when an epoch ends.
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5, staircase=True)
    fit(make_model(schedule), [HistoryCsv(tmp_path / "history.csv")], epochs=3)
    rates = [float(row["learning_rate"]) for row in read_history(tmp_path / "history.csv")]
    assert rates == pytest.approx([0.1, 0.05, 0.025])


def test_best_epoch_is_the_one_an_independent_record_finds(trained):
    loss = trained["history"]["val_loss"]
    unweighted = [balanced_accuracy_score(*pair) for pair in trained["snapshots"].validation]
    expected = max(range(6), key=lambda epoch: (round(unweighted[epoch], 6), -loss[epoch]))
    assert trained["best"].epoch == expected + 1
    logged = trained["best"].logs["val_unweighted_accuracy"]
    assert logged == pytest.approx(unweighted[expected], abs=1e-6)


def test_restore_brings_back_every_weight_of_the_best_epoch(trained):
    best, model = trained["best"], trained["model"]
    last = model.get_weights()
    try:
        model.set_weights([np.zeros_like(weight) for weight in last])
        best.restore()
        expected = trained["snapshots"].weights[best.epoch - 1]
        for restored, kept in zip(model.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(restored, kept)
    finally:
        model.set_weights(last)


def best_epoch_of(*epochs):
    """BestEpoch after epochs of (val_unweighted_accuracy, val_loss), and its .improved."""
    best, improved = BestEpoch(), []
    best.set_model(make_model())
    for number, (unweighted, loss) in enumerate(epochs):
        best.model.set_weights([np.full_like(w, number) for w in best.model.get_weights()])
        best.on_epoch_end(number, {"val_logits_unweighted_accuracy": unweighted, "val_loss": loss})
        improved.append(best.improved)
    return best, improved


def test_ties_go_to_the_lower_loss_then_to_the_earlier_epoch():
    best, improved = best_epoch_of((0.5, 1.0), (0.5, 0.9), (0.5, 0.9), (0.4, 0.1), (0.5, 1.1))
    assert best.epoch == 2
    assert improved == [True, True, False, False, False]
    best.restore()
    assert {float(w.mean()) for w in best.model.get_weights()} == {1.0}


def test_diverged_epochs_are_never_chosen():
    best, improved = best_epoch_of((0.3, 1.0), (0.9, math.nan), (0.9, math.inf))
    assert best.epoch == 1
    assert improved == [True, False, False]
    nothing, _ = best_epoch_of((0.9, math.nan))
    assert nothing.epoch == 0
    with pytest.raises(SerError, match="lower the learning rate"):
        nothing.restore()


def test_best_epoch_without_validation_says_what_is_missing():
    with pytest.raises(ValueError, match="validation data in fit"):
        make_model().fit(for_fit(TRAIN), callbacks=[BestEpoch()], shuffle=False, verbose=0)


def test_optimistic_scores_are_the_best_epochs_on_the_test_part(trained):
    best = trained["test"].best
    score_of = {
        "weighted_accuracy": accuracy_score,
        "unweighted_accuracy": balanced_accuracy_score,
    }
    for name, score in score_of.items():
        values = [score(*pair) for pair in trained["snapshots"].test]
        assert trained["history"][f"optimistic_test_{name}"] == pytest.approx(values)
        epoch = int(np.argmax(np.round(values, 12)))
        assert best[name] == pytest.approx(values[epoch])
        assert best[f"{name}_epoch"] == epoch + 1
        matrix = confusion_matrix(*trained["snapshots"].test[epoch])
        assert best[f"{name}_confusion_matrix"] == matrix.tolist()


def test_looking_at_the_test_part_changes_nothing_in_training():
    with_test, without = make_model(), make_model()
    fit(with_test, [OptimisticScores(TEST, EMOTIONS)], epochs=2)
    fit(without, [], epochs=2)
    for one, other in zip(with_test.get_weights(), without.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_diverged_model_claims_nothing_and_does_not_stop_training():
    test, logs = OptimisticScores(TEST, EMOTIONS), {}
    test.set_model(make_model())
    test.model.set_weights([np.full_like(w, np.nan) for w in test.model.get_weights()])
    test.on_epoch_end(0, logs)
    assert test.best == {}
    assert all(math.isnan(value) for value in logs.values()) and len(logs) == 2


@pytest.fixture(scope="module")
def events(trained):
    accumulators = {
        split: EventAccumulator(str(trained["folder"] / split)) for split in ("train", "validation")
    }
    return {split: accumulator.Reload() for split, accumulator in accumulators.items()}


def scalars(accumulator, tag):
    values = [tf.make_ndarray(event.tensor_proto).item() for event in accumulator.Tensors(tag)]
    return [event.step for event in accumulator.Tensors(tag)], values


@pytest.mark.parametrize("tag", ["loss", "weighted_accuracy", "unweighted_accuracy"])
def test_tensorboard_shows_the_same_tags_in_both_folders(trained, events, tag):
    rows = read_history(trained["folder"] / "history.csv")
    for split, prefix in (("train", ""), ("validation", "val_")):
        steps, values = scalars(events[split], f"epoch_{tag}")
        assert steps == [1, 2, 3, 4, 5, 6]
        assert values == pytest.approx([float(row[prefix + tag]) for row in rows])


def test_tensorboard_shows_the_learning_rate_and_no_optimistic_score(events):
    steps, values = scalars(events["train"], "epoch_learning_rate")
    assert values == pytest.approx([0.05 * 0.5**epoch for epoch in range(6)])
    tags = {tag for accumulator in events.values() for tag in accumulator.Tags()["tensors"]}
    assert not [tag for tag in tags if "optimistic" in tag]


def test_tensorboard_shows_the_confusion_matrix_now_and_then_and_at_the_end(events):
    pictures = events["validation"].Tensors("epoch_confusion_matrix")
    assert [event.step for event in pictures] == [4, 6]
    width, height, png = tf.make_ndarray(pictures[-1].tensor_proto)
    pixels = tf.io.decode_png(png)
    assert pixels.shape == (int(height), int(width), 4)
    assert float(tf.math.reduce_std(tf.cast(pixels, tf.float32))) > 5.0  # not a blank picture


def test_tensorboard_shows_the_configuration(events):
    (event,) = events["train"].Tensors("config")
    text = tf.make_ndarray(event.tensor_proto).item().decode()
    assert event.step == 0
    assert "| preset | paper |" in text
    assert "| optimiser.name | adam |" in text


def test_config_table_keeps_its_columns():
    table = config_table({"a|b": "x\ny", "deep": {"er": {"rate": 0.1}}, "none": None})
    assert table.splitlines() == [
        "| setting | value |",
        "|---|---|",
        r"| a\|b | x y |",
        "| deep.er.rate | 0.1 |",
        "| none | None |",
    ]
