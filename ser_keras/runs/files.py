"""The files of a run folder that people and programs read: their names, JSON, `predictions.csv`.

Each is replaced in one step. Reading needs no TensorFlow.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_pipeline.files import replace_file, write_csv
from ser_keras.errors import SerError
from ser_keras.scores.accuracies import check_predictions
from ser_keras.scores.predictions import GROUP_COLUMNS, Predictions

CONFIG_NAME, RESULT_NAME, SUMMARY_NAME = "config.json", "result.json", "summary.json"
PREDICTIONS_NAME, HISTORY_NAME = "predictions.csv", "history.csv"
# All that a fold needs to go on after its last epoch; there until the fold is finished.
CHECKPOINT_NAME = "checkpoint.npz"
# What a trained model is kept in: how to build it, its weights, what it is.
MODEL_FOLDER = "model"
WEIGHTS_NAME = "model.weights.h5"
MODEL_FILES = (CONFIG_NAME, WEIGHTS_NAME, "info.json", "heard.json")

PROBABILITY_PREFIX = "probability_"
UTTERANCE_COLUMNS = ("utterance_id", "speaker", "fold", "emotion", "predicted")

_FOLD_PREFIX = "fold_"


def fold_dir(run_dir: Path, number: int) -> Path:
    """The folder of one fold."""
    return Path(run_dir) / f"{_FOLD_PREFIX}{number}"


def fold_dirs(run_dir: Path) -> list[Path]:
    """The folders of a run that are named as folds, finished or not."""
    return [
        path for path in Path(run_dir).glob(f"{_FOLD_PREFIX}*") if number_of_fold(path) is not None
    ]


def number_of_fold(directory: Path) -> int | None:
    """The number of the fold that a folder is of, by its name; None where it is none."""
    number = directory.name.removeprefix(_FOLD_PREFIX)
    return int(number) if number.isdecimal() and number != directory.name else None


def write_json(path: Path, content: object) -> None:
    """Write JSON in the order of the keys, replacing the file in one step.

    Raises:
        SerError: a number is NaN or infinite, which JSON cannot hold.
    """
    try:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise SerError(
            f"{path}: received a number that is not finite ({error}), expected finite numbers: "
            "training has diverged, lower the learning rate"
        ) from error
    replace_file(path, text + "\n")


def read_json(path: Path) -> dict:
    """Read what `write_json` wrote.

    Raises:
        SerError: the file is missing or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SerError(
            f"{path}: cannot be read ({error}), expected JSON as train.py writes it: move it "
            "elsewhere and run again"
        ) from error


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write `predictions.csv`, one row an utterance, replacing the file in one step.

    Columns: utterance_id, speaker, fold, emotion (true), predicted, those of `GROUP_COLUMNS` that
    are known, then probability_<emotion> for each emotion. Nine significant digits name every
    float32 exactly, so equal predictions give equal bytes and `read_predictions` gives back the
    same numbers.

    Raises:
        SerError: as `score_predictions`.
    """
    check_predictions(predictions.labels, predictions.probabilities, len(predictions.emotions))
    probability_columns = [PROBABILITY_PREFIX + name for name in predictions.emotions]
    columns = [*UTTERANCE_COLUMNS, *_known_groups(predictions), *probability_columns]
    write_csv(path, columns, _prediction_rows(predictions))


def _known_groups(predictions: Predictions) -> list[str]:
    return [name for name in GROUP_COLUMNS if any(predictions.groups.get(name, ()))]


def _prediction_rows(predictions: Predictions) -> Iterator[list]:
    emotions = predictions.emotions
    probabilities = predictions.probabilities.astype(np.float32)
    ids, speakers = predictions.utterance_ids, predictions.speakers
    groups = [predictions.groups[name] for name in _known_groups(predictions)]
    for utterance_id, speaker, label, row, *of_groups in zip(
        ids, speakers, predictions.labels, probabilities, *groups, strict=True
    ):
        named = [emotions[label], emotions[row.argmax()]]
        digits = [f"{probability:.9g}" for probability in row.tolist()]
        yield [utterance_id, speaker, predictions.fold, *named, *of_groups, *digits]


def read_predictions(path: Path) -> Predictions:
    """Read what `write_predictions` wrote.

    Raises:
        SerError: the file is missing, has other columns, no rows, more than one fold, or a
            cell that cannot be read.
    """
    header, rows = _read_csv(Path(path))
    return _predictions_of_rows(path, _emotions_of_header(path, header), rows)


def read_predictions_of_folds(path: Path) -> list[Predictions]:
    """Read the predictions of several folds that stand in one file, in the order of the file.

    Raises:
        SerError: as `read_predictions`; here a fold may follow another.
    """
    header, rows = _read_csv(Path(path))
    emotions = _emotions_of_header(path, header)
    rows_of: dict[str, list[dict]] = {}
    for row in rows:
        rows_of.setdefault(row["fold"], []).append(row)
    return [_predictions_of_rows(path, emotions, of_fold) for of_fold in rows_of.values()]


def _predictions_of_rows(path: Path, emotions: tuple[str, ...], rows: list[dict]) -> Predictions:
    try:
        (fold,) = {int(row["fold"]) for row in rows}
        labels = np.array([emotions.index(row["emotion"]) for row in rows])
        cells = [[float(row[PROBABILITY_PREFIX + name]) for name in emotions] for row in rows]
        probabilities = np.array(cells, dtype=np.float32)
        check_predictions(labels, probabilities, len(emotions))
    except (ValueError, TypeError, SerError) as error:
        raise SerError(
            f"{path}: received rows that cannot be read ({error}), expected rows of one fold as "
            "training writes them: train the fold again"
        ) from error
    ids, speakers = (tuple(row[name] for row in rows) for name in UTTERANCE_COLUMNS[:2])
    groups = {name: tuple(row[name] for row in rows) for name in GROUP_COLUMNS if name in rows[0]}
    return Predictions(
        utterance_ids=ids,
        speakers=speakers,
        fold=fold,
        emotions=emotions,
        labels=labels,
        probabilities=probabilities,
        groups={name: values for name, values in groups.items() if any(values)},
    )


def _read_csv(path: Path) -> tuple[list[str], list[dict]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            return list(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SerError(
            f"{path}: cannot be read ({error}), expected a predictions.csv: train the fold first"
        ) from error


def _emotions_of_header(path: Path, header: list[str]) -> tuple[str, ...]:
    count = len(UTTERANCE_COLUMNS)
    named = [name for name in header[count:] if name.startswith(PROBABILITY_PREFIX)]
    other = set(header[count:]) - set(named) - set(GROUP_COLUMNS)
    if tuple(header[:count]) != UTTERANCE_COLUMNS or not named or other:
        raise SerError(
            f"{path}: received the columns {header}, expected {list(UTTERANCE_COLUMNS)}, some of "
            f"{list(GROUP_COLUMNS)}, and one {PROBABILITY_PREFIX}<emotion> column an emotion: "
            "train the fold again"
        )
    return tuple(name.removeprefix(PROBABILITY_PREFIX) for name in named)
