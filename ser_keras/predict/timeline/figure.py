"""The picture of a timeline. matplotlib is imported on demand: importing this module is cheap."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data_pipeline.audio.waveform import SAMPLE_RATE
from ser_keras.predict.timeline.judging import Segment, Timeline
from ser_keras.scores.lettering import drawable, lettering, name_in_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind people can tell apart; yellow is too light for lines.
COLOURS = ("#D55E00", "#E69F00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#000000")
LIGHT_COLOURS = ("#E69F00", "#CC79A7", "#56B4E9")  # black letters are read better on these
LINE_STYLES = ("-", "--", "-.", ":")
GREY = "#8C8C8C"
# The waveform is drawn as the lowest and highest sample of so many columns.
NUM_COLUMNS = 2000
# Inches: the least, the most, and for each second in between.
MIN_WIDTH, MAX_WIDTH, WIDTH_A_SECOND = 11.0, 40.0, 0.15
# The axes take about this share of the width, and a name so many inches a letter.
AXES_SHARE = 0.83
INCHES_A_LETTER = 0.11
MAX_LETTERS = 80  # of a file's name above the picture


def timeline_figure(
    timeline: Timeline, waveform: np.ndarray, emotions: Sequence[str], unsure_below: float
) -> "Figure":
    """Draw the waveform, the segments under it, and the probabilities of the windows.

    Args:
        timeline: from `judge_recording`.
        waveform: the recording, (num_samples,), 16 kHz.
        emotions: names, in the order of the model: their colours.
        unsure_below: the confidence under which an answer is called unsure.

    Returns:
        A figure on the Agg canvas, which needs no display. It belongs to no
        pyplot state, so there is nothing to close.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width = float(np.clip(WIDTH_A_SECOND * timeline.duration_seconds, MIN_WIDTH, MAX_WIDTH))
    figure = Figure(figsize=(width, 5.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    with lettering([*emotions, Path(timeline.file).name]):
        wave, strip, lines = figure.subplots(3, sharex=True, height_ratios=[3, 1, 4])
        colours = dict(zip(emotions, cycle(COLOURS), strict=False))
        _draw_waveform(wave, waveform)
        letters_a_second = AXES_SHARE * width / timeline.duration_seconds / INCHES_A_LETTER
        _draw_segments(strip, timeline, colours, letters_a_second)
        _draw_probabilities(lines, timeline, colours, unsure_below)
        _explain(lines, strip, emotions)
        wave.set_title(_title(timeline), loc="left", fontsize=10)
    lines.set(xlim=(0, timeline.duration_seconds), xlabel="seconds")
    return figure


def _title(timeline: Timeline) -> str:
    name = _shortened(drawable(Path(timeline.file).name))
    window, hop = timeline.window_seconds, timeline.hop_seconds
    head = f"{name}: windows of {window:g} s every {hop:g} s"
    return "\n".join([head, *(f"warning: {warning}" for warning in timeline.warnings)])


def _shortened(name: str) -> str:
    """A name that leaves room for the picture."""
    return name if len(name) <= MAX_LETTERS else f"{name[: MAX_LETTERS - 3]}..."


def _draw_waveform(axes: "Axes", waveform: np.ndarray) -> None:
    columns = np.array_split(waveform, min(NUM_COLUMNS, len(waveform)))
    edges = np.cumsum([0, *map(len, columns)]) / SAMPLE_RATE
    low, high = ([one(column) for column in columns] for one in (np.min, np.max))
    axes.fill_between(edges[:-1], low, high, step="post", color=GREY, linewidth=0)
    peak = float(np.abs(waveform).max())
    axes.set(ylim=(-1.05 * peak, 1.05 * peak), ylabel="waveform")
    axes.grid(axis="x", alpha=0.3)


def _draw_segments(
    axes: "Axes", timeline: Timeline, colours: Mapping[str, str], letters_a_second: float
) -> None:
    for segment in timeline.segments:
        length = segment.end_seconds - segment.start_seconds
        axes.barh(0, length, left=segment.start_seconds, height=1, **_box(segment, colours))
        name = _name(segment)
        if length * letters_a_second > len(name):
            centre = segment.start_seconds + length / 2
            axes.text(centre, 0, name, ha="center", va="center", **_letters(segment, colours))
    axes.set(ylim=(-0.5, 0.5), yticks=[], ylabel="emotion")


def _name(segment: Segment) -> str:
    if segment.error:
        return "–"
    emotion = drawable(segment.emotion)
    return f"{emotion}?" if segment.unsure else emotion


def _letters(segment: Segment, colours: Mapping[str, str]) -> dict[str, Any]:
    if segment.error or segment.unsure:
        return {"color": "black", "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1.5}}
    is_light = colours[segment.emotion] in LIGHT_COLOURS
    return {"color": "black" if is_light else "white", "weight": "bold"}


def _box(segment: Segment, colours: Mapping[str, str]) -> dict[str, Any]:
    """Full colour for an answer, hatched for a guess, white for none."""
    if segment.error:
        return {"facecolor": "white", "edgecolor": GREY}
    colour = colours[segment.emotion]
    if segment.unsure:
        return {"facecolor": "white", "edgecolor": colour, "hatch": "////"}
    return {"facecolor": colour, "edgecolor": "white"}


def _draw_probabilities(
    axes: "Axes", timeline: Timeline, colours: Mapping[str, str], unsure_below: float
) -> None:
    centres = [(one.start_seconds + one.end_seconds) / 2 for one in timeline.windows]
    for (emotion, colour), style in zip(colours.items(), cycle(LINE_STYLES), strict=False):
        # NaN breaks the line where there is no speech.
        values = [one.probabilities.get(emotion, np.nan) for one in timeline.windows]
        axes.plot(centres, values, style, color=colour, marker="o", markersize=3, label=emotion)
    for segment in timeline.segments:
        if segment.unsure:
            axes.axvspan(segment.start_seconds, segment.end_seconds, color="black", alpha=0.07)
    axes.axhline(unsure_below, color=GREY, linewidth=1, linestyle=(0, (1, 2)))
    axes.text(0, unsure_below, f" unsure below {unsure_below:.2f}", va="bottom", fontsize=8)
    axes.set(ylim=(0, 1.02), ylabel="probability")
    axes.grid(axis="x", alpha=0.3)


def _explain(lines: "Axes", strip: "Axes", emotions: Sequence[str]) -> None:
    """The legends, on the right."""
    from matplotlib.patches import Patch

    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "frameon": False}
    drawn = lines.lines[: len(emotions)]
    # Names that begin with an underscore are left out of a legend, so they are written later.
    legend = lines.legend(drawn, [str(number) for number in range(len(drawn))], **place)
    name_in_legend(legend, map(drawable, emotions))
    guess = Patch(facecolor="white", edgecolor=GREY, hatch="////", label="unsure")
    nothing = Patch(facecolor="white", edgecolor=GREY, label="no answer")
    strip.legend(handles=[guess, nothing], **place)
