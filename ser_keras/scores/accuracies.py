"""Weighted and unweighted accuracy: of one confusion matrix or of many, and of predictions.

Weighted accuracy (WA) is plain accuracy; unweighted accuracy (UA) is the mean of the class
recalls over the emotions that occur. Everything here is NumPy, so that `predictions.csv` can
be scored again without TensorFlow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ser_keras.errors import SerError

# Both accuracies as files name them -> as people write them.
SHORT = {"weighted_accuracy": "WA", "unweighted_accuracy": "UA"}
METRIC_NAMES = WEIGHTED, UNWEIGHTED = tuple(SHORT)


# --- Of confusion matrices: rows true, columns predicted ---


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, num_emotions: int) -> np.ndarray:
    """Count utterances by true (row) and predicted (column) label: (num_emotions,) * 2 int64."""
    cells = np.bincount(labels * num_emotions + predicted, minlength=num_emotions**2)
    return cells.reshape(num_emotions, num_emotions)


def class_recalls(matrices: np.ndarray) -> np.ndarray:
    """Recall of each emotion (..., num_emotions) float64; NaN for one that does not occur."""
    hits, occurrences = _hits_and_occurrences(matrices)
    return np.divide(hits, occurrences, out=np.full(hits.shape, np.nan), where=occurrences > 0)


def accuracies(matrices: np.ndarray, name: str) -> np.ndarray:
    """WA or UA of each confusion matrix.

    Args:
        matrices: (..., num_emotions, num_emotions), counts, each with one utterance or more.
        name: "weighted_accuracy", or "unweighted_accuracy": the mean recall of the emotions that
            occur.

    Returns:
        (...) float64 in [0, 1].
    """
    hits, occurrences = _hits_and_occurrences(matrices)
    if name == WEIGHTED:
        return hits.sum(axis=-1) / occurrences.sum(axis=-1)
    recalls = np.divide(hits, occurrences, out=np.zeros(hits.shape), where=occurrences > 0)
    return recalls.sum(axis=-1) / (occurrences > 0).sum(axis=-1)


def _hits_and_occurrences(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Of each emotion: (..., num_emotions).
    return np.diagonal(matrices, axis1=-2, axis2=-1), matrices.sum(axis=-1)


# --- Of predictions ---


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The scores of a part of the corpus.

    Attributes:
        weighted_accuracy, unweighted_accuracy: in [0, 1].
        per_class_recall: emotion -> recall; None where the emotion does not occur.
        absent_emotions: those that do not occur; they are left out of the unweighted accuracy.
        confusion_matrix: (num_emotions, num_emotions) int64, rows true, columns predicted.
    """

    weighted_accuracy: float
    unweighted_accuracy: float
    per_class_recall: Mapping[str, float | None]
    absent_emotions: tuple[str, ...]
    confusion_matrix: np.ndarray

    def to_json(self) -> dict[str, object]:
        """Ready for `result.json`; the keys are the attributes."""
        return {
            WEIGHTED: self.weighted_accuracy,
            UNWEIGHTED: self.unweighted_accuracy,
            "per_class_recall": dict(self.per_class_recall),
            "absent_emotions": list(self.absent_emotions),
            "confusion_matrix": self.confusion_matrix.tolist(),
        }


def score_predictions(
    labels: ArrayLike, probabilities: ArrayLike, emotions: Sequence[str]
) -> Scores:
    """Score a part of the corpus.

    Args:
        labels: integers (num_utterances,), indices into `emotions`.
        probabilities: (num_utterances, num_emotions), finite. Of equal ones the first wins.
        emotions: names of the labels.

    Raises:
        SerError: shapes that do not fit, no utterance, a label out of range, a probability
            that is not finite.
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    check_predictions(labels, probabilities, len(emotions))
    matrix = confusion_matrix(labels, probabilities.argmax(axis=-1), len(emotions))
    recalls = dict(zip(emotions, class_recalls(matrix).tolist(), strict=True))
    absent = tuple(emotion for emotion, recall in recalls.items() if np.isnan(recall))
    return Scores(
        weighted_accuracy=float(accuracies(matrix, WEIGHTED)),
        unweighted_accuracy=float(accuracies(matrix, UNWEIGHTED)),
        per_class_recall=recalls | dict.fromkeys(absent),
        absent_emotions=absent,
        confusion_matrix=matrix,
    )


def check_predictions(labels: np.ndarray, probabilities: np.ndarray, num_emotions: int) -> None:
    """Raise SerError where labels and probabilities cannot be scored; see `score_predictions`."""
    if not len(labels) or probabilities.shape != (len(labels), num_emotions):
        raise SerError(
            f"received {len(labels)} labels and probabilities of shape {probabilities.shape}, "
            f"expected (num_utterances, {num_emotions}) with at least one utterance: "
            "check the test part and the emotions of the model"
        )
    if labels.min() < 0 or labels.max() >= num_emotions:
        raise SerError(
            f"received labels from {labels.min()} to {labels.max()}, expected 0 to "
            f"{num_emotions - 1}: check that model and data have the same emotions"
        )
    # The argmax of NaN is class 0: a confident wrong emotion.
    if not np.isfinite(probabilities).all():
        bad = int((~np.isfinite(probabilities)).any(axis=-1).sum())
        raise SerError(
            f"received probabilities that are not finite for {bad} of {len(labels)} utterances: "
            "training has diverged, lower the learning rate"
        )
