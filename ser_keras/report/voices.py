"""What a report says of voices: by group, heard before or not, how far to trust the answers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from data_pipeline.contract import GROUPS, HEARD
from ser_keras.heard import RECORDING, UNHEARD, UNKNOWN, VOICE
from ser_keras.report.figures import profile_figure
from ser_keras.report.page import Report
from ser_keras.report.reported_run import ReportedRun
from ser_keras.report.tables import NONE, escape, percent, points, table, with_interval
from ser_keras.scores.accuracies import METRIC_NAMES, SHORT, UNWEIGHTED
from ser_keras.scores.groups import groups_of, largest_gap, score_group
from ser_keras.scores.predictions import Predictions
from ser_keras.scores.statistics import bootstrap_interval, speaker_confusions

CALIBRATION = (
    "In percent, on test parts (of trained models: on what they have never heard). Temperature and "
    "threshold are those of the models, fitted on validation parts. The calibration error is the "
    "mean distance between how sure answers are and how often they are right."
)
GROUPS_IN_WORDS = (
    "All test utterances of a group together, in percent. Intervals resample speakers; a group of "
    "few speakers has none, and a gap without an interval may be the speakers', not the group's."
)


def add_calibration(report: Report, runs: Sequence[ReportedRun]) -> None:
    """What `unsure` and the confidence of the answers are worth, where systems have both."""
    lines = _calibration_table(runs)
    if lines:
        report.add("### Calibration")
        report.add(CALIBRATION)
        report.add(*lines)


def add_groups(report: Report, runs: Sequence[ReportedRun]) -> None:
    """Scores by group and the largest gaps, where anything is known of the voices."""
    lines = _group_table(runs)
    if lines:
        report.add("### Groups")
        report.add(GROUPS_IN_WORDS)
        report.add(*lines)
        report.add(*_gaps_in_words(runs))


# --- By group ---

GROUP_HEADER = (
    "group",
    "utterances",
    "speakers",
    "WA [95\N{NO-BREAK SPACE}%]",
    "UA [95\N{NO-BREAK SPACE}%]",
)


def _group_table(runs: Sequence[ReportedRun]) -> list[str]:
    """A line for each group that is known, for each system; none where nothing is known."""
    rows = [row for run in runs for row in _group_rows(run)]
    return table(("system", *GROUP_HEADER), rows) if rows else []


def _group_rows(run: ReportedRun) -> list[list[str]]:
    rows = []
    for column in GROUPS:
        groups = groups_of(run.predictions, column)
        if len([value for value in groups if value]) < 2:
            continue
        for value, of_group in groups.items():
            name = f"{column} {value}" if value else f"{column} not known"
            rows.append([escape(run.title), escape(name), *score_cells(of_group)])
    return rows


def score_cells(predictions: Sequence[Predictions]) -> list[str]:
    """Utterances, speakers, and both accuracies with intervals, of some predictions together."""
    score = score_group(predictions, METRIC_NAMES)
    figures = [with_interval(score.scores[n], score.intervals[n]) for n in METRIC_NAMES]
    return [f"{score.num_utterances:,}", f"{score.num_speakers}", *figures]


def _gaps_in_words(runs: Sequence[ReportedRun]) -> list[str]:
    """The largest gap of UA between two groups of each column, a line a system."""
    lines = []
    for run in runs:
        for column in GROUPS:
            gap = largest_gap(groups_of(run.predictions, column), UNWEIGHTED)
            if gap:
                size = with_interval(gap.difference, gap.interval, points)
                few = "" if gap.interval else "; too few speakers for an interval"
                lines.append(
                    f"- {escape(run.title)}, largest gap by {column}: {escape(gap.high)} above "
                    f"{escape(gap.low)} by {size} points of UA{few}."
                )
    return lines


# --- Trained models ---

HEARD_IN_WORDS = {
    RECORDING: "**heard**: these recordings",
    VOICE: "**heard**: these voices",
    UNHEARD: "never heard",
    UNKNOWN: "not known",
}


def evaluation_table(runs: Sequence[ReportedRun]) -> list[str]:
    """A line for what each model has never heard, and others for what it has."""
    rows = []
    for run in runs:
        trained = " and ".join(run.identity["trained_on"])
        for kind, part in groups_of(run.predictions, HEARD).items():
            rows.append(
                [escape(run.title), escape(trained), HEARD_IN_WORDS[kind], *score_cells(part)]
            )
    return table(("model", "trained on", "heard before", *GROUP_HEADER[1:]), rows)


# --- Calibration ---

CALIBRATION_HEADER = (
    "system",
    "utterances",
    "not called unsure",
    "of these right",
    "calibration error at temperature 1",
    "calibrated",
)


def _calibration_table(runs: Sequence[ReportedRun]) -> list[str]:
    """A line for each system that calls answers unsure; none where there is no such."""
    rows = [row for run in runs if (row := _calibration_row(run))]
    return table(CALIBRATION_HEADER, rows) if rows else []


def _calibration_row(run: ReportedRun) -> list[str]:
    known = [(result.get("calibration") or {}).get("test") for result in run.results]
    found = [of_fold for of_fold in known if of_fold]
    if not found:
        return []
    utterances, answered = (sum(one[name] for one in found) for name in ("utterances", "answered"))
    right = sum(one["answered"] * (one["answered_accuracy"] or 0) for one in found)
    errors = [
        percent(float(np.mean([one[when]["expected_calibration_error"] for one in found])))
        for when in ("before", "after")
    ]
    shares = [percent(answered / utterances), percent(right / answered) if answered else NONE]
    return [escape(run.title), f"{utterances:,}", *shares, *errors]


# --- Told by some of their recordings ---

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
ADAPTED_HEADER = ("system", "recordings of the voice", "WA", "UA", "pooled WA", "pooled UA")
PROMISE_HEADER = (
    "system",
    "profile",
    "answered",
    "of these right",
    "at least",
    "folds that kept it",
)
NO_RECORDINGS = "none"


def add_adapted(report: Report, picture: str, runs: Sequence[ReportedRun]) -> None:
    """Scores by the number of recordings, their curve, and what `unsure` keeps, where known."""
    told = [run for run in runs if run.is_whole and "adapted" in run.summary]
    if told:
        report.add("### Adapted to each voice")
        report.add(ADAPTED)
        report.add(*table(ADAPTED_HEADER, [row for run in told for row in _adapted_rows(run)]))
        report.add_picture(f"{picture}-adapted", *_profile_picture(told))
    promised = [run for run in runs if run.strangers]
    if promised:
        report.add("### Unsure of strangers")
        report.add(PROMISE)
        rows = [row for run in promised for row in _promise_rows(run)]
        report.add(*table(PROMISE_HEADER, rows))


def _scores_by_number(run: ReportedRun) -> dict[str, Mapping[str, Any]]:
    """By number of recordings, that of none first."""
    summary = run.summary
    return {NO_RECORDINGS: summary, **summary["adapted"]}


def _adapted_rows(run: ReportedRun) -> list[list[str]]:
    rows = []
    for number, scores in _scores_by_number(run).items():
        matrices = _speaker_matrices(run, number)
        cells = [f"{percent(scores[name]['mean'])}" for name in SHORT]
        for name in SHORT:
            ends = bootstrap_interval(matrices, name)
            cells.append(with_interval(scores[name]["pooled"], ends))
        rows.append([escape(run.title), number, *cells])
    return rows


def _speaker_matrices(run: ReportedRun, number: str) -> np.ndarray:
    """The confusion matrix of each speaker (num_speakers, num_emotions, num_emotions)."""
    if number == NO_RECORDINGS:
        return speaker_confusions(run.predictions)[1]
    total: dict[str, np.ndarray] = {}
    for result in run.results:
        of_speakers = result["adapted"][number]["confusion_matrix_by_speaker"]
        for speaker, matrix in of_speakers.items():
            total[speaker] = total.get(speaker, 0) + np.array(matrix)
    return np.stack(list(total.values()))


def _profile_picture(runs: Sequence[ReportedRun]) -> tuple[str, Any]:
    curves = {
        run.title: {
            k: scores["unweighted_accuracy"]["pooled"]
            for k, scores in _scores_by_number(run).items()
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
