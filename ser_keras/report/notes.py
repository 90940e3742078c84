"""What stands out in the runs of a report, and what a reader has to know about them."""

from collections.abc import Sequence
from itertools import combinations

from ser_keras.report.comparisons import first_of_variant, meet, possible_pairs
from ser_keras.report.reading import may_differ
from ser_keras.report.reported_run import ReportedRun, flat_settings
from ser_keras.report.tables import chooses_an_epoch, escape, folds_in_words, percent
from ser_keras.scores.statistics import MIN_SPEAKERS, bootstrap_interval, speaker_confusions


def best_in_words(runs: Sequence[ReportedRun]) -> str:
    """Which whole run has the highest pooled UA, and how sure that is."""
    whole = [run for run in runs if run.is_whole and run.is_ranked]
    if not whole and any(run.is_whole for run in runs):
        return "Every whole run began with a model that has heard test recordings: none is ranked."
    if not whole:
        return "No run has finished all folds of this protocol: the figures are of a part of it."
    among = "" if len(whole) == len(runs) else " (of the runs with all folds)"
    best = max(whole, key=lambda run: run.summary["unweighted_accuracy"]["pooled"])
    ends = bootstrap_interval(speaker_confusions(best.predictions)[1], "unweighted_accuracy")
    score = percent(best.summary["unweighted_accuracy"]["pooled"])
    sure = f" (95 % interval {percent(ends[0])} to {percent(ends[1])})" if ends else ""
    return f"Highest pooled UA{among}: **{escape(best.title)}, {score} %**{sure}."


def notes(runs: Sequence[ReportedRun]) -> list[str]:
    """What a reader has to know about these runs: missing folds, emotions, speakers."""
    lines = []
    for first, second in possible_pairs(runs):
        if not meet(first, second):
            lines.append(
                f"- {escape(first.title)} and {escape(second.title)}: their finished folds tested "
                "no utterance in common, so they are not compared."
            )
    for run in runs:
        title = escape(run.title)
        if not run.is_whole:
            lines.append(
                f"- {title}: {_progress(run)}; its figures are of other "
                "utterances than those of a whole run. Only the paired tests compare like with "
                "like."
            )
        absent = run.summary["absent_emotions"]
        if absent:
            lines.append(
                f"- {title}: the test parts of folds {', '.join(absent)} lack an emotion; their UA "
                f"is over the others. {_pooled_emotions(run)}"
            )
    lines += [
        f"- {escape(run.title)}: began with the model {escape(run.identity['init']['model'])}, "
        "which has heard recordings or voices of the test parts, or does not know what it has "
        "heard: not ranked, and not compared."
        for run in runs
        if not run.is_ranked
    ]
    lines += _recordings_note(runs) + _settings_note(runs)
    few = [run for run in runs if len(speaker_confusions(run.predictions)[0]) < MIN_SPEAKERS]
    for run in few:
        lines.append(f"- {escape(run.title)}: fewer than {MIN_SPEAKERS} speakers, so no interval.")
    return lines


def _progress(run: ReportedRun) -> str:
    if not run.untested:
        return f"{folds_in_words(run)} folds are finished"
    numbers = [str(result["fold"]) for result in run.untested]
    folds = f"fold{'s' * (len(numbers) > 1)} {', '.join(numbers)}"
    return f"{folds_in_words(run)} folds are tested, {folds} trained only (`--no-test`)"


def _pooled_emotions(run: ReportedRun) -> str:
    rows = zip(run.identity["emotions"], run.summary["confusion_matrix"], strict=True)
    untested = [escape(emotion) for emotion, row in rows if not sum(row)]
    if not untested:
        return "The pooled figures have all."
    return f"No finished fold tests {', '.join(untested)}: the pooled figures lack it too."


def _recordings_note(runs: Sequence[ReportedRun]) -> list[str]:
    """Pairs of runs of which nobody can tell whether their recordings are the same."""
    return [
        f"- {escape(first.title)} and {escape(other.title)} are of two prepared folders, and one "
        "was trained by an older version, which did not note the recordings: compare the two only "
        "if you know that both folders hold the same recordings."
        for first, other in combinations(runs, 2)
        if may_differ(first, other)
    ]


def _settings_note(runs: Sequence[ReportedRun]) -> list[str]:
    """Settings in which networks of different systems differ: then not the system alone does."""
    networks = [run for run in first_of_variant(runs).values() if chooses_an_epoch(run)]
    settings = {run.title: flat_settings(run.identity) for run in networks}
    names = dict.fromkeys(name for own in settings.values() for name in own)
    lines = []
    for name in names:
        titles_of: dict[str, list[str]] = {}
        for title, own in settings.items():
            titles_of.setdefault(str(own.get(name, "none")), []).append(title)
        if len(titles_of) > 1:
            parts = (f"{escape(v)} ({escape(', '.join(t))})" for v, t in titles_of.items())
            lines.append(f"- Not trained alike: {name.split('.')[-1]} {'; '.join(parts)}.")
    return lines
