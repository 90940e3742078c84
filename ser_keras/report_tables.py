"""The tables of a report about single systems, as lines of Markdown."""

from collections.abc import Iterable, Sequence

import numpy as np

from ser_keras.paper_table import PAPER_CORPUS, TABLE_1, TITLES
from ser_keras.report_runs import Run, flat_settings
from ser_keras.statistics import accuracies, bootstrap_interval, speaker_confusions

SHORT = {"weighted_accuracy": "WA", "unweighted_accuracy": "UA"}
NONE = "–"
# Names come from folders and corpora; these characters would be read as Markdown or HTML.
_ESCAPES = str.maketrans({character: f"&#{ord(character)};" for character in "<>&|*`[]\\"})


def escape(text: str) -> str:
    """Text that stays itself in Markdown and HTML."""
    return str(text).translate(_ESCAPES)


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


def interval(ends: tuple[float, float] | None, form=percent) -> str:
    """[low, high], or a dash where there are too few speakers."""
    return NONE if ends is None else f"[{form(ends[0])}, {form(ends[1])}]"


# --- The main table ---

MAIN_HEADER = (
    "system",
    "protocol",
    "folds",
    "WA",
    "UA",
    "pooled WA [95 %]",
    "pooled UA [95 %]",
    "best on test WA (gap)",
    "best on test UA (gap)",
    f"paper WA, UA ({PAPER_CORPUS})",
    "parameters",
    "s / epoch",
)


def main_table(runs: Sequence[Run], floors: Sequence[Run]) -> list[str]:
    """One line a system; the floors, in italics, below."""
    rows = [_main_row(run) for run in runs]
    rows += [[f"*{cell}*" if cell != NONE else cell for cell in _main_row(run)] for run in floors]
    return table(MAIN_HEADER, rows)


def _main_row(run: Run) -> list[str]:
    summary, confusions = run.summary, speaker_confusions(run.predictions)[1]
    return [
        escape(run.title),
        run.protocol,
        folds_in_words(run),
        *(_mean(summary[name]) for name in SHORT),
        *(
            f"{percent(summary[name]['pooled'])} {interval(bootstrap_interval(confusions, name))}"
            for name in SHORT
        ),
        *(_optimistic(run, summary, name) for name in SHORT),
        paper_figures(run.variant),
        _parameters(run),
        _seconds(run),
    ]


def folds_in_words(run: Run) -> str:
    """ "5", or "2 of 10" where folds are missing."""
    finished = len(run.results)
    return f"{finished}" if run.is_whole else f"{finished} of {run.num_folds or '?'}"


def _mean(score) -> str:
    deviation = score["sample_standard_deviation"]
    return percent(score["mean"]) + ("" if deviation is None else f" ± {percent(deviation)}")


def chooses_an_epoch(run: Run) -> bool:
    """Whether there is an epoch to choose, honestly or not; an SVM and a floor have none."""
    return run.results[0].get("best_epoch") is not None


def _optimistic(run: Run, summary, name: str) -> str:
    if not chooses_an_epoch(run):
        return NONE
    claimed, honest = summary["optimistic"][name]["mean"], summary[name]["mean"]
    return f"{percent(claimed)} ({points(claimed - honest)})"


def paper_figures(variant: str) -> str:
    """ "72.7 ± 0.7, 73.3 ± 0.8" for a system of Table 1."""
    if variant not in TABLE_1:
        return NONE
    row = TABLE_1[variant]
    return (
        f"{row.weighted_accuracy} ± {row.weighted_accuracy_deviation}, "
        f"{row.unweighted_accuracy} ± {row.unweighted_accuracy_deviation}"
    )


def _parameters(run: Run) -> str:
    counts = sorted({result.get("parameters") for result in run.results} - {None})
    return f"{counts[-1]:,}" if counts else NONE


def _seconds(run: Run) -> str:
    seconds = [result.get("seconds_per_epoch") for result in run.results]
    known = [value for value in seconds if value is not None]
    return f"{np.median(known):.1f}" if known else NONE


# --- Over seeds ---


def seed_table(runs: Sequence[Run]) -> list[str]:
    """Systems that were trained with several seeds: mean and deviation of the pooled figures."""
    rows = []
    for group in _groups_by_seed(runs):
        values = [[run.summary[name]["pooled"] for run in group] for name in SHORT]
        spread = [f"{percent(np.mean(v))} ± {percent(np.std(v, ddof=1))}" for v in values]
        seeds = ", ".join(str(run.results[0]["seed"]) for run in group)
        rows.append([escape(TITLES.get(group[0].variant, group[0].variant)), seeds, *spread])
    return table(("system", "seeds", "pooled WA", "pooled UA"), rows) if rows else []


def _groups_by_seed(runs: Sequence[Run]) -> list[list[Run]]:
    groups: dict[str, list[Run]] = {}
    for run in runs:
        settings = flat_settings(run.results[0])
        settings.pop("seed", None)
        groups.setdefault(f"{run.variant} {sorted(settings.items())}", []).append(run)
    whole = ([run for run in group if run.is_whole] for group in groups.values())
    return [group for group in whole if len({r.results[0]["seed"] for r in group}) > 1]


# --- Speakers ---


def speaker_table(runs: Sequence[Run]) -> list[str]:
    """A line a speaker: utterances, and WA of each system; the mean and the weakest below."""
    of_run = [dict(zip(*speaker_confusions(run.predictions), strict=True)) for run in runs]
    names = sorted({name for matrices in of_run for name in matrices})
    rows = []
    for name in names:
        count = max(int(matrices[name].sum()) for matrices in of_run if name in matrices)
        cells = [
            percent(accuracies(matrices[name], "weighted_accuracy")) if name in matrices else NONE
            for matrices in of_run
        ]
        rows.append([escape(name), str(count), *cells])
    return table(("speaker", "utterances", *(escape(run.title) for run in runs)), rows)
