"""What a report says of the protocol `adapted`: voices told by some of their recordings."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ser_keras.report.figures import profile_figure
from ser_keras.report.page import Report
from ser_keras.report.reported_run import ReportedRun
from ser_keras.report.tables import escape, percent, table, with_interval
from ser_keras.scores.accuracies import SHORT
from ser_keras.scores.statistics import bootstrap_interval

ADAPTED = (
    "The same folds and models, but each tested voice is told by some of its other recordings, "
    "without labels (docs/voices.md); nobody is judged by a profile from the recording itself. "
    "With all of them it is transductive. Pooled, with intervals that resample speakers. These "
    "figures stand beside those of the protocol, never in their place."
)
PROMISE = (
    "Unsure of strangers: temperature and threshold of each fold come from the answers of the "
    "other folds to voices that their models had not heard. The promise is that 80 % of the "
    "answers that are not called unsure are right; the bound is one-sided, 90 %."
)
HEADER = ("system", "recordings of the voice", "WA", "UA", "pooled WA", "pooled UA")
PROMISE_HEADER = (
    "system",
    "profile",
    "answered",
    "of these right",
    "at least",
    "folds that kept it",
)
NONE_KNOWN = "none"


def add_adapted(report: Report, picture: str, runs: Sequence[ReportedRun]) -> None:
    """Scores by the number of recordings, their curve, and what `unsure` keeps, where known."""
    told = [run for run in runs if run.is_whole and "adapted" in run.summary]
    if told:
        report.add("### Adapted to each voice")
        report.add(ADAPTED)
        report.add(*table(HEADER, [row for run in told for row in _rows(run)]))
        report.add_picture(f"{picture}-adapted", *_picture(told))
    promised = [run for run in runs if run.strangers]
    if promised:
        report.add("### Unsure of strangers")
        report.add(PROMISE)
        rows = [row for run in promised for row in _promise_rows(run)]
        report.add(*table(PROMISE_HEADER, rows))


def _scores(run: ReportedRun) -> dict[str, Mapping[str, Any]]:
    """By number of recordings, that of none first."""
    summary = run.summary
    return {NONE_KNOWN: summary, **summary["adapted"]}


def _rows(run: ReportedRun) -> list[list[str]]:
    rows = []
    for number, scores in _scores(run).items():
        matrices = None if number == NONE_KNOWN else _matrices(run, number)
        cells = [f"{percent(scores[name]['mean'])}" for name in SHORT]
        for name in SHORT:
            ends = None if matrices is None else bootstrap_interval(matrices, name)
            cells.append(with_interval(scores[name]["pooled"], ends))
        rows.append([escape(run.title), number, *cells])
    return rows


def _matrices(run: ReportedRun, number: str) -> np.ndarray:
    """The confusion matrix of each speaker (num_speakers, num_emotions, num_emotions)."""
    total: dict[str, np.ndarray] = {}
    for result in run.results:
        of_speakers = result["adapted"][number]["confusion_matrix_by_speaker"]
        for speaker, matrix in of_speakers.items():
            total[speaker] = total.get(speaker, 0) + np.array(matrix)
    return np.stack(list(total.values()))


def _picture(runs: Sequence[ReportedRun]) -> tuple[str, Any]:
    curves = {
        run.title: {
            k: scores["unweighted_accuracy"]["pooled"] for k, scores in _scores(run).items()
        }
        for run in runs
    }
    spoken = "; ".join(
        f"{title}: " + ", ".join(f"{number} {value:.1%}" for number, value in curve.items())
        for title, curve in curves.items()
    )
    return f"Pooled UA by recordings of the voice. {spoken}.", profile_figure(curves)


def _promise_rows(run: ReportedRun) -> list[list[str]]:
    rows = []
    for kind, calibration in run.strangers.items():
        found = calibration["cross_fitted"]
        share = found["right"] / found["answered"] if found["answered"] else 0.0
        rows.append(
            [
                escape(run.title),
                "without" if kind == "without_profile" else "20 recordings",
                f"{found['answered']} of {found['utterances']}",
                f"{percent(share)} %",
                f"{percent(found['lower_bound'])} %",
                f"{found['folds_that_kept_it']} of {found['folds']}",
            ]
        )
    return rows
