"""`python -m ser_keras export`: the model of a finished fold as a SavedModel, or as ONNX too."""

import argparse
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ser_keras.errors import SerError

HELP = "write the model of a finished fold as a SavedModel, and compare it with the model"
EXAMPLE = (
    "  python -m ser_keras export runs/demo-dual_level-demo-speaker-seed0 --fold 0 "
    "--out saved_models/ser"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `export`."""
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR", help="a run, or a fold in it")
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="DIR",
        help="folder of the model's versions; the next one is written there",
    )
    parser.add_argument(
        "--fold",
        type=int,
        metavar="K",
        help="which fold of the run; needed where it has several",
    )
    parser.add_argument(
        "--onnx",
        type=Path,
        metavar="FILE",
        help="also write the network as an ONNX file: it takes features, not recordings; its "
        "answers are compared with the SavedModel's (extra onnx; see docs/serving.md)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Export the model of one fold and say where it is."""
    from ser_keras.engine import use_engine

    use_engine()
    fold = find_fold(arguments.run_dir, arguments.fold)
    if arguments.onnx:
        from ser_keras.export.onnx import check_onnx_place

        check_onnx_place(arguments.onnx)
    from ser_keras.export.check import TOLERANCE
    from ser_keras.export.onnx import export_onnx
    from ser_keras.export.warmup import HOW_TO_GET_IT
    from ser_keras.graph.layout import WARMUP_FILE

    version_dir = export_fold(fold, arguments.out)
    print(f"{version_dir}: written; reloaded, it equals the model within {TOLERANCE:g}")
    if not (version_dir / WARMUP_FILE).exists():
        print(f"{version_dir}: {HOW_TO_GET_IT}")
    if arguments.onnx:
        difference = export_onnx(version_dir, arguments.onnx)
        print(f"{arguments.onnx}: written; ONNX Runtime differs by {difference:.1e} at most")
    return 0


def export_fold(fold: Path, directory: Path, recipe: Mapping[str, Any] | None = None) -> Path:
    """Export the model of a finished fold; the export says which run made it.

    Args:
        fold: the folder of the fold.
        directory: the folder of all versions of this run's model.
        recipe: of a model that nobody is left to test: what the run of its recipe came to.

    Returns:
        The version folder.

    Raises:
        SerError: there is no model, or it may not or cannot be exported there.
    """
    from ser_keras.export.place import check_new_version, maker_of_fold
    from ser_keras.export.saved_model import export_saved_model
    from ser_keras.heard import read_heard
    from ser_keras.runs.files import MODEL_FOLDER
    from ser_keras.training.model_files import load_model

    maker = maker_of_fold(fold)
    check_new_version(directory, maker)
    model, info = load_model(fold / MODEL_FOLDER)
    if recipe:
        info = replace(info, recipe=recipe)
    if strangers := (recipe or {}).get("strangers") or strangers_of_run(fold.parent):
        info = info.for_strangers(strangers)
    run = maker.config.as_read_back() if maker.config else None
    heard = read_heard(fold / MODEL_FOLDER)
    return export_saved_model(model, replace(info, run=run), directory, maker, heard)


def strangers_of_run(run_dir: Path) -> Mapping[str, Any] | None:
    """When to be unsure of voices never heard, as the folds of a run together say it."""
    from ser_keras.runs.files import SUMMARY_NAME, read_json

    path = run_dir / SUMMARY_NAME
    return read_json(path).get("strangers") if path.is_file() else None


def find_fold(run_dir: Path, fold: int | None) -> Path:
    """The folder of the fold that a command line means.

    Args:
        run_dir: a run folder, or a fold folder itself.
        fold: number of the fold; None where only one can be meant.

    Raises:
        SerError: there is no such finished fold, or there are several and none is named.
    """
    # os.path, not pathlib, which raises where a name is too long or a folder may not be entered.
    finished = _finished_folds(run_dir) if os.path.isdir(run_dir) else {}
    if fold is None and len(finished) == 1:
        return next(iter(finished.values()))
    if fold in finished:
        return finished[fold]
    if not finished:
        raise SerError(
            f"{run_dir}: no finished fold there; expected a folder that train.py wrote, such as "
            "runs/<name> or runs/<name>/fold_0"
        )
    asked = "has several folds" if fold is None else f"no finished fold {fold}"
    numbers = ", ".join(map(str, finished))
    example = f"{run_dir}/fold_{next(iter(finished))}"
    raise SerError(f"{run_dir}: {asked}; there are {numbers}: name one, as in {example}")


def _finished_folds(run_dir: Path) -> dict[int, Path]:
    """The finished folds by number: run_dir itself, or those in it."""
    from ser_keras.runs.files import fold_dirs, number_of_fold
    from ser_keras.runs.folder import is_finished

    paths = [run_dir.resolve(), *fold_dirs(run_dir)]
    named = {number: path for path in paths if (number := number_of_fold(path)) is not None}
    return {
        number: path for number, path in sorted(named.items()) if is_finished(path.parent, number)
    }
