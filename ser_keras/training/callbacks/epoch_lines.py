"""What a person sees while a fold trains: a bar, and a line an epoch."""

import sys
import time
from collections.abc import Mapping
from typing import TextIO

import keras
from tqdm import tqdm

from ser_keras.training.metrics import plain_logs


class EpochLines(keras.callbacks.Callback):
    """A bar over the steps of a fold with the time left, and a line for each epoch.

    The scores on the test part are left out: nobody shall choose by them.

    Args:
        file: Where to write; the bar is shown on terminals only.
        first_epoch: The epoch that training begins with, counted from 0.
        validation_trains: Whether the validation part is trained on, so that its scores say
            nothing of recordings that were not heard.
    """

    def __init__(
        self, file: TextIO | None = None, first_epoch: int = 0, validation_trains: bool = False
    ) -> None:
        super().__init__()
        self.validation = "validation (trained on)" if validation_trains else "validation"
        self.first_epoch = first_epoch
        self.file = file or sys.stdout

    def on_train_begin(self, logs: Mapping | None = None) -> None:
        steps = self.params["steps"]
        self.bar = tqdm(
            total=self.params["epochs"] * steps,
            initial=self.first_epoch * steps,
            unit="step",
            file=self.file,
            disable=None if self.file.isatty() else True,
            leave=False,
        )

    def on_epoch_begin(self, epoch: int, logs: Mapping | None = None) -> None:
        self.started = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Mapping | None = None) -> None:
        self.bar.update()

    def on_epoch_end(self, epoch: int, logs: Mapping | None = None) -> None:
        logs = plain_logs(logs or {})
        self.bar.write(
            f"epoch {epoch + 1:3d} of {self.params['epochs']}: loss {logs['loss']:.3f}, "
            f"WA {logs['weighted_accuracy']:.1%}, UA {logs['unweighted_accuracy']:.1%}; "
            f"{self.validation} loss {logs['val_loss']:.3f}, "
            f"WA {logs['val_weighted_accuracy']:.1%}, UA {logs['val_unweighted_accuracy']:.1%}; "
            f"{time.perf_counter() - self.started:.1f} s",
            file=self.file,
        )
        self.file.flush()

    def on_train_end(self, logs: Mapping | None = None) -> None:
        self.bar.close()
