"""The two accuracies of the field, as Keras metrics.

What WA and UA are stands in docs/evaluation.md; section 3 of the paper reports both.
"""

from collections.abc import Mapping
from typing import Any

import keras
from keras import KerasTensor, ops

from ser_keras.scores.accuracies import METRIC_NAMES


@keras.saving.register_keras_serializable(package="ser_keras")
class UnweightedAccuracy(keras.metrics.Metric):
    """Mean of the class recalls over the emotions that occur in the labels.

    The counts behind it are summed over batches; the result is that of all batches together,
    not a mean over batches. An emotion without an utterance has no recall and is left out, as
    in scikit-learn's `balanced_accuracy_score`. Before the first batch the result is 0.

    Args:
        num_emotions: number of emotions, at least 1; labels are 0 to num_emotions - 1.
        name: name of the metric in the logs.
        dtype: dtype of the result; the counts are always float32, exact up to 2**24 in a cell.

    Call arguments of `update_state`:
        y_true: integer labels, shape (batch,) or (batch, 1).
        y_pred: logits or probabilities, shape (batch, num_emotions).
        sample_weight: None or one weight an utterance, shape (batch,).

    Raises:
        ValueError: num_emotions is not a positive integer.

    Example:
        >>> metric = UnweightedAccuracy(num_emotions=2)
        >>> metric.update_state([0, 0, 0, 1], [[1, 0], [1, 0], [0, 1], [0, 1]])
        >>> round(float(metric.result()), 3)  # (2/3 + 1) / 2
        0.833
    """

    def __init__(
        self, num_emotions: int, name: str = "unweighted_accuracy", dtype: str | None = None
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if not isinstance(num_emotions, int) or num_emotions < 1:
            raise ValueError(
                f"Received num_emotions={num_emotions!r}. Expected a positive integer, the number "
                "of emotions of the corpus."
            )
        self.num_emotions = num_emotions
        self.confusion = self.add_variable(
            shape=(num_emotions, num_emotions),  # rows: true, columns: predicted
            initializer="zeros",
            dtype="float32",
            name="confusion",
        )

    def update_state(
        self, y_true: KerasTensor, y_pred: KerasTensor, sample_weight: KerasTensor | None = None
    ) -> None:
        labels = ops.reshape(ops.cast(y_true, "int32"), (-1,))  # (batch,)
        predicted = ops.cast(ops.argmax(y_pred, axis=-1), "int32")  # (batch,)
        weights = ops.ones_like(labels) if sample_weight is None else sample_weight
        counts = ops.segment_sum(
            ops.reshape(ops.cast(weights, "float32"), (-1,)),
            labels * self.num_emotions + predicted,
            num_segments=self.num_emotions**2,
        )
        self.confusion.assign(self.confusion + ops.reshape(counts, self.confusion.shape))

    def result(self) -> KerasTensor:
        occurrences = ops.sum(self.confusion, axis=1)  # (num_emotions,)
        recalls = ops.divide_no_nan(ops.diagonal(self.confusion), occurrences)
        num_present = ops.sum(ops.cast(occurrences > 0, "float32"))
        return ops.cast(ops.divide_no_nan(ops.sum(recalls), num_present), self.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_emotions": self.num_emotions}


def emotion_metrics(num_emotions: int) -> list[keras.metrics.Metric]:
    """New WA and UA metrics, named by METRIC_NAMES.

    Both take integer labels (batch,) and logits (batch, num_emotions).
    """
    weighted, unweighted = METRIC_NAMES
    return [
        keras.metrics.SparseCategoricalAccuracy(name=weighted),
        UnweightedAccuracy(num_emotions, name=unweighted),
    ]


# --- Their names in the logs of an epoch ---


def plain_log_name(name: str) -> str:
    """Take the output's name off WA and UA: "val_logits_weighted_accuracy" loses "logits_".

    Keras puts the name of the output before a metric wherever a model has several outputs.
    The accuracies of the averaged output "logits" are those of the model; all other names
    (losses and accuracies of single heads) stay as they are.
    """
    split = "val_" if name.startswith("val_") else ""
    metric = name.removeprefix(split).removeprefix("logits_")
    return split + metric if metric in METRIC_NAMES else name


def plain_logs(logs: Mapping[str, float]) -> dict[str, float]:
    """The logs of an epoch with `plain_log_name` applied, as Python floats."""
    return {plain_log_name(name): float(value) for name, value in logs.items()}
