"""The floors of a report: what guessing without listening scores on the folds of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.guessing import guess_emotions
from ser_keras.report.reported_run import ReportedRun
from ser_keras.runs.contents import COMMON
from ser_keras.scores.accuracies import METRIC_NAMES, score_predictions
from ser_keras.scores.predictions import Predictions

# Column that a guess looks at -> its row in the table.
FLOORS = {None: "Most frequent emotion", "speaker": "Speaker lookup"}


def floors(runs: Sequence[ReportedRun]) -> list[ReportedRun]:
    """What guessing without listening scores on the folds of the first whole run.

    Guesses look at the labels outside the test part, as those of the leakage audit do. Without a
    whole run they are not known: the predictions of a fold hold its test part alone.
    """
    whole = next((run for run in runs if run.is_whole), None)
    if whole is None:
        return []
    return [_floor(whole, column) for column in FLOORS]


def _floor(run: ReportedRun, column: str | None) -> ReportedRun:
    rows = [_rows(part) for part in run.predictions]
    results, predictions = [], []
    for number, (tested, part) in enumerate(zip(rows, run.predictions, strict=True)):
        known = [row for other, of_fold in enumerate(rows) if other != number for row in of_fold]
        guessed = guess_emotions(known, tested, column)
        indices = [part.emotions.index(emotion) for emotion in guessed]
        part = replace(part, probabilities=np.eye(len(part.emotions), dtype=np.float32)[indices])
        predictions.append(part)
        results.append(_floor_result(run.results[number], part))
    return ReportedRun(
        directory=run.directory,
        title=FLOORS[column],
        results=tuple(results),
        predictions=tuple(predictions),
        histories={},
        num_folds=run.num_folds,
    )


def _rows(part: Predictions) -> list[UtteranceRow]:
    emotions = [part.emotions[label] for label in part.labels]
    named = zip(part.utterance_ids, part.speakers, emotions, strict=True)
    return [
        UtteranceRow(utterance_id=utterance_id, speaker=speaker, emotion=emotion)
        for utterance_id, speaker, emotion in named
    ]


def _floor_result(result: Mapping[str, Any], part: Predictions) -> dict[str, Any]:
    scored = score_predictions(part.labels, part.probabilities, part.emotions).to_json()
    matrices = {f"{name}_confusion_matrix": scored["confusion_matrix"] for name in METRIC_NAMES}
    optimistic = {name: scored[name] for name in METRIC_NAMES} | matrices
    kept = {name: result[name] for name in (*COMMON, "protocol", "fold")}
    return kept | scored | {"variant": "floor", "optimistic": optimistic, "best_epoch": None}
