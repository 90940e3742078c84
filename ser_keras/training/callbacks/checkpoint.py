"""A fold that goes on after its last whole epoch, as if it had never been stopped.

`keras.callbacks.BackupAndRestore` keeps the model and forgets the callbacks: the best epoch so far
and the history would be lost. So all of it is one file here, replaced in one step.
"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from data_pipeline.files import DAMAGED_NPZ, remove_partial_files, replace_file
from ser_keras.errors import SerError
from ser_keras.runs.config import RunConfig
from ser_keras.training.callbacks.best_epoch import BestEpoch
from ser_keras.training.callbacks.history import HistoryCsv
from ser_keras.training.callbacks.optimistic import OPTIMISTIC_PREFIX, OptimisticScores


@dataclass(frozen=True)
class Remembered:
    """The callbacks that remember something from epoch to epoch.

    Attributes:
        best: the choice of the epoch.
        history: the rows so far.
        optimistic: the best scores on the test part; None where nobody watches it.
    """

    best: BestEpoch
    history: HistoryCsv
    optimistic: OptimisticScores | None


class Checkpoint(keras.callbacks.Callback):
    """Save the state of training after each epoch; in `fit` behind all that it saves.

    The file is about four times the size of the weights: weights, two moments of Adam, weights of
    the best epoch.

    Args:
        path: the file.
        config: what decides the numbers of the run. A file of another configuration, or of other
            versions of Keras and TensorFlow, is never used.
        fold: number of the fold.
        remembered: what is saved beside the model.

    Attributes:
        remembered: the same; without the scores on the test part where a fold goes on that nobody
            watched from its first epoch.
    """

    def __init__(self, path: Path, config: RunConfig, fold: int, remembered: Remembered) -> None:
        super().__init__()
        self.path = Path(path)
        self.config = config
        self.own = {
            "fold": fold,
            "versions": {"keras": keras.__version__, "tensorflow": tf.__version__},
        }
        self.remembered = remembered

    def on_epoch_end(self, epoch: int, logs: Mapping | None = None) -> None:
        best, optimistic = self.remembered.best, self.remembered.optimistic
        state = {
            "identity": self.config.to_json() | self.own,
            "epochs": epoch + 1,
            "best": best.state,
            "test": optimistic.best if optimistic else None,
            "history": self.remembered.history.rows,
        }
        replace_file(self.path, _packed(state, _values(self.model) | {"best": best.weights}))

    def resume(self, model: keras.Model) -> int:
        """Give a compiled model and the callbacks the state that was saved.

        Returns:
            How many epochs are behind them; 0 where there is no file that can be used: nothing
            has been changed then.
        """
        if self.path.parent.is_dir():  # what a process wrote when it was killed
            remove_partial_files(self.path.parent, self.path.name)
        model.optimizer.build(model.trainable_variables)
        saved = _unpacked(self.path)
        if saved is None or not self._is_of(*saved, model):
            return 0
        state, arrays = saved
        for name, group in _variables(model).items():
            for variable, value in zip(group, arrays.get(name, ()), strict=True):
                variable.assign(value)
        self.remembered.best.state, self.remembered.best.weights = state["best"], arrays["best"]
        self.remembered.history.rows = state["history"]
        self._resume_watching(state["test"])
        return state["epochs"]

    def _resume_watching(self, best: dict | None) -> None:
        """Go on watching the test part only where it was watched from the first epoch on."""
        optimistic = self.remembered.optimistic
        if optimistic and best is not None:
            optimistic.best = best
        else:
            self.remembered = replace(self.remembered, optimistic=None)
            rows = self.remembered.history.rows
            self.remembered.history.rows = [_without_test_scores(row) for row in rows]

    def _is_of(self, state: Mapping, arrays: Mapping, model: keras.Model) -> bool:
        identity = state["identity"]
        try:
            is_same = self.config.is_same(RunConfig.from_json(identity))
        except SerError:
            return False
        return (
            is_same
            and {name: identity.get(name) for name in self.own} == self.own
            and all(
                [value.shape for value in arrays.get(name, ())] == [tuple(v.shape) for v in group]
                for name, group in _variables(model).items()
            )
        )


def _without_test_scores(row: Mapping) -> dict:
    return {name: value for name, value in row.items() if not name.startswith(OPTIMISTIC_PREFIX)}


def _variables(model: keras.Model) -> dict[str, Sequence]:
    """Everything that training changes, by what it belongs to.

    `model.weights` leaves the state of seed generators out, and with it what Dropout draws next.
    """
    weights = {id(weight) for weight in model.weights}
    seeds = [variable for variable in model.variables if id(variable) not in weights]
    return {"model": model.weights, "seeds": seeds, "optimizer": model.optimizer.variables}


def _values(model: keras.Model) -> dict[str, Sequence[np.ndarray]]:
    groups = _variables(model).items()
    return {name: [np.asarray(variable) for variable in group] for name, group in groups}


def _packed(state: Mapping, arrays: Mapping[str, Sequence[np.ndarray]]) -> bytes:
    """An .npz file: JSON text, and the arrays as "<name>/<number>"."""
    counts = {name: len(values) for name, values in arrays.items()}
    content: dict[str, Any] = {
        f"{name}/{number}": value
        for name, values in arrays.items()
        for number, value in enumerate(values)
    }
    file = io.BytesIO()
    np.savez(file, text=np.array(json.dumps([state, counts])), **content)
    return file.getvalue()


def _unpacked(path: Path) -> tuple[dict, dict[str, list]] | None:
    """What `_packed` packed; None where the file is missing or its checksums do not hold."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            content = {name: saved[name] for name in saved.files}
        state, counts = json.loads(str(content["text"]))
        arrays = {
            name: [content[f"{name}/{number}"] for number in range(count)]
            for name, count in counts.items()
        }
    except DAMAGED_NPZ:
        return None
    return state, arrays
