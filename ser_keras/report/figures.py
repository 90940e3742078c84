"""The pictures of a report, as matplotlib figures that need no display.

Colours are those of Okabe and Ito, which readers with any colour vision tell apart; what matters
differs in shape or line style too, so that a black-and-white print can be read.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_keras.scores.lettering import drawable, families_for
from ser_keras.scores.matrix_figure import draw_confusion_matrix, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# An accuracy, and its interval where there are speakers enough.
WithInterval = tuple[float, tuple[float, float] | None]
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#888888"
# Up to here the speakers are named on the axis.
MOST_NAMES = 30


def _panels(
    number: int, width: float, height: float, columns: int = 4
) -> tuple[Figure, np.ndarray]:
    """A figure and `number` axes in a grid; sizes in inches of one panel."""
    columns = min(columns, number)
    rows = -(-number // columns)
    figure = new_figure(width * columns, height * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for spare in axes[number:]:
        spare.set_visible(False)
    return figure, axes[:number]


def _wrapped(title: str) -> str:
    return textwrap.fill(drawable(title), 28)


def _letters(texts: Iterable[str]) -> dict[str, Any]:
    """What text of a corpus or a run is drawn with: any alphabet, and no formulas."""
    return {"parse_math": False, "fontfamily": families_for(texts)}


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def confusion_figure(matrices: Mapping[str, np.ndarray], emotions: Sequence[str]) -> Figure:
    """A confusion matrix for each title; rows true, columns predicted."""
    figure, panels = _panels(len(matrices), 3.0, 3.1)
    for axes, (title, matrix) in zip(panels, matrices.items(), strict=True):
        draw_confusion_matrix(axes, matrix, emotions, _wrapped(title))
        axes.title.set_fontsize(10)
    return figure


def interval_figure(
    rows: Sequence[tuple[str, Mapping[str, WithInterval]]], floor: Mapping[str, float]
) -> Figure:
    """Pooled WA and UA of each system with its interval.

    Args:
        rows: (title, {"WA": (value, interval or None), "UA": ...}), from top to bottom; in [0, 1].
        floor: {"WA": value, "UA": value} of always guessing the most frequent emotion; may be
            empty.
    """
    figure = new_figure(10.0, 1.1 + 0.38 * len(rows))
    axes = figure.add_subplot()
    styles = {"WA": (BLUE, "o", -0.13), "UA": (ORANGE, "s", 0.13)}
    for name, (colour, marker, shift) in styles.items():
        for position, (_, scores) in enumerate(rows):
            value, ends = scores[name]
            y = position + shift
            if ends:
                axes.plot([100 * end for end in ends], [y, y], color=colour, linewidth=2)
            label = name if position == 0 else None
            axes.plot(100 * value, y, marker, color=colour, label=label, linestyle="none")
        if name in floor:
            label = f"most frequent emotion, {name}"
            axes.axvline(100 * floor[name], label=label, color=colour, linestyle=":", linewidth=1)
    titles = [title for title, _ in rows]
    axes.set_yticks(range(len(rows)), list(map(_wrapped, titles)), **_letters(titles))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(right=100)
    axes.set_xlabel("percent of all test utterances; bars: 95 % interval over speakers")
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    _tidy(axes)
    figure.legend(fontsize=8, loc="outside upper center", ncols=4, frameon=False)
    return figure


def learning_curve_figure(
    runs: Mapping[str, Sequence[tuple[Mapping[str, np.ndarray], int]]],
) -> Figure:
    """UA by epoch: training beside validation, thin for each fold, thick for their mean.

    Args:
        runs: title -> one (columns of history.csv, chosen epoch) a fold.
    """
    figure, panels = _panels(len(runs), 3.6, 2.7, columns=3)
    for axes, (title, folds) in zip(panels, runs.items(), strict=True):
        _draw_curves(axes, [history for history, _ in folds])
        for history, chosen in folds:
            at = np.flatnonzero(history["epoch"] == chosen)
            height = 100 * history["val_unweighted_accuracy"][at]
            axes.plot(history["epoch"][at], height, "o", color=ORANGE, markersize=4.5)
        axes.set_title(_wrapped(title), fontsize=10, **_letters([title]))
        axes.set_ylim(0, 102)
        axes.grid(color="#eeeeee", linewidth=0.6)
        _tidy(axes)
    _curve_legend(figure, panels[0])
    figure.supxlabel("epoch", fontsize=9)
    figure.supylabel("UA, percent", fontsize=9)
    return figure


_CURVES = {"unweighted_accuracy": (GREY, "--"), "val_unweighted_accuracy": (BLUE, "-")}


def _draw_curves(axes: Axes, histories: Sequence[Mapping[str, np.ndarray]]) -> None:
    for column, (colour, style) in _CURVES.items():
        for history in histories:
            values = 100 * history[column]
            axes.plot(history["epoch"], values, style, color=colour, linewidth=0.6, alpha=0.5)
        shortest = min(len(history["epoch"]) for history in histories)
        mean = np.mean([history[column][:shortest] for history in histories], axis=0)
        axes.plot(histories[0]["epoch"][:shortest], 100 * mean, style, color=colour, linewidth=2)


def _curve_legend(figure: Figure, axes: Axes) -> None:
    lines = [axes.plot([], [], s, color=c, linewidth=2)[0] for c, s in _CURVES.values()]
    lines += axes.plot([], [], "o", color=ORANGE, markersize=4.5)
    names = ("training (mean of folds)", "validation (mean of folds)", "chosen epoch of a fold")
    columns = 3 if figure.get_figwidth() > 6 else 1
    figure.legend(
        lines, names, ncols=columns, loc="outside upper center", fontsize=8, frameon=False
    )


def speaker_figure(runs: Mapping[str, Mapping[str, float]]) -> Figure:
    """WA of each speaker, one panel a system; the line is the mean of the speakers.

    Args:
        runs: title -> {speaker: WA in [0, 1]}.
    """
    speakers = sorted({speaker for scores in runs.values() for speaker in scores})
    figure, panels = _panels(len(runs), max(3.2, min(12, 0.16 * len(speakers))), 2.2, columns=3)
    for axes, (title, scores) in zip(panels, runs.items(), strict=True):
        at = [number for number, speaker in enumerate(speakers) if speaker in scores]
        heights = [100 * scores[speakers[number]] for number in at]
        axes.bar(at, heights, color=GREEN, width=0.75)
        axes.axhline(float(np.mean(heights)), color="black", linewidth=0.8, linestyle="--")
        if len(speakers) <= MOST_NAMES:
            rotation = 90 if len(max(speakers, key=len)) > 3 else 0
            names = [
                name if len(name) <= 12 else f"{name[:11]}…" for name in map(drawable, speakers)
            ]
            axes.set_xticks(range(len(speakers)), names, rotation=rotation, **_letters(speakers))
        else:
            axes.set_xticks([])
        axes.set_title(_wrapped(title), fontsize=10, **_letters([title]))
        axes.set_ylim(0, 100)
        _tidy(axes)
    figure.supxlabel("speaker", fontsize=9)
    figure.supylabel("WA, percent", fontsize=9)
    return figure


def transfer_figure(
    panels: Mapping[str, tuple[Sequence[str], Sequence[str], Sequence[Sequence[float | None]]]],
) -> Figure:
    """What is scored on corpora by what was trained on others, one panel a system.

    Args:
        panels: title -> names of the rows (trained on), of the columns (tested on), and UA in
            [0, 1] by row and column; None where it is not known.
    """
    widest = max(len(columns) for _, columns, _ in panels.values())
    highest = max(len(rows) for rows, _, _ in panels.values())
    figure, axes_of = _panels(len(panels), 2.0 + 0.8 * widest, 1.4 + 0.5 * highest, columns=2)
    for axes, (title, (rows, columns, values)) in zip(axes_of, panels.items(), strict=True):
        shares = np.array([[np.nan if v is None else v for v in row] for row in values])
        axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
        for (row, column), share in np.ndenumerate(shares):
            text = "" if np.isnan(share) else f"{100 * share:.1f}"
            colour = "white" if share > 0.5 else "black"
            axes.text(column, row, text, ha="center", va="center", color=colour)
        names = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
        axes.set_xticks(range(len(columns)), map(drawable, columns), **names, **_letters(columns))
        axes.set_yticks(range(len(rows)), map(drawable, rows), **_letters(rows))
        axes.set_title(_wrapped(title), fontsize=10, **_letters([title]))
        axes.tick_params(labelsize=8)
    figure.supxlabel("tested on", fontsize=9)
    figure.supylabel("trained on", fontsize=9)
    return figure


def profile_figure(runs: Mapping[str, Mapping[str, float]]) -> Figure:
    """Pooled UA by how many recordings of the tested voice are known, a line a system.

    Args:
        runs: title -> {number of recordings, as text: UA in [0, 1]}.
    """
    figure = new_figure(7.0, 3.4)
    axes = figure.add_subplot()
    numbers = list(next(iter(runs.values())))
    styles = [(BLUE, "o", "-"), (ORANGE, "s", "--"), (GREEN, "^", ":"), (GREY, "D", "-.")]
    for number, (title, curve) in enumerate(runs.items()):
        colour, marker, line = styles[number % len(styles)]
        heights = [100 * curve[name] for name in numbers]
        axes.plot(heights, marker=marker, linestyle=line, color=colour, label=drawable(title))
    axes.set_xticks(range(len(numbers)), numbers)
    axes.set_xlabel("recordings of the tested voice, without labels")
    axes.set_ylabel("pooled UA, percent")
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    _tidy(axes)
    legend = figure.legend(fontsize=8, loc="outside upper center", ncols=2, frameon=False)
    for text in legend.get_texts():
        text.set(**_letters(list(runs)))
    return figure
