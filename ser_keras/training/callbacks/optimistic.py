"""What choosing the epoch on the test part would have claimed: watched, and never used."""

import math
from collections.abc import Iterable, Sequence

import keras

from ser_keras.training.inference import score_if_finite
from ser_keras.training.metrics import METRIC_NAMES

OPTIMISTIC_PREFIX = "optimistic_test_"


class OptimisticScores(keras.callbacks.Callback):
    """Scores the test part after each epoch, to say what the best epoch would have claimed.

    The numbers of Table 1 of the paper were chosen so (`docs/fidelity.md`). They go into the
    logs as optimistic_test_weighted_accuracy and optimistic_test_unweighted_accuracy, and
    nothing reads them to choose: training gives the same weights with and without this
    callback. An epoch whose probabilities are not finite is logged as NaN and claims nothing.

    Args:
        dataset: the test part, elements (inputs, labels (batch,)), read once an epoch.
        emotions: names of the labels.

    Attributes:
        best: for each accuracy, chosen separately, the earliest epoch with the highest value:
            <accuracy>, <accuracy>_epoch (from 1) and <accuracy>_confusion_matrix. Empty before
            the first epoch. It is the "optimistic" part of `result.json`.
    """

    def __init__(self, dataset: Iterable, emotions: Sequence[str]) -> None:
        super().__init__()
        self.dataset = dataset
        self.emotions = tuple(emotions)
        self.best: dict = {}

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        scores = score_if_finite(self.model, self.dataset, self.emotions)
        logs = {} if logs is None else logs
        for name in METRIC_NAMES:
            value = getattr(scores, name) if scores else math.nan
            logs[OPTIMISTIC_PREFIX + name] = value
            if scores and value > self.best.get(name, -math.inf):
                self.best |= {
                    name: value,
                    f"{name}_epoch": epoch + 1,
                    f"{name}_confusion_matrix": scores.confusion_matrix.tolist(),
                }
