"""Pictures of results. matplotlib is imported on demand: importing this module stays cheap."""

from collections.abc import Sequence

import numpy as np


def confusion_matrix_figure(matrix, emotions: Sequence[str], title: str):
    """Draws a confusion matrix: colour is the share of the true emotion, text share and count.

    Args:
        matrix: counts (num_emotions, num_emotions), rows true, columns predicted. The row of an
            emotion that does not occur has no shares: it stays white, with a dash in each cell.
        emotions: names of rows and columns.
        title: line above the picture.

    Returns:
        matplotlib.figure.Figure on the Agg canvas, which needs no display. It belongs to no
        pyplot state, so there is nothing to close.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    matrix = np.asarray(matrix)
    occurrences = matrix.sum(axis=1, keepdims=True)
    shares = np.full(matrix.shape, np.nan)
    np.divide(matrix, occurrences, out=shares, where=occurrences > 0)
    figure = Figure(figsize=(1.8 + 0.9 * len(emotions), 1.4 + 0.9 * len(emotions)), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    figure.colorbar(image, ax=axes, label="share of the true emotion", fraction=0.046)
    _name_axes(axes, emotions, title)
    _write_cells(axes, matrix, shares)
    figure.tight_layout()
    return figure


def _name_axes(axes, emotions: Sequence[str], title: str) -> None:
    ticks = range(len(emotions))
    axes.set_xticks(ticks, emotions, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(ticks, emotions)
    axes.set(xlabel="predicted emotion", ylabel="true emotion", title=title)


def _write_cells(axes, matrix: np.ndarray, shares: np.ndarray) -> None:
    for (row, column), count in np.ndenumerate(matrix):
        share = shares[row, column]
        colour = "white" if share > 0.5 else "black"
        text = "–" if np.isnan(share) else f"{share:.0%}\n{count}"
        axes.text(column, row, text, ha="center", va="center", color=colour)


def figure_pixels(figure) -> np.ndarray:
    """The pixels of an Agg figure: (height, width, 4) uint8, red green blue alpha."""
    figure.canvas.draw()
    return np.array(figure.canvas.buffer_rgba())
