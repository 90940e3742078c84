"""Pictures of results. matplotlib is imported on demand: importing this module stays cheap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike

from ser_keras.scores.lettering import drawable, families_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage


def confusion_matrix_figure(matrix: ArrayLike, emotions: Sequence[str], title: str) -> Figure:
    """Draw a confusion matrix: colour is the share of the true emotion, text share and count.

    Args:
        matrix: counts (num_emotions, num_emotions), rows true, columns predicted. The row of an
            emotion that does not occur has no shares: it stays white, with a dash in each cell.
        emotions: names of rows and columns.
        title: line above the picture.

    Returns:
        A figure on the Agg canvas, which needs no display. It belongs to no
        pyplot state, so there is nothing to close.
    """
    figure = new_figure(1.8 + 0.9 * len(emotions), 1.4 + 0.9 * len(emotions))
    axes = figure.add_subplot()
    image = draw_confusion_matrix(axes, matrix, emotions, title)
    figure.colorbar(image, ax=axes, label="share of the true emotion", fraction=0.046)
    axes.set(xlabel="predicted emotion", ylabel="true emotion")
    return figure


def new_figure(width: float, height: float) -> Figure:
    """An empty matplotlib figure of a size in inches, on the Agg canvas."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def draw_confusion_matrix(
    axes: Axes, matrix: ArrayLike, emotions: Sequence[str], title: str
) -> AxesImage:
    """Draw it as `confusion_matrix_figure` says, without colour bar; returns the image."""
    counts = np.asarray(matrix)
    occurrences = counts.sum(axis=1, keepdims=True)
    shares = np.full(counts.shape, np.nan)
    np.divide(counts, occurrences, out=shares, where=occurrences > 0)
    image = axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    ticks = range(len(emotions))
    # Names are the corpus's: of any alphabet, and a dollar sign in one is no formula.
    names = [drawable(emotion) for emotion in emotions]
    style: dict[str, Any] = {"parse_math": False, "fontfamily": families_for([*emotions, title])}
    axes.set_xticks(ticks, names, rotation=30, ha="right", rotation_mode="anchor", **style)
    axes.set_yticks(ticks, names, **style)
    axes.set_title("\n".join(map(drawable, title.split("\n"))), **style)
    _write_cells(axes, counts, shares)
    return image


def _write_cells(axes: Axes, matrix: np.ndarray, shares: np.ndarray) -> None:
    for (row, column), count in np.ndenumerate(matrix):
        share = shares[row, column]
        colour = "white" if share > 0.5 else "black"
        text = "–" if np.isnan(share) else f"{share:.0%}\n{count}"
        axes.text(column, row, text, ha="center", va="center", color=colour)


def figure_pixels(figure: Figure) -> np.ndarray:
    """The pixels of an Agg figure: (height, width, 4) uint8, red green blue alpha."""
    canvas = cast("FigureCanvasAgg", figure.canvas)
    canvas.draw()
    return np.array(canvas.buffer_rgba())
