"""A trained model, wherever it lies: in a run, in a folder of its own, or in an export."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ser_keras.errors import SerError
from ser_keras.graph.layout import ASSETS, GRAPH_FILE, read_info, saved_versions
from ser_keras.graph.plain_path import plain_path
from ser_keras.heard import HeardList, read_heard
from ser_keras.model_info import ModelInfo
from ser_keras.runs.config import settings_of
from ser_keras.runs.files import CONFIG_NAME, MODEL_FOLDER, WEIGHTS_NAME, read_json
from ser_keras.settings import Settings
from ser_keras.training.model_files import build_from, load_model


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """A trained model and what is known of it.

    Attributes:
        name: what it is called: of an export the folder of its versions, else its run and fold.
        model: with its weights, not compiled.
        info: what it knows of itself.
        settings: that it was trained with.
        heard: what it was trained and chosen on; None where it does not know.
    """

    name: str
    model: keras.Model
    info: ModelInfo
    settings: Settings
    heard: tuple[HeardList, ...] | None

    @property
    def weights_sha256(self) -> str:
        """A checksum of all weights and statistics: the same in a run and in its export."""
        content = hashlib.sha256()
        for variable in self.model.weights:  # not what draws random numbers
            content.update(np.ascontiguousarray(variable.numpy()).tobytes())
        return content.hexdigest()


def is_trained(path: Path) -> bool:
    """Whether a folder holds a model itself: an export, a version of one, or a model folder."""
    is_export = (path / GRAPH_FILE).exists() or bool(path.is_dir() and saved_versions(path))
    return is_export or (path / WEIGHTS_NAME).exists()


def open_trained(path: Path) -> TrainedModel:
    """Open a model.

    Args:
        path: the folder of a finished fold, its `model`, an export (of which the newest version is
            taken), or a version of one.

    Raises:
        SerError: there is none, it is damaged, or an export of an earlier version does not say how
            its network is built.
    """
    if (path / MODEL_FOLDER / WEIGHTS_NAME).exists():
        path = path / MODEL_FOLDER
    if (path / WEIGHTS_NAME).exists():
        return _of_model_folder(path)
    versions = {} if (path / GRAPH_FILE).exists() else saved_versions(path)
    version_dir = versions[max(versions)] if versions else path
    if not (version_dir / GRAPH_FILE).exists():
        raise SerError(
            f"{path}: no model there; expected an export (saved_models/<name>), or a finished fold "
            "of train.py (runs/<name>/fold_<k>)"
        )
    return _of_export(version_dir)


def _of_model_folder(path: Path) -> TrainedModel:
    model, info = load_model(path)
    fold = path.resolve().parent
    return TrainedModel(
        name=f"{fold.parent.name}-{fold.name}" if path.name == MODEL_FOLDER else path.name,
        model=model,
        info=info,
        settings=Settings.from_json(read_json(path / CONFIG_NAME)),
        heard=read_heard(path),
    )


def _of_export(version_dir: Path) -> TrainedModel:
    info = read_info(version_dir)
    settings = settings_of(info.run) if info.run else None
    if not isinstance(settings, Settings):
        raise SerError(
            f"{version_dir}: this export does not say how its network is built, as those of "
            "earlier versions; give the fold of the run that it comes from, or export it again"
        )
    model = build_from(info, settings.network)
    _assign(model.variables, version_dir)
    return TrainedModel(
        name=version_dir.resolve().parent.name,
        model=model,
        info=info,
        settings=settings,
        heard=read_heard(version_dir / ASSETS),
    )


def _assign(variables: Sequence[keras.Variable], version_dir: Path) -> None:
    """Give variables the values in the files of an export, which has them in the same order."""
    damaged = SerError(
        f"{version_dir}: its variables are damaged, or of another network than its info.json "
        "says; export the model again"
    )
    try:
        with plain_path(version_dir) as plain:
            stored = tf.train.load_checkpoint(str(plain / "variables" / "variables"))
            names = stored.get_variable_to_shape_map()
            values = [stored.get_tensor(_stored_name(n)) for n in range(len(variables))]
    except (tf.errors.OpError, OSError, ValueError):
        raise damaged from None
    unread = [name for name in names if name.startswith(_stored_name(len(variables)))]
    if unread or any(v.shape != a.shape for v, a in zip(variables, values, strict=True)):
        raise damaged
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _stored_name(number: int) -> str:
    """Where a variable of `graph.signatures.emotion_server` lies in the files of an export."""
    return f"model_variables/{number}/.ATTRIBUTES/VARIABLE_VALUE"
