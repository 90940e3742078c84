"""The runs of a report: read, checked against themselves and each other, and named."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.leakage import guess_emotions
from ser_keras.errors import SerError
from ser_keras.report.paper_table import TITLES
from ser_keras.runs.files import read_predictions
from ser_keras.scores.accuracies import METRIC_NAMES, confusion_matrix, score_predictions
from ser_keras.scores.predictions import Predictions
from ser_keras.scores.summary import summarise

# What all runs of a report have in common: without it their figures say nothing about each other.
COMMON = ("corpus", "label_map", "emotions", "subset")
# What else a result.json and a history.csv have to hold.
RESULT_KEYS = (
    *COMMON,
    *("protocol", "variant", "seed", "fold", "weighted_accuracy", "unweighted_accuracy"),
    *("per_class_recall", "absent_emotions", "confusion_matrix", "optimistic", "best_epoch"),
)
HISTORY_COLUMNS = {"epoch", "unweighted_accuracy", "val_unweighted_accuracy"}
# Settings in which two runs of one system may differ, and which then name them.
NAMING = ("preset", "seed", "settings", "features")
# Column that a guess looks at -> its row in the table.
FLOORS = {None: "Most frequent emotion", "speaker": "Speaker lookup"}


@dataclass(frozen=True)
class Run:
    """What a report needs of one run folder.

    Attributes:
        directory: the run folder.
        title: how the report calls it.
        results: result.json of the finished folds, in order; at least one.
        predictions: of the same folds.
        histories: fold -> column of history.csv -> value of each epoch; empty where nothing was
            trained by epochs.
        num_folds: folds of the protocol; None where the run has no summary yet.
    """

    directory: Path
    title: str
    results: tuple[dict, ...]
    predictions: tuple[Predictions, ...]
    histories: dict[int, dict[str, np.ndarray]]
    num_folds: int | None

    @property
    def protocol(self) -> str:
        return self.results[0]["protocol"]

    @property
    def variant(self) -> str:
        return self.results[0]["variant"]

    @property
    def is_whole(self) -> bool:
        """Whether every fold of the protocol is finished."""
        return len(self.results) == self.num_folds

    @property
    def summary(self) -> dict:
        """As in summary.json, of the folds that are finished."""
        return summarise(self.results, self.num_folds)


# --- Reading ---


def read_runs(directories: Sequence[Path]) -> list[Run]:
    """Read run folders, each once, in the order of the paper's table and then as named.

    Raises:
        SerError: a folder without a finished fold, files that contradict each other, or runs of
            different corpora, label maps or subsets.
    """
    unique = {Path(directory).resolve(): Path(directory) for directory in directories}
    runs = [_read_run(directory) for directory in unique.values()]
    for run in runs[1:]:
        _check_comparable(runs[0], run)
    order = list(TITLES)
    runs.sort(key=lambda run: order.index(run.variant) if run.variant in order else len(order))
    return _with_titles(runs)


def _read_run(directory: Path) -> Run:
    folders = sorted(path.parent for path in directory.glob("fold_*/result.json"))
    if not folders:
        raise SerError(
            f"{directory}: no finished fold there, expected a run folder as train.py writes it "
            "(fold_0/result.json ...): name one, or finish a fold first"
        )
    results = [_read_result(folder) for folder in folders]
    predictions = [read_predictions(folder / "predictions.csv") for folder in folders]
    for folder, result, part in zip(folders, results, predictions, strict=True):
        _check_agreement(folder, result, part)
    pairs = sorted(zip(results, predictions, strict=True), key=lambda pair: pair[0]["fold"])
    results, predictions = zip(*pairs, strict=True)
    histories = {
        result["fold"]: read_history(folder / "history.csv")
        for folder, result in ((directory / f"fold_{r['fold']}", r) for r in results)
        if (folder / "history.csv").exists()
    }
    return Run(directory, "", results, predictions, histories, _num_folds(directory))


def _read_result(folder: Path) -> dict:
    path = folder / "result.json"
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        missing = [key for key in RESULT_KEYS if key not in result]
    except (OSError, ValueError, TypeError) as error:
        raise SerError(f"{path}: cannot be read ({error}): train the fold again") from error
    if missing:
        raise SerError(f"{path}: has no {', '.join(missing)}, expected a result of train.py")
    return result


def _check_agreement(folder: Path, result: Mapping, part: Predictions) -> None:
    predicted = part.probabilities.argmax(axis=-1)
    matrix = confusion_matrix(part.labels, predicted, len(part.emotions)).tolist()
    kept = (result["fold"], result["confusion_matrix"], result["emotions"])
    if (part.fold, matrix, list(part.emotions)) != kept:
        raise SerError(
            f"{folder}: predictions.csv gives another confusion matrix than result.json, expected "
            "two files of one training: train the fold again"
        )


def read_history(path: Path) -> dict[str, np.ndarray]:
    """history.csv by column: one float64 an epoch, NaN where the cell is empty.

    Raises:
        SerError: the file is not such a table, or lacks one of `HISTORY_COLUMNS`.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        columns = {name: [float(row[name] or "nan") for row in rows] for name in rows[0]}
    except (OSError, ValueError, TypeError, IndexError) as error:
        raise SerError(f"{path}: cannot be read ({error}): train the fold again") from error
    if missing := HISTORY_COLUMNS - columns.keys():
        raise SerError(f"{path}: has no {', '.join(sorted(missing))}: train the fold again")
    return {name: np.array(values) for name, values in columns.items()}


def _num_folds(directory: Path) -> int | None:
    try:
        summary = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
        return summary["folds_total"]
    except (OSError, ValueError, KeyError):
        return None  # the run was stopped before its first summary


def _check_comparable(first: Run, other: Run) -> None:
    for name in COMMON:
        here, there = first.results[0][name], other.results[0][name]
        if here != there:
            raise SerError(
                f"received runs that cannot stand in one table: {name} is {here} in "
                f"{first.directory} and {there} in {other.directory}, expected the same: make a "
                "report for each"
            )


# --- Names ---


def _with_titles(runs: Sequence[Run]) -> list[Run]:
    """The runs by name; a further one of the same system and protocol says what differs."""
    first_of, named, taken = {}, [], set()
    for run in runs:
        first = first_of.setdefault((run.variant, run.protocol), run)
        plain, own = (flat_settings(r.results[0]) for r in (first, run))
        differing = [name for name in own if own[name] != plain.get(name)]
        details = [f"{name.split('.')[-1]} {own[name]}" for name in differing]
        title = ", ".join([TITLES.get(run.variant, run.variant), *details])
        if (title, run.protocol) in taken:
            title = f"{title}, {run.directory}"
        taken.add((title, run.protocol))
        named.append(replace(run, title=title))
    return named


def flat_settings(result: Mapping) -> dict[str, object]:
    """The settings of a result that tell runs of one system apart: "settings.units" -> 200."""
    flat = {}
    for name in NAMING:
        value = result.get(name)
        inner = value if isinstance(value, Mapping) else {"": value}
        flat |= {f"{name}.{key}".strip("."): inner[key] for key in inner}
    return flat


def differ_by_seed_alone(first: Run, second: Run) -> bool:
    """Whether two runs are of one system with equal settings, the seed apart."""
    return _without_seed(first) == _without_seed(second)


def _without_seed(run: Run) -> dict[str, object]:
    settings = flat_settings(run.results[0]) | {"variant": run.variant}
    return {name: value for name, value in settings.items() if name != "seed"}


# --- Floors ---


def floors(runs: Sequence[Run]) -> list[Run]:
    """What guessing without listening scores on the folds of the first whole run.

    Guesses look at the labels outside the test part, as those of the leakage audit do. Without a
    whole run they are not known: the predictions of a fold hold its test part alone.
    """
    whole = next((run for run in runs if run.is_whole), None)
    if whole is None:
        return []
    return [_floor(whole, column) for column in FLOORS]


def _floor(run: Run, column: str | None) -> Run:
    rows = [_rows(part) for part in run.predictions]
    results, predictions = [], []
    for number, (tested, part) in enumerate(zip(rows, run.predictions, strict=True)):
        known = [row for other, of_fold in enumerate(rows) if other != number for row in of_fold]
        guessed = guess_emotions(known, tested, column)
        indices = [part.emotions.index(emotion) for emotion in guessed]
        part = replace(part, probabilities=np.eye(len(part.emotions), dtype=np.float32)[indices])
        predictions.append(part)
        results.append(_floor_result(run.results[number], part))
    return Run(run.directory, FLOORS[column], tuple(results), tuple(predictions), {}, run.num_folds)


def _rows(part: Predictions) -> list[UtteranceRow]:
    emotions = [part.emotions[label] for label in part.labels]
    named = zip(part.utterance_ids, part.speakers, emotions, strict=True)
    return [
        UtteranceRow(utterance_id=utterance_id, speaker=speaker, emotion=emotion)
        for utterance_id, speaker, emotion in named
    ]


def _floor_result(result: Mapping, part: Predictions) -> dict:
    scored = score_predictions(part.labels, part.probabilities, part.emotions).to_json()
    matrices = {f"{name}_confusion_matrix": scored["confusion_matrix"] for name in METRIC_NAMES}
    optimistic = {name: scored[name] for name in METRIC_NAMES} | matrices
    kept = {name: result[name] for name in (*COMMON, "protocol", "fold")}
    return kept | scored | {"variant": "floor", "optimistic": optimistic, "best_epoch": None}
