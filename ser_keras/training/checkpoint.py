"""A fold that goes on after its last whole epoch, as if it had never been stopped.

`keras.callbacks.BackupAndRestore` keeps the model and forgets the callbacks: the best epoch so far
and the history would be lost. So all of it is one file here, replaced in one step.
"""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ser_keras.runs.files import replace_file
from ser_keras.training.callbacks import BestEpoch, HistoryCsv, TestEpochs


class EpochCheckpoint(keras.callbacks.Callback):
    """Saves the state of training after each epoch; in `fit` behind all that it saves.

    The file is about four times the size of the weights: weights, two moments of Adam, weights of
    the best epoch.

    Args:
        path: the file.
        identity: what decides the numbers of this fold, ready for JSON. A file of another identity,
            or of other versions of Keras and TensorFlow, is never used.
        best, test, history: the callbacks that remember something from epoch to epoch.
    """

    def __init__(
        self,
        path: Path,
        identity: Mapping,
        best: BestEpoch,
        test: TestEpochs,
        history: HistoryCsv,
    ):
        super().__init__()
        self.path = Path(path)
        versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
        self.identity = json.loads(json.dumps({**identity, "versions": versions}))
        self.best, self.test, self.history = best, test, history

    def on_epoch_end(self, epoch, logs=None):
        state = {
            "identity": self.identity,
            "epochs": epoch + 1,
            "best": self.best.state,
            "test": self.test.best,
            "history": self.history.rows,
        }
        arrays = _variables(self.model) | {"best": self.best.weights}
        replace_file(self.path, _packed(state, arrays))

    def resume(self, model: keras.Model) -> int:
        """Give a compiled model and the callbacks the state that was saved.

        Returns:
            How many epochs are behind them; 0 where there is no file that can be used: nothing
            has been changed then.
        """
        for half in self.path.parent.glob(f".{self.path.name}.*.partial"):
            half.unlink()  # of a process that was killed while it wrote
        model.optimizer.build(model.trainable_variables)
        variables = _variables(model)
        saved = _unpacked(self.path)
        if saved is None or not self._is_of(*saved, variables):
            return 0
        state, arrays = saved
        for name, group in variables.items():
            for variable, value in zip(group, arrays[name], strict=True):
                variable.assign(value)
        self.best.state, self.best.weights = state["best"], arrays["best"]
        self.test.best, self.history.rows = state["test"], state["history"]
        return state["epochs"]

    def _is_of(self, state: Mapping, arrays: Mapping, variables: Mapping) -> bool:
        return state["identity"] == self.identity and all(
            [value.shape for value in arrays[name]] == [tuple(v.shape) for v in group]
            for name, group in variables.items()
        )


def _variables(model: keras.Model) -> dict[str, Sequence]:
    return {"model": model.weights, "optimizer": model.optimizer.variables}


def _packed(state: Mapping, arrays: Mapping[str, Sequence]) -> bytes:
    """An .npz file: JSON text, and the arrays as "<name>/<number>"."""
    counts = {name: len(values) for name, values in arrays.items()}
    content = {
        f"{name}/{number}": np.asarray(value)
        for name, values in arrays.items()
        for number, value in enumerate(values)
    }
    file = io.BytesIO()
    np.savez(file, text=np.array(json.dumps([state, counts])), **content)
    return file.getvalue()


def _unpacked(path: Path) -> tuple[dict, dict[str, list]] | None:
    """What `_packed` packed; None where the file is missing or its checksums do not hold."""
    try:
        with np.load(path, allow_pickle=False) as file:
            content = {name: file[name] for name in file.files}
        state, counts = json.loads(str(content["text"]))
        arrays = {
            name: [content[f"{name}/{number}"] for number in range(count)]
            for name, count in counts.items()
        }
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile):
        return None
    return state, arrays
