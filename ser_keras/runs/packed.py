"""A run in three files: what the tables of a report are computed from, and nothing else.

A packed run holds `run.json` (folds_total, config.json, and the result.json of every finished fold
in order), `predictions.csv` (all tested folds) and, where there were epochs, `history.csv` (a
column `fold` before those of the folds). They are text, so that a change can be read as a
difference. Weights, TensorBoard and summary.json stay in the run folder.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_pipeline.errors import shown
from data_pipeline.files import write_csv
from ser_keras.errors import SerError
from ser_keras.runs.contents import (
    COMMON,
    RunContents,
    agree,
    history_columns,
    is_tested,
    missing_keys,
    read_rows,
    read_run_folder,
)
from ser_keras.runs.files import (
    CONFIG_NAME,
    HISTORY_NAME,
    PREDICTIONS_NAME,
    UTTERANCE_COLUMNS,
    fold_dir,
    read_predictions_of_folds,
    write_json,
)
from ser_keras.runs.ownership import is_litter, is_partial, named
from ser_keras.scores.predictions import Predictions

RUN_NAME = "run.json"
FOLD = "fold"
# What config.json and every result.json say alike, in any version.
IDENTITY = (*COMMON, "protocol", "variant", "preset", "seed")
AGAIN = "pack the run again"
ELSEWHERE = "give another --out"
RUN_KEYS = ("folds_total", "config", "results")
# How the tables begin that were written here; older histories have the same columns.
COLUMNS = {PREDICTIONS_NAME: UTTERANCE_COLUMNS, HISTORY_NAME: (FOLD, "epoch")}


# --- Packing ---


def pack_run(run_dir: Path, out_dir: Path) -> Path:
    """Write the finished folds of a run as a packed run; an older one there is replaced.

    Args:
        run_dir: a run folder as training writes it.
        out_dir: the folder of the packed run.

    Returns:
        out_dir.

    Raises:
        SerError: the run cannot be read or contradicts itself, both folders are the same, or
            out_dir cannot be made or holds something else than a packed run.
    """
    if run_dir.resolve() == out_dir.resolve():
        raise SerError(f"{out_dir}: is the run folder itself; {ELSEWHERE}")
    check_place(out_dir)
    contents = read_run_folder(run_dir)
    content = {
        "folds_total": contents.num_folds,
        "config": _read_json(run_dir / CONFIG_NAME, "train the run again"),
        "results": contents.results,
    }
    _check(run_dir, content, "train the run again")
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SerError(
            f"{shown(out_dir)}: cannot be made ({error.strerror}); {ELSEWHERE}"
        ) from None
    # run.json is written last: it marks the packed run as whole.
    for name in (RUN_NAME, PREDICTIONS_NAME, HISTORY_NAME):
        (out_dir / name).unlink(missing_ok=True)
    _join(run_dir, contents.predictions, out_dir, PREDICTIONS_NAME)
    _join(run_dir, contents.histories, out_dir, HISTORY_NAME)
    write_json(out_dir / RUN_NAME, content)
    return out_dir


def check_place(out_dir: Path) -> None:
    """Refuse a folder where packing would replace what it did not write.

    Packing may have been killed there: then run.json is missing.

    Raises:
        SerError: it is a file, is not empty and no packed run, or holds another program's file
            of a name that packing writes.
    """
    if not out_dir.is_dir():
        return
    written = [path for path in out_dir.iterdir() if path.name in (RUN_NAME, *COLUMNS)]
    foreign = [path for path in written if not _is_written_here(path)]
    if not is_packed(out_dir):
        rest = (path for path in out_dir.iterdir() if path not in written and not is_litter(path))
        foreign += [path for path in rest if not is_partial(path, (RUN_NAME, *COLUMNS))]
    if foreign:
        raise SerError(
            f"{shown(out_dir)}: holds {named(sorted(foreign), out_dir)}, expected a new folder or "
            f"a packed run: {ELSEWHERE}"
        )


def _is_written_here(path: Path) -> bool:
    """Whether a file is what its name says, as far as its beginning tells."""
    try:
        if path.name == RUN_NAME:
            content = json.loads(path.read_text(encoding="utf-8"))
            return isinstance(content, dict) and all(key in content for key in RUN_KEYS)
        with path.open(newline="", encoding="utf-8") as file:
            columns = next(csv.reader(file), [])
    except (OSError, ValueError, csv.Error):
        return False
    own = COLUMNS[path.name]
    return tuple(columns[: len(own)]) == own


def _join(run_dir: Path, folds: Iterable[int], out_dir: Path, name: str) -> None:
    """Write the rows of a file of several folds into one file, each cell as it is."""
    rows = [
        row if FOLD in row else {FOLD: str(number)} | row
        for number in folds
        for row in read_rows(fold_dir(run_dir, number) / name)
    ]
    # A fold that was tested later has fewer columns in its history.
    columns = list(dict.fromkeys(column for row in rows for column in row))
    if rows:
        write_csv(out_dir / name, columns, ([row.get(c, "") for c in columns] for row in rows))


# --- Reading ---


def is_packed(directory: Path) -> bool:
    """Whether a folder is a packed run."""
    return (directory / RUN_NAME).exists()


def read_packed_run(directory: Path) -> RunContents:
    """Read what `pack_run` wrote.

    Raises:
        SerError: a file is missing or cannot be read, or the files contradict each other.
    """
    content = _read_json(directory / RUN_NAME, AGAIN)
    _check(directory, content, AGAIN)
    results = content["results"]
    return RunContents(
        results=tuple(results),
        predictions=_packed_predictions(directory / PREDICTIONS_NAME, results),
        histories=_packed_histories(directory / HISTORY_NAME, results),
        num_folds=content["folds_total"],
    )


def _read_json(path: Path, remedy: str) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SerError(f"{path}: cannot be read ({error}): {remedy}") from error


def _packed_predictions(path: Path, results: Sequence[Mapping]) -> dict[int, Predictions]:
    tested = {result[FOLD]: result for result in results if is_tested(result)}
    parts = read_predictions_of_folds(path) if tested or path.exists() else []
    predictions = {part.fold: part for part in parts}
    if predictions.keys() != tested.keys():
        raise _contradiction(path, f"has the folds {_named(predictions)}", tested)
    differing = [number for number in tested if not agree(tested[number], predictions[number])]
    if differing:
        raise SerError(
            f"{path}: gives another confusion matrix than {RUN_NAME} for fold "
            f"{_named(differing)}, expected two files of one run: {AGAIN}"
        )
    return {number: predictions[number] for number in tested}


def _packed_histories(path: Path, results: Sequence[Mapping]) -> dict[int, dict[str, np.ndarray]]:
    if not path.exists():
        return {}
    rows_of: dict[int, list[dict[str, str]]] = {}
    try:
        for row in read_rows(path):
            rows_of.setdefault(int(row.pop(FOLD)), []).append(row)
        histories = {number: history_columns(rows) for number, rows in rows_of.items()}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SerError(f"{path}: cannot be read ({error}): {AGAIN}") from error
    finished = [result[FOLD] for result in results]
    if not histories.keys() <= set(finished):
        raise _contradiction(path, f"has the folds {_named(histories)}", finished)
    return histories


def _contradiction(path: Path, fact: str, folds: Iterable[int]) -> SerError:
    return SerError(f"{path}: {fact}, expected {_named(folds)} as in {RUN_NAME}: {AGAIN}")


def _named(folds: Iterable[int]) -> str:
    return ", ".join(map(str, folds)) or "none"


# --- What results and configuration say about each other ---


def _check(directory: Path, content: Mapping[str, Any], remedy: str) -> None:
    """Refuse the content of run.json where it cannot be that of one run."""
    for fault in _faults(content):
        raise SerError(f"{directory}: {fault}, expected the finished folds of one run: {remedy}")


def _faults(content: Mapping[str, Any]) -> Iterator[str]:
    try:
        total, config, results = (content[key] for key in RUN_KEYS)
        missing = sorted({key for result in results for key in missing_keys(result)})
        if missing or not results:
            yield f"has results without {', '.join(missing) or 'a fold'}"
        folds = [result[FOLD] for result in results]
        if folds != sorted(set(folds)) or (total is not None and folds[-1] >= total):
            yield f"has results of the folds {_named(folds)} of {total or '?'}"
        for key in IDENTITY:
            if any(result.get(key) != config.get(key) for result in results):
                yield f"has results whose {key} is not that of the configuration"
    except (KeyError, TypeError, AttributeError) as error:
        yield f"cannot be read as a run ({error})"
