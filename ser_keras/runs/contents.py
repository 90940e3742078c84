"""What a run folder holds: read as a whole and checked against itself."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ser_keras.errors import SerError
from ser_keras.runs.files import (
    HISTORY_NAME,
    PREDICTIONS_NAME,
    RESULT_NAME,
    SUMMARY_NAME,
    fold_dirs,
    read_predictions,
)
from ser_keras.scores.accuracies import METRIC_NAMES, confusion_matrix
from ser_keras.scores.predictions import Predictions

# What all folds of a run have in common, and all runs whose figures stand in one table.
COMMON = ("corpus", "label_map", "emotions", "subset")
# What else all folds of a run have in common; what an older version did not write is not compared.
OF_ONE_RUN = (*COMMON, "protocol", "variant", "preset", "seed", "data_key", "recordings_key")
# What else the result.json of every fold has to hold, and that of a tested one.
RESULT_KEYS = (*COMMON, "protocol", "variant", "seed", "fold", "best_epoch")
TESTED_KEYS = (
    *METRIC_NAMES,
    *("per_class_recall", "absent_emotions", "confusion_matrix", "optimistic"),
)
HISTORY_COLUMNS = {"epoch", "unweighted_accuracy", "val_unweighted_accuracy"}


@dataclass(frozen=True, kw_only=True)
class RunContents:
    """All that is known of the finished folds of a run.

    Attributes:
        results: result.json of each finished fold, in order; at least one.
        predictions: fold -> its predictions; of the tested folds, in order.
        histories: fold -> column of history.csv -> value of each epoch; empty where nothing was
            trained by epochs.
        num_folds: folds of the protocol; None where the run has no summary yet.
    """

    results: tuple[dict[str, Any], ...]
    predictions: dict[int, Predictions]
    histories: dict[int, dict[str, np.ndarray]]
    num_folds: int | None


def read_run_folder(directory: Path) -> RunContents:
    """Read the finished folds of a run folder.

    Raises:
        SerError: there is none, a file cannot be read, or files contradict each other.
    """
    folders = sorted(path for path in fold_dirs(directory) if (path / RESULT_NAME).exists())
    if not folders:
        raise SerError(
            f"{directory}: no finished fold there, expected a run folder as train.py writes it "
            "(fold_0/result.json ...): name one, or finish a fold first"
        )
    read = [(_read_result(folder / RESULT_NAME), folder) for folder in folders]
    read.sort(key=lambda pair: pair[0]["fold"])
    _check_one_run(directory, [result for result, _ in read])
    return RunContents(
        results=tuple(result for result, _ in read),
        predictions={
            result["fold"]: _read_predictions(folder, result)
            for result, folder in read
            if is_tested(result)
        },
        histories={
            result["fold"]: read_history(folder / HISTORY_NAME)
            for result, folder in read
            if (folder / HISTORY_NAME).exists()
        },
        num_folds=_num_folds(directory),
    )


def _check_one_run(directory: Path, results: Sequence[Mapping[str, Any]]) -> None:
    """Refuse folds that were put together from several runs."""
    for name in OF_ONE_RUN:
        values = [result[name] for result in results if result.get(name) not in (None, "")]
        if any(value != values[0] for value in values):
            raise SerError(
                f"{directory}: its folds are of different runs ({name} differs), expected the "
                "folds of one: keep each run in a folder of its own"
            )


def is_tested(result: Mapping[str, Any]) -> bool:
    """Whether the test part of a fold was scored; files older than `--no-test` do not say."""
    return result.get("tested", True)


def missing_keys(result: Mapping[str, Any]) -> list[str]:
    """What a result of a report has to hold, and this one lacks."""
    if is_tested(result):
        return [key for key in (*RESULT_KEYS, *TESTED_KEYS) if key not in result]
    validation = result.get("validation", {})
    lacking = [f"validation.{name}" for name in METRIC_NAMES if name not in validation]
    return [key for key in RESULT_KEYS if key not in result] + lacking


def agree(result: Mapping[str, Any], part: Predictions) -> bool:
    """Whether predictions give the confusion matrix of the result of their fold."""
    predicted = part.probabilities.argmax(axis=-1)
    matrix = confusion_matrix(part.labels, predicted, len(part.emotions)).tolist()
    kept = (result["fold"], result["confusion_matrix"], result["emotions"])
    return (part.fold, matrix, list(part.emotions)) == kept


def _read_result(path: Path) -> dict[str, Any]:
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        missing = missing_keys(result)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise SerError(f"{path}: cannot be read ({error}): train the fold again") from error
    if missing:
        raise SerError(f"{path}: has no {', '.join(missing)}, expected a result of train.py")
    return result


def _read_predictions(folder: Path, result: Mapping[str, Any]) -> Predictions:
    part = read_predictions(folder / PREDICTIONS_NAME)
    if not agree(result, part):
        raise SerError(
            f"{folder}: predictions.csv gives another confusion matrix than result.json, expected "
            "two files of one training: train the fold again"
        )
    return part


def read_history(path: Path) -> dict[str, np.ndarray]:
    """history.csv by column: one float64 an epoch, NaN where the cell is empty.

    Raises:
        SerError: the file is not such a table, or lacks one of `HISTORY_COLUMNS`.
    """
    try:
        return history_columns(read_rows(path))
    except (OSError, ValueError, TypeError, IndexError) as error:
        raise SerError(f"{path}: cannot be read ({error}): train the fold again") from error
    except KeyError as error:
        raise SerError(f"{path}: has no {error.args[0]}: train the fold again") from error


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by column, as text."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def history_columns(rows: list[dict[str, str]]) -> dict[str, np.ndarray]:
    """The rows of a history by column, as numbers; see `read_history`.

    Raises:
        ValueError, TypeError, IndexError: a cell is no number, a row is short, there is no row.
        KeyError: a column is missing; the argument names it.
    """
    columns = {name: [float(row[name] or "nan") for row in rows] for name in rows[0]}
    if missing := HISTORY_COLUMNS - columns.keys():
        raise KeyError(", ".join(sorted(missing)))
    return {name: np.array(values) for name, values in columns.items()}


def _num_folds(directory: Path) -> int | None:
    try:
        summary = json.loads((directory / SUMMARY_NAME).read_text(encoding="utf-8"))
        return summary["folds_total"]
    except (OSError, ValueError, KeyError):
        return None  # the run was stopped before its first summary
