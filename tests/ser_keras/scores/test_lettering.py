"""Names of all alphabets in pictures: a font that has the letters, or their escapes."""

import pytest
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, fontManager
from matplotlib.ft2font import FT2Font

from ser_keras.report.figures import interval_figure, speaker_figure
from ser_keras.scores.lettering import drawable, families_for, lettering
from ser_keras.scores.matrix_figure import confusion_matrix_figure


def letters_of(family):
    return set(map(chr, FT2Font(findfont(family)).get_charmap()))


@pytest.fixture(scope="module")
def in_another_font():
    """A letter that matplotlib's own font lacks and a font that comes with matplotlib has."""
    return min(letters_of("STIXGeneral") - letters_of("DejaVu Sans"))


@pytest.fixture(scope="module")
def in_no_font():
    """A letter that no font of this machine has, but the one that has boxes for all."""
    fonts = [font for font in fontManager.ttflist if not font.name.startswith("Last Resort")]
    known = set().union(*(FT2Font(font.fname).get_charmap() for font in fonts))
    return next(chr(code) for code in range(0x4E00, 0x2FFFF) if code not in known)


def test_plain_names_are_drawn_as_they_are():
    assert drawable("angry $5 é Ж") == "angry $5 é Ж"
    assert families_for(["angry"]) == ["sans-serif"]


def test_letters_of_another_font_are_drawn_with_it(in_another_font):
    assert drawable(f"a{in_another_font}") == f"a{in_another_font}"
    first, *others = families_for([in_another_font])
    assert first == "sans-serif"
    assert any(in_another_font in letters_of(family) for family in others)
    figure = Figure()
    with lettering([in_another_font]):
        figure.text(0, 0, in_another_font)
    figure.canvas.draw()  # a letter that is missing would be a warning, an error in tests


def test_letters_of_no_font_are_escaped(in_no_font):
    escape = in_no_font.encode("unicode_escape").decode()
    assert drawable(f"a{in_no_font}b") == f"a{escape}b"
    assert drawable("tab\there") == "tab\\there"


def test_a_confusion_matrix_shows_all_names(in_no_font, in_another_font):
    emotions = ["_calm", in_no_font, in_another_font]
    figure = confusion_matrix_figure([[1, 0, 0], [0, 1, 0], [0, 1, 2]], emotions, in_no_font)
    figure.canvas.draw()
    axes = figure.axes[0]
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [tick.get_text() for tick in ticks] == list(map(drawable, emotions))
    assert axes.get_title() == drawable(in_no_font)


def test_pictures_of_a_report_show_all_names(in_no_font, in_another_font):
    title = f"怒 {in_no_font}{in_another_font}"
    figures = [
        speaker_figure({title: {in_no_font: 0.5, in_another_font: 1.0}}),
        interval_figure([(title, {"WA": (0.5, None), "UA": (0.5, None)})], {}),
    ]
    for figure in figures:
        figure.canvas.draw()
    assert figures[0].axes[0].get_title() == drawable(title)
    assert figures[1].axes[0].get_yticklabels()[0].get_text() == drawable(title)
