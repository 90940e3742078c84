"""What TensorBoard shows of a fold."""

import errno
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ser_keras.scores.matrix_figure import confusion_matrix_figure, figure_pixels
from ser_keras.training.callbacks.history import current_learning_rate
from ser_keras.training.callbacks.optimistic import OPTIMISTIC_PREFIX
from ser_keras.training.inference import score_if_finite
from ser_keras.training.metrics import plain_logs


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
        validation: Iterable,
        emotions: Sequence[str],
        epochs_a_picture: int = 10,
    ) -> None:
        super().__init__()
        self.log_dir = Path(log_dir)
        self.config = config
        self.validation = validation
        self.emotions = tuple(emotions)
        self.epochs_a_picture = epochs_a_picture

    def on_train_begin(self, logs: Mapping | None = None) -> None:
        self.writers = {split: _writer(self.log_dir / split) for split in ("train", "validation")}
        self.last_epoch = self.last_picture = 0
        with self.writers["train"].as_default(step=0):
            tf.summary.text("config", config_table(self.config))

    def on_epoch_begin(self, epoch: int, logs: Mapping | None = None) -> None:
        self.learning_rate = current_learning_rate(self.model)

    def on_epoch_end(self, epoch: int, logs: Mapping | None = None) -> None:
        self.last_epoch = epoch + 1
        for name, value in self._scalars(logs or {}).items():
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

    def on_train_end(self, logs: Mapping | None = None) -> None:
        if self.last_picture < self.last_epoch:
            self._draw_confusion_matrix()
        for writer in self.writers.values():
            writer.close()

    def _draw_confusion_matrix(self) -> None:
        self.last_picture = self.last_epoch
        scores = score_if_finite(self.model, self.validation, self.emotions)
        if scores is None:
            return
        title = f"Validation, epoch {self.last_epoch}"
        figure = confusion_matrix_figure(scores.confusion_matrix, self.emotions, title)
        with self.writers["validation"].as_default(step=self.last_epoch):
            tf.summary.image("epoch_confusion_matrix", figure_pixels(figure)[np.newaxis])


def _writer(folder: Path) -> tf.summary.SummaryWriter:
    try:
        return tf.summary.create_file_writer(os.fsencode(folder))  # a name need not be UTF-8
    except tf.errors.OpError as error:
        # "...; No space left on device", and lines of what TensorFlow did about it
        reason = error.message.splitlines()[0].rsplit("; ", 1)[-1]
        raise OSError(errno.EIO, reason, str(folder)) from error


def config_table(config: Mapping) -> str:
    """A configuration as a Markdown table, one row a setting: nested names joined by dots."""
    cell = {ord("|"): r"\|", ord("\n"): " "}
    rows = [
        f"| {name.translate(cell)} | {str(value).translate(cell)} |"
        for name, value in _flat_settings(config)
    ]
    return "\n".join(["| setting | value |", "|---|---|", *rows])


def _flat_settings(config: Mapping, prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat_settings(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
