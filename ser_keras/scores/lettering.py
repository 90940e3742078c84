r"""Names of all alphabets in pictures: in a font that has their letters, or written as escapes.

matplotlib's own font has no Chinese, Japanese or Korean letters, and draws boxes. Where the machine
has a font with them, it is taken for these letters alone; where it has none, each is written as
Python escapes it, such as `\u6012`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.legend import Legend

# A font that "has" every letter there is, and draws boxes.
BOXES = "Last Resort"


@contextmanager
def lettering(texts: Iterable[str]) -> Iterator[None]:
    """Within the block, new texts of a picture are drawn in fonts that have these letters.

    Args:
        texts: names that are drawn; give each through `drawable`.
    """
    from matplotlib import rc_context

    # A dollar sign in a name is a dollar sign.
    with rc_context({"font.family": families_for(texts), "text.parse_math": False}):
        yield


def families_for(texts: Iterable[str]) -> list[str]:
    """The font that is set, and as many others as have letters of the texts that it lacks."""
    from matplotlib import rcParams
    from matplotlib.font_manager import fontManager

    families = list(rcParams["font.family"])
    missing = frozenset("".join(texts)) - _letters_of(_file_of(families))
    if missing:
        for font in sorted(fontManager.ttflist, key=lambda font: (font.weight != 400, font.name)):
            if not font.name.startswith(BOXES) and missing & (has := _letters_of(font.fname)):
                families.append(font.name)
                missing -= has
    return families


def drawable(text: str) -> str:
    """A text with escapes for the letters that no font of this machine has."""
    known = frozenset.union(*(_letters_of(_file_of([name])) for name in families_for([text])))
    return "".join(
        letter if letter in known else letter.encode("unicode_escape").decode() for letter in text
    )


def name_in_legend(legend: Legend, names: Iterable[str]) -> None:
    """Write the names into a legend that has a line for each.

    matplotlib leaves out what begins with an underscore, so such a name is written afterwards.
    """
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)


def _file_of(families: list[str]) -> str:
    from matplotlib.font_manager import FontProperties, findfont

    return str(findfont(FontProperties(family=families)))


@cache
def _letters_of(path: str) -> frozenset[str]:
    """The letters that a font file has."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(map(chr, FT2Font(path).get_charmap()))
    except (OSError, RuntimeError):  # a file that is no font, or gone
        return frozenset()
