"""What a Keras model says about a data set, as NumPy arrays."""

from collections.abc import Iterable, Mapping, Sequence

import keras
import numpy as np
from scipy.special import softmax

from ser_keras.errors import SerError
from ser_keras.runs.outcome import ScoredPart
from ser_keras.scores.accuracies import Scores, score_predictions

# Elements (inputs, labels (batch,)), finite.
Batches = Iterable[tuple]


def predict_logits(model: keras.Model, dataset: Batches) -> tuple[np.ndarray, np.ndarray]:
    """Run a model over a data set once, in inference mode.

    Args:
        model: its output is a dict with "logits" (batch, num_emotions).
        dataset: elements (inputs, labels (batch,)), finite.

    Returns:
        Labels (num_utterances,) int64 and logits (num_utterances, num_emotions), in the order
        of the data set.

    Raises:
        SerError: the data set has no batches.
    """
    labels, logits = [], []
    for inputs, batch_labels in dataset:
        labels.append(np.asarray(batch_labels))
        logits.append(model.predict_on_batch(inputs)["logits"])
    if not labels:
        raise SerError("received no utterances to predict, expected at least one: check the fold")
    return np.concatenate(labels).astype(np.int64), np.concatenate(logits)


def predict_probabilities(model: keras.Model, dataset: Batches) -> tuple[np.ndarray, np.ndarray]:
    """`predict_logits` with probabilities (float32) in their place; NaN where a logit is."""
    labels, logits = predict_logits(model, dataset)
    return labels, probabilities_of(logits)


def probabilities_of(logits: np.ndarray) -> np.ndarray:
    """Probabilities of (num_utterances, num_emotions) logits: the same shape, float32."""
    # Double precision inside: the float32 result then depends on the logits alone.
    return softmax(logits.astype(np.float64), axis=-1).astype(np.float32)


def score_part(
    labels: np.ndarray, logits: np.ndarray, emotions: Sequence[str], optimistic: Mapping | None
) -> ScoredPart:
    """The scores of a test part.

    Args:
        labels: true labels (num_utterances,), integers.
        logits: (num_utterances, num_emotions).
        emotions: names of the labels.
        optimistic: what choosing the epoch on this part would have claimed; None where nobody
            watched it.
    """
    probabilities = probabilities_of(logits)
    scores = score_predictions(labels, probabilities, emotions)
    return ScoredPart(labels, probabilities, scores, optimistic)


def score_if_finite(model: keras.Model, dataset: Batches, emotions: Sequence[str]) -> Scores | None:
    """The scores of a part; None where training has diverged."""
    labels, probabilities = predict_probabilities(model, dataset)
    # A diverged epoch must not end training here: an earlier one may be good.
    if not np.isfinite(probabilities).all():
        return None
    return score_predictions(labels, probabilities, emotions)
