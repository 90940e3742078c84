"""The tables of a report about single systems, as lines of Markdown."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ser_keras.report.paper_table import TABLE_1
from ser_keras.report.reported_run import ReportedRun, differ_by_seed_alone
from ser_keras.scores.accuracies import SHORT, WEIGHTED, accuracies
from ser_keras.scores.statistics import bootstrap_interval, speaker_confusions

NONE = "–"
# Names come from folders and corpora; these characters would be read as Markdown or HTML.
_ESCAPES = str.maketrans({character: f"&#{ord(character)};" for character in "<>&|*`[]\\"})
# Within a word an underscore is text in Markdown, too.
_EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")


def escape(text: str) -> str:
    """Text that stays itself in Markdown and HTML."""
    return _EDGE_UNDERSCORE.sub("&#95;", str(text).translate(_ESCAPES))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table: the first column to the left, the others to the right."""
    lines = [header, [":--", *["--:"] * (len(header) - 1)], *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def percent(value: float) -> str:
    """0.912 -> 91.2; tables say once that figures are in percent."""
    return f"{100 * value:.1f}"


def points(value: float) -> str:
    """A difference in percentage points, with its sign."""
    return f"{100 * value:+.1f}".replace("-", "−")


def with_interval(
    value: float, ends: tuple[float, float] | None, form: Callable[[float], str] = percent
) -> str:
    """A value as "90.3 [86.4, 93.2]"; alone where there are too few speakers for an interval."""
    return form(value) if ends is None else f"{form(value)} [{form(ends[0])}, {form(ends[1])}]"


# --- What the systems score ---

SCORE_HEADER = (
    "system",
    "protocol",
    "folds",
    "WA",
    "UA",
    "pooled WA [95\N{NO-BREAK SPACE}%]",
    "pooled UA [95\N{NO-BREAK SPACE}%]",
    "paper WA",
    "paper UA",
)


def score_table(runs: Sequence[ReportedRun], floors: Sequence[ReportedRun]) -> list[str]:
    """One line a system, the paper's figure beside ours; the floors, in italics, below."""
    rows = [_score_row(run) for run in runs]
    rows += [[cell if cell == NONE else f"*{cell}*" for cell in _score_row(run)] for run in floors]
    return table(SCORE_HEADER, rows)


def _score_row(run: ReportedRun) -> list[str]:
    summary, confusions = run.summary, speaker_confusions(run.predictions)[1]
    pooled = (
        with_interval(summary[name]["pooled"], bootstrap_interval(confusions, name))
        for name in SHORT
    )
    means = (_mean(summary[name]) for name in SHORT)
    paper = paper_figures(run.variant)
    return [escape(run.title), run.protocol, folds_in_words(run), *means, *pooled, *paper]


UNTESTED_HEADER = ("system", "folds", "validation WA", "validation UA")


def untested_table(runs: Sequence[ReportedRun]) -> list[str]:
    """One line a system that was not tested: both accuracies of the validation parts."""
    rows = []
    for run in runs:
        validation = run.validation_summary["validation"]
        means = (_mean(validation[name]) for name in SHORT)
        rows.append([escape(run.title), folds_in_words(run), *means])
    return table(UNTESTED_HEADER, rows)


def folds_in_words(run: ReportedRun) -> str:
    """The number of folds: "5", or "2 of 10" where some are missing."""
    finished = len(run.results or run.untested)
    return f"{finished}" if finished == run.num_folds else f"{finished} of {run.num_folds or '?'}"


def _mean(score: Mapping[str, Any]) -> str:
    deviation = score["sample_standard_deviation"]
    return percent(score["mean"]) + ("" if deviation is None else f" ± {percent(deviation)}")


def paper_figures(variant: str) -> tuple[str, str]:
    """WA and UA as Table 1 prints them: "72.7 ± 0.7"."""
    if variant not in TABLE_1:
        return NONE, NONE
    row = TABLE_1[variant]
    return (
        f"{row.weighted_accuracy} ± {row.weighted_accuracy_deviation}",
        f"{row.unweighted_accuracy} ± {row.unweighted_accuracy_deviation}",
    )


# --- What they would have claimed, and what they cost ---

CLAIM_HEADER = (
    "system",
    "protocol",
    "WA",
    "best on test",
    "gap",
    "UA",
    "best on test",
    "gap",
    "epochs",
    "s / epoch (cores)",
    "parameters",
)


def optimism_table(runs: Sequence[ReportedRun]) -> list[str]:
    """One line a system: honest figure, best epoch on the test part, the gap; size and time."""
    rows = []
    for run in runs:
        cells = [cell for name in SHORT for cell in _optimism(run, name)]
        cost = (_epochs(run), _seconds(run), _parameters(run))
        rows.append([escape(run.title), run.protocol, *cells, *cost])
    return table(CLAIM_HEADER, rows)


def _optimism(run: ReportedRun, name: str) -> tuple[str, str, str]:
    honest, optimistic = percent(run.summary[name]["mean"]), run.summary["optimistic"]
    if optimistic is None or not chooses_an_epoch(run):
        return honest, NONE, NONE
    return honest, percent(optimistic[name]["mean"]), points(optimistic["gap"][name]["mean"])


def chooses_an_epoch(run: ReportedRun) -> bool:
    """Whether there is an epoch to choose, honestly or not; an SVM has none."""
    return run.identity.get("best_epoch") is not None


def _epochs(run: ReportedRun) -> str:
    """Chosen epochs over the folds and the last one: "7–19 of 32"."""
    if not chooses_an_epoch(run):
        return NONE
    chosen = number_range([result["best_epoch"] for result in run.results])
    return f"{chosen} of {number_range([result['last_epoch'] for result in run.results])}"


def number_range(values: Sequence[int]) -> str:
    """Lowest and highest: "7–19", or "7" where all are equal."""
    low, high = min(values), max(values)
    return f"{low}" if low == high else f"{low}–{high}"


def _parameters(run: ReportedRun) -> str:
    counts = [result.get("parameters") for result in run.results]
    known = [count for count in counts if count is not None]
    return f"{max(known):,}" if known else NONE


def _seconds(run: ReportedRun) -> str:
    """Median over the folds and the cores it took: a time says little without them."""
    seconds = [result.get("seconds_per_epoch") for result in run.results]
    known = [value for value in seconds if value is not None]
    cores = sorted({result["cores"] for result in run.results if "cores" in result})
    if not known:
        return NONE
    return f"{np.median(known):.1f}" + (f" ({number_range(cores)})" if cores else "")


# --- Over seeds ---


def seed_table(runs: Sequence[ReportedRun]) -> list[str]:
    """Systems that were trained with several seeds: mean and deviation of the pooled figures."""
    rows = []
    for group in _groups_by_seed(runs):
        values = [[run.summary[name]["pooled"] for run in group] for name in SHORT]
        spread = [f"{percent(np.mean(v))} ± {percent(np.std(v, ddof=1))}" for v in values]
        seeds = ", ".join(str(run.identity["seed"]) for run in group)
        rows.append([escape(group[0].title), seeds, *spread])
    header = ("mean ± deviation over seeds", "seeds", "pooled WA", "pooled UA")
    return table(header, rows) if rows else []


def _groups_by_seed(runs: Sequence[ReportedRun]) -> list[list[ReportedRun]]:
    groups: list[list[ReportedRun]] = []
    for run in (run for run in runs if run.is_whole):
        group = next((g for g in groups if differ_by_seed_alone(g[0], run)), None)
        if group is None:
            groups.append([run])
        elif run.identity["seed"] not in {other.identity["seed"] for other in group}:
            group.append(run)  # a seed counts once, however often it was trained
    return [group for group in groups if len(group) > 1]


# --- Speakers ---


def speaker_table(runs: Sequence[ReportedRun]) -> list[str]:
    """A line a speaker: utterances, and WA of each system in percent."""
    of_run = [dict(zip(*speaker_confusions(run.predictions), strict=True)) for run in runs]
    names = sorted({name for matrices in of_run for name in matrices})
    rows = []
    for name in names:
        count = max(int(matrices[name].sum()) for matrices in of_run if name in matrices)
        cells = [
            percent(float(accuracies(matrices[name], WEIGHTED))) if name in matrices else NONE
            for matrices in of_run
        ]
        rows.append([escape(name), str(count), *cells])
    return table(("speaker", "utterances", *(escape(run.title) for run in runs)), rows)
