"""WA and UA against scikit-learn, batch by batch and inside a compiled training step."""

import keras
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, recall_score

from ser_keras.training.metrics import METRIC_NAMES, UnweightedAccuracy, emotion_metrics

NUM_EMOTIONS = 4


def random_batches(seed, sizes, emotions=range(NUM_EMOTIONS)):
    """Batches of (labels (batch,) int32, logits (batch, NUM_EMOTIONS) float32)."""
    rng = np.random.default_rng(seed)
    for size in sizes:
        labels = rng.choice(list(emotions), size).astype(np.int32)
        yield labels, rng.normal(size=(size, NUM_EMOTIONS)).astype(np.float32)


def joined(batches):
    labels, logits = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return labels, logits.argmax(axis=-1)


def test_unweighted_accuracy_is_the_macro_recall_of_all_batches_together():
    batches = list(random_batches(0, sizes=(7, 32, 1, 19)))
    metric = UnweightedAccuracy(NUM_EMOTIONS)
    for labels, logits in batches:
        metric.update_state(labels, logits)
    labels, predicted = joined(batches)
    expected = recall_score(labels, predicted, average="macro")
    assert float(metric.result()) == pytest.approx(expected, abs=1e-6)
    mean_of_batches = np.mean(
        [recall_score(y, x.argmax(-1), labels=np.unique(y), average="macro") for y, x in batches]
    )
    assert abs(expected - mean_of_batches) > 0.01  # the wrong definition would be seen


def test_absent_emotion_is_left_out_even_where_it_is_predicted():
    batches = list(random_batches(1, sizes=(20, 20), emotions=(0, 1, 3)))
    metric = UnweightedAccuracy(NUM_EMOTIONS)
    for labels, logits in batches:
        metric.update_state(labels, logits)
    labels, predicted = joined(batches)
    assert 2 in predicted
    present = recall_score(labels, predicted, labels=[0, 1, 3], average="macro")
    assert float(metric.result()) == pytest.approx(present, abs=1e-6)


def test_sample_weights_count_utterances():
    ((labels, logits),) = random_batches(2, sizes=(40,))
    weights = np.random.default_rng(3).integers(0, 4, 40)
    metric = UnweightedAccuracy(NUM_EMOTIONS)
    metric.update_state(labels, logits, sample_weight=weights)
    predicted = logits.argmax(-1)
    expected = recall_score(labels, predicted, average="macro", sample_weight=weights)
    assert float(metric.result()) == pytest.approx(expected, abs=1e-6)


def test_reset_forgets_and_no_batch_gives_zero():
    metric = UnweightedAccuracy(NUM_EMOTIONS)
    assert float(metric.result()) == 0.0
    metric.update_state(np.array([[1], [2]]), np.eye(NUM_EMOTIONS)[[1, 2]])  # labels (batch, 1)
    assert float(metric.result()) == 1.0
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_config_round_trip():
    metric = UnweightedAccuracy(3, name="ua")
    copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert isinstance(copy, UnweightedAccuracy)
    assert copy.get_config() == metric.get_config()
    assert (copy.num_emotions, copy.name) == (3, "ua")


@pytest.mark.parametrize("wrong", [0, -1, 2.0, "4", None])
def test_wrong_number_of_emotions_is_refused(wrong):
    with pytest.raises(ValueError, match="Expected a positive integer, the number"):
        UnweightedAccuracy(wrong)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_both_metrics_inside_a_compiled_evaluation(jit_compile):
    rng = np.random.default_rng(5)
    features = rng.normal(size=(50, 6)).astype(np.float32)
    labels = rng.integers(0, NUM_EMOTIONS, 50).astype(np.int32)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(NUM_EMOTIONS)])
    model.compile(
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=emotion_metrics(NUM_EMOTIONS),
        jit_compile=jit_compile,
    )
    model.fit(features, labels, batch_size=16, epochs=1, verbose=0)
    logs = model.evaluate(features, labels, batch_size=16, verbose=0, return_dict=True)
    predicted = model.predict(features, verbose=0).argmax(-1)
    expected = accuracy_score(labels, predicted), balanced_accuracy_score(labels, predicted)
    assert [logs[name] for name in METRIC_NAMES] == pytest.approx(expected, abs=1e-6)
