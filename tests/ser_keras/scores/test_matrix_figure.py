"""The confusion-matrix picture: what is written in it, and that it needs no display."""

import numpy as np
import pytest

from ser_keras.scores.matrix_figure import confusion_matrix_figure, figure_pixels

EMOTIONS = ("angry", "happy", "sad")
COUNTS = np.array([[6, 2, 0], [0, 0, 0], [1, 0, 3]])


@pytest.fixture(scope="module")
def axes():
    return confusion_matrix_figure(COUNTS, EMOTIONS, "Validation, epoch 7").axes[0]


def test_colours_are_shares_of_the_true_emotion(axes):
    shares = np.ma.filled(axes.images[0].get_array(), np.nan)
    np.testing.assert_allclose(shares, [[0.75, 0.25, 0], [np.nan] * 3, [0.25, 0, 0.75]])
    assert axes.images[0].get_clim() == (0.0, 1.0)


def test_cells_hold_share_and_count_at_their_place(axes):
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    assert texts[(0, 0)] == "75%\n6"
    assert texts[(1, 0)] == "25%\n2"  # true angry (row 0), predicted happy (column 1)
    assert texts[(0, 2)] == "25%\n1"
    assert [texts[(column, 1)] for column in range(3)] == ["–"] * 3  # no happy utterance
    assert len(texts) == 9


def test_axes_are_named(axes):
    assert [label.get_text() for label in axes.get_xticklabels()] == list(EMOTIONS)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(EMOTIONS)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted emotion", "true emotion")
    assert axes.get_title() == "Validation, epoch 7"


def test_pixels_show_the_dark_diagonal():
    pixels = figure_pixels(confusion_matrix_figure(np.diag([9, 9, 9]), EMOTIONS, ""))
    height, width, channels = pixels.shape
    assert (pixels.dtype, channels) == (np.uint8, 4)
    assert height > 200 and width > 200
    dark_blue = (pixels[..., 2] > pixels[..., 0] + 60) & (pixels[..., 0] < 60)
    assert dark_blue.mean() > 0.05
