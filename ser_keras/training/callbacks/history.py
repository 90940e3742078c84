"""`history.csv`: what each epoch of a fold was like."""

import statistics
import time
from collections.abc import Mapping
from pathlib import Path

import keras

from data_pipeline.files import write_csv
from ser_keras.training.metrics import plain_logs


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

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = Path(path)
        self.rows: list[dict] = []

    @property
    def median_seconds(self) -> float:
        """Median wall time of the epochs so far: a machine that sleeps spoils a mean."""
        return statistics.median(row["seconds"] for row in self.rows)

    def on_epoch_begin(self, epoch: int, logs: Mapping | None = None) -> None:
        self.started = time.perf_counter()
        self.learning_rate = current_learning_rate(self.model)

    def on_epoch_end(self, epoch: int, logs: Mapping | None = None) -> None:
        measured = {
            "epoch": epoch + 1,
            "learning_rate": self.learning_rate,
            "seconds": round(time.perf_counter() - self.started, 3),
        }
        self.rows.append(measured | plain_logs(logs or {}))
        write_csv(self.path, list(self.rows[0]), (row.values() for row in self.rows))
