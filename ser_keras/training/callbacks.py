"""What happens after each epoch of a fold: history, choice of the epoch, TensorBoard.

Order in `fit(callbacks=[...])`: callbacks that change the learning rate, then `BestEpoch`,
`TestEpochs`, `HistoryCsv`, `TensorBoardFold`, then `EpochCheckpoint` of
`ser_keras/checkpoint.py`. Epochs are counted from 1 here, in files too.
"""

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ser_keras.errors import SerError
from ser_keras.runs.files import write_csv
from ser_keras.scores.accuracies import METRIC_NAMES, score_predictions
from ser_keras.scores.matrix_figure import confusion_matrix_figure, figure_pixels
from ser_keras.training.inference import predict_probabilities

OPTIMISTIC_PREFIX = "optimistic_test_"


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


def current_learning_rate(model: keras.Model) -> float:
    """Learning rate of the next update, also where the optimiser follows a schedule."""
    return float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))


class HistoryCsv(keras.callbacks.Callback):
    """Writes `history.csv`, one row an epoch, on disk as soon as the epoch ends.

    Columns: epoch (from 1), learning_rate (of the first update of the epoch), seconds (wall
    time of the epoch, with validation and the callbacks before this one), then all logs.

    Args:
        path: the file; one of an earlier attempt is replaced at the end of the first epoch.

    Attributes:
        rows: the rows so far.
    """

    def __init__(self, path: Path):
        super().__init__()
        self.path = Path(path)
        self.rows = []

    @property
    def median_seconds(self) -> float:
        """Median wall time of the epochs so far: a machine that sleeps spoils a mean."""
        return statistics.median(row["seconds"] for row in self.rows)

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()
        self.learning_rate = current_learning_rate(self.model)

    def on_epoch_end(self, epoch, logs=None):
        measured = {
            "epoch": epoch + 1,
            "learning_rate": self.learning_rate,
            "seconds": round(time.perf_counter() - self.started, 3),
        }
        self.rows.append(measured | plain_logs(logs))
        write_csv(self.path, list(self.rows[0]), [row.values() for row in self.rows])


class BestEpoch(keras.callbacks.Callback):
    """Keeps the weights of the epoch that did best on the validation part, in memory.

    Best is the highest val_unweighted_accuracy; of equal ones the lowest val_loss, then the
    earliest. An epoch whose validation loss is not finite is never chosen.

    Attributes:
        epoch: the best epoch so far, from 1; 0 while there is none.
        improved: whether the epoch that ended last is the best so far.
        logs: plain logs of the best epoch.
        weights: the model's weights of the best epoch; empty while there is none.
    """

    def __init__(self):
        super().__init__()
        self.epoch = 0
        self.improved = False
        self.logs = {}
        self._rank = (-math.inf, -math.inf)
        self.weights = []

    @property
    def state(self) -> dict:
        """All that is remembered but the weights, ready for JSON; can be assigned."""
        return {"epoch": self.epoch, "logs": self.logs, "rank": self._rank}

    @state.setter
    def state(self, state: Mapping) -> None:
        self.epoch, self.logs = state["epoch"], state["logs"]
        self._rank = tuple(state["rank"])

    def on_epoch_end(self, epoch, logs=None):
        logs = plain_logs(logs)
        rank = self._rank_of(logs)
        self.improved = math.isfinite(rank[1]) and rank > self._rank
        if self.improved:
            self.epoch, self.logs, self._rank = epoch + 1, logs, rank
            self.weights = [np.array(value) for value in self.model.get_weights()]

    @staticmethod
    def _rank_of(logs: Mapping[str, float]) -> tuple[float, float]:
        try:
            return logs["val_unweighted_accuracy"], -logs["val_loss"]
        except KeyError as missing:
            raise ValueError(
                f"BestEpoch received logs without {missing}: {sorted(logs)}; expected validation "
                "data in fit and UnweightedAccuracy on the output 'logits' in compile"
            ) from missing

    def restore(self) -> None:
        """Give the model the weights of the best epoch, moving statistics included.

        Raises:
            SerError: no epoch had a finite validation loss.
        """
        if not self.weights:
            raise SerError(
                "no epoch ended with a finite validation loss, expected at least one: "
                "lower the learning rate"
            )
        self.model.set_weights(self.weights)


class TestEpochs(keras.callbacks.Callback):
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

    __test__ = False  # The name begins with Test, but pytest shall not collect it.

    def __init__(self, dataset, emotions: Sequence[str]):
        super().__init__()
        self.dataset = dataset
        self.emotions = tuple(emotions)
        self.best = {}

    def on_epoch_end(self, epoch, logs=None):
        result = _scores_if_finite(self.model, self.dataset, self.emotions)
        for name in METRIC_NAMES:
            value = result[name] if result else math.nan
            logs[OPTIMISTIC_PREFIX + name] = value
            if value > self.best.get(name, -math.inf):
                self.best |= {
                    name: value,
                    f"{name}_epoch": epoch + 1,
                    f"{name}_confusion_matrix": result["confusion_matrix"],
                }


def _scores_if_finite(model: keras.Model, dataset, emotions: Sequence[str]) -> dict | None:
    labels, probabilities = predict_probabilities(model, dataset)
    # A diverged epoch must not end training here: BestEpoch may hold a good one.
    if not np.isfinite(probabilities).all():
        return None
    return score_predictions(labels, probabilities, emotions).to_json()


class TensorBoardFold(keras.callbacks.Callback):
    """Writes what TensorBoard shows of one fold, into `train/` and `validation/`.

    Scalars carry the same tag in both folders, so that their curves share a chart:
    epoch_loss, epoch_weighted_accuracy, epoch_unweighted_accuracy and the losses of the heads;
    epoch_learning_rate in `train/`. The optimistic test scores are left out: nobody shall pick
    an epoch by them. `train/` holds the configuration as a table at step 0, `validation/` the
    picture epoch_confusion_matrix. Steps are epochs, from 1.

    Args:
        log_dir: folder of the fold. Where training goes on, its new event files continue the
            curves of those in its `train/` and `validation/`.
        config: the resolved configuration; nested mappings become dotted names.
        validation: the validation part, elements (inputs, labels (batch,)), read once a picture.
        emotions: names of the labels.
        epochs_a_picture: a picture every so many epochs, and one after the last epoch.
    """

    def __init__(
        self,
        log_dir: Path,
        config: Mapping,
        validation,
        emotions: Sequence[str],
        epochs_a_picture: int = 10,
    ):
        super().__init__()
        self.log_dir = Path(log_dir)
        self.config = config
        self.validation = validation
        self.emotions = tuple(emotions)
        self.epochs_a_picture = epochs_a_picture

    def on_train_begin(self, logs=None):
        self.writers = {
            split: tf.summary.create_file_writer(str(self.log_dir / split))
            for split in ("train", "validation")
        }
        self.last_epoch = self.last_picture = 0
        with self.writers["train"].as_default(step=0):
            tf.summary.text("config", config_table(self.config))

    def on_epoch_begin(self, epoch, logs=None):
        self.learning_rate = current_learning_rate(self.model)

    def on_epoch_end(self, epoch, logs=None):
        self.last_epoch = epoch + 1
        for name, value in self._scalars(logs).items():
            split = "validation" if name.startswith("val_") else "train"
            with self.writers[split].as_default(step=self.last_epoch):
                tf.summary.scalar("epoch_" + name.removeprefix("val_"), value)
        if self.last_epoch % self.epochs_a_picture == 0:
            self._draw_confusion_matrix()
        for writer in self.writers.values():
            writer.flush()

    def _scalars(self, logs: Mapping[str, float]) -> dict[str, float]:
        shown = {n: v for n, v in plain_logs(logs).items() if not n.startswith(OPTIMISTIC_PREFIX)}
        return shown | {"learning_rate": self.learning_rate}

    def on_train_end(self, logs=None):
        if self.last_picture < self.last_epoch:
            self._draw_confusion_matrix()
        for writer in self.writers.values():
            writer.close()

    def _draw_confusion_matrix(self) -> None:
        self.last_picture = self.last_epoch
        result = _scores_if_finite(self.model, self.validation, self.emotions)
        if result is None:
            return
        title = f"Validation, epoch {self.last_epoch}"
        figure = confusion_matrix_figure(result["confusion_matrix"], self.emotions, title)
        with self.writers["validation"].as_default(step=self.last_epoch):
            tf.summary.image("epoch_confusion_matrix", figure_pixels(figure)[np.newaxis])


def config_table(config: Mapping) -> str:
    """A configuration as a Markdown table, one row a setting: nested names joined by dots."""
    cell = {ord("|"): r"\|", ord("\n"): " "}
    rows = [
        f"| {name.translate(cell)} | {str(value).translate(cell)} |"
        for name, value in _flat_settings(config)
    ]
    return "\n".join(["| setting | value |", "|---|---|", *rows])


def _flat_settings(config: Mapping, prefix: str = ""):
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat_settings(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
