"""Where an export may go: a new place, or a model that the same run made.

Looked at before a training as well as before an export; needs no TensorFlow.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data_pipeline.errors import shown
from ser_keras.errors import SerError
from ser_keras.export.server_files import CONFIG_FILES
from ser_keras.graph.layout import GRAPH_FILE, read_info, saved_versions
from ser_keras.model_info import INFO_FILE, ModelInfo
from ser_keras.runs.config import RunConfig
from ser_keras.runs.files import MODEL_FOLDER, RESULT_NAME, fold_dirs, read_json

SAVED_MODELS = Path("saved_models")
LETTERS = 8  # of a configuration's checksum, in a name
ELSEWHERE = "export to another folder"
# What a model learns of itself after its first export, when its test part is scored.
_LEARNT_LATER: dict[str, Any] = {
    "run": None,
    "weighted_accuracy": None,
    "unweighted_accuracy": None,
    "calibration": None,
    "recipe": None,
    "strangers": None,
    "adapted_temperature": None,
    "adapted_unsure_below": None,
}


@dataclass(frozen=True)
class Maker:
    """Who makes an export: a run, or a model of which no run is known.

    Attributes:
        config: of the run; None where it is not known.
        models: what its models know of themselves. Exports that are older than `ModelInfo.run`
            are known by these.
    """

    config: RunConfig | None
    models: tuple[ModelInfo, ...]

    @classmethod
    def of_model(cls, info: ModelInfo) -> "Maker":
        """The maker that a model names."""
        return cls(_config_of(info.run), (info,))

    @classmethod
    def of_run(cls, config: RunConfig, run_dir: Path) -> "Maker":
        """A run, and the models that its folder holds so far."""
        return cls(config, tuple(_models_of(run_dir)))

    def made(self, info: ModelInfo) -> bool:
        """Whether a model that was exported before comes from here."""
        if info.run is not None and self.config is not None:
            made_by = _config_of(info.run)
            return made_by is not None and made_by.is_same(self.config)
        return any(
            replace(info, **_LEARNT_LATER) == replace(m, **_LEARNT_LATER) for m in self.models
        )

    def name(self) -> str:
        """Eight letters that stand for the configuration."""
        text = json.dumps(self.config.deciding() if self.config else None, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:LETTERS]


def check_export_place(directory: Path, config: RunConfig, run_dir: Path) -> None:
    """Refuse, before anything is trained, a folder that the export of a run may not go to.

    Args:
        directory: the folder of all versions; it need not be there.
        config: of the run.
        run_dir: its folder; it need not be there.

    Raises:
        SerError: another run made the model there, somebody's files are there, or it cannot be
            written.
    """
    check_new_version(Path(directory), Maker.of_run(config, run_dir))


def export_place(name: str, config: RunConfig, run_dir: Path, root: Path = SAVED_MODELS) -> Path:
    """The folder that a run is exported to where none is named: always the same for one run.

    Args:
        name: of the run's folder.
        config: of the run.
        run_dir: its folder; it need not be there.
        root: the folder of all models.

    Returns:
        The folder that holds this run's model already, else `<root>/<name>`. Where another run's
        model is there, or somebody's files, letters that stand for the configuration are added.
    """
    maker = Maker.of_run(config, run_dir)
    places = [root / name, *_with_letters(root, name)]
    for place in places:
        if _is_free(place, maker) and saved_versions(place):
            return place
    return places[0] if _is_free(places[0], maker) else root / f"{name}-{maker.name()}"


def _with_letters(root: Path, name: str) -> list[Path]:
    """The folders of exports that got letters of their configuration added."""
    if not os.path.isdir(root):
        return []
    size = len(name) + 1 + LETTERS
    return [
        root / n for n in sorted(os.listdir(root)) if n.startswith(f"{name}-") and len(n) == size
    ]


def _is_free(directory: Path, maker: Maker) -> bool:
    """Whether the exports of a maker may go to a folder."""
    try:
        check_place(directory, maker)
    except SerError:
        return False
    return True


def check_new_version(directory: Path, maker: Maker) -> None:
    """Refuse a folder where this maker cannot write a new version.

    Raises:
        SerError: as `check_export_place`.
    """
    check_place(directory, maker)
    check_writable(directory)


def check_place(directory: Path, maker: Maker) -> None:
    """Refuse a folder that is no place for the exports of this maker.

    Raises:
        SerError: it holds another run's model, somebody's files, or is no folder.
    """
    if not os.path.lexists(directory):
        return
    check_versions(directory, maker)
    if not _exports(directory) and (found := _foreign(directory)):
        raise SerError(
            f"{directory}: holds {shown(found)}, which no export wrote, expected a folder of "
            f"exports or a new one: {ELSEWHERE}"
        )


def check_versions(directory: Path, maker: Maker) -> None:
    """Refuse a folder with a model that comes from elsewhere: versions are of one model.

    Raises:
        SerError: there is one, or one that cannot be read.
    """
    for path in _exports(directory):
        try:
            info = read_info(path)
        except SerError as error:
            raise SerError(f"{error}; remove this version, or {ELSEWHERE}") from None
        if not maker.made(info):
            raise SerError(f"{path}: {_whose(info)}: {ELSEWHERE}")


def check_writable(directory: Path) -> None:
    """Refuse a folder that cannot be written, or made.

    Raises:
        SerError: so it is.
    """
    there = Path(os.path.abspath(directory))
    while not os.path.lexists(there):
        there = there.parent
    if not os.path.isdir(there):
        raise SerError(f"{directory}: {there} is no folder; {ELSEWHERE}")
    if not may_write(there):
        raise SerError(f"{directory}: {there} may not be written to; {ELSEWHERE}")


def may_write(folder: Path) -> bool:
    """Whether this process may make files in a folder."""
    effective = os.access in os.supports_effective_ids
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=effective)


def maker_of_fold(fold: Path) -> Maker:
    """The run that a finished fold belongs to, as its result.json says."""
    models = tuple(_models_of(fold.parent))
    try:
        return Maker(RunConfig.from_json(read_json(fold / RESULT_NAME)), models)
    except SerError:  # it does not say; the models still tell
        return Maker(None, models)


def _models_of(run_dir: Path) -> list[ModelInfo]:
    models = []
    for fold in fold_dirs(run_dir):
        path = fold / MODEL_FOLDER / INFO_FILE
        try:
            models.append(ModelInfo.from_json(read_json(path)))
        except SerError:  # a fold that is not trained yet
            continue
    return models


def _config_of(content: Mapping[str, Any] | None) -> RunConfig | None:
    """A configuration as an export holds it; None for none, or one of a newer version."""
    try:
        return None if content is None else RunConfig.from_json(content)
    except SerError:
        return None


def _exports(directory: Path) -> list[Path]:
    """The version folders that hold a graph."""
    versions = saved_versions(directory)
    return [path for _, path in sorted(versions.items()) if os.path.isfile(path / GRAPH_FILE)]


def _foreign(directory: Path) -> str:
    """The first name in a folder that no export wrote; "" where there is none."""
    try:
        names = sorted(os.listdir(directory))
    except NotADirectoryError:
        raise SerError(f"{directory}: a file, expected a folder: {ELSEWHERE}") from None
    except OSError as error:
        raise SerError(f"{directory}: cannot be read ({error.strerror}); {ELSEWHERE}") from None
    foreign = (name for name in names if not name.startswith(".") and name not in CONFIG_FILES)
    return next(foreign, "")


def _whose(info: ModelInfo) -> str:
    whose = f"{info.variant} on {info.corpus}, protocol {info.protocol}"
    if info.run is None:
        return f"holds a model ({whose}) that does not say which run made it"
    return f"holds a model ({whose}) that another run made, expected one of this run"
