"""Names that people write: which of them are alike, and how a name is shown.

A name is alike another one when a reader takes both for the same: a capital, an invisible
character, another kind of blank or a leading zero is the whole difference.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from data_pipeline.errors import shown

# Categories of Unicode: controls, line and paragraph breaks, and bytes that are not UTF-8.
_UNWRITABLE = ("Cc", "Zl", "Zp", "Cs")
_FORMAT = "Cf"
# Further characters that nobody sees: fillers of Hangul, blank Braille, joiners and selectors.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)


@lru_cache(maxsize=1 << 16)
def alike_key(name: str) -> str:
    r"""What is left of a name without its spelling: names with equal keys are alike.

    It passes over the form of letters (NFKC), case, invisible characters, kinds of blanks and of
    dashes, and the leading zeros of every run of digits: `S 01`, `s\u00a01` and `s\u200b 1` are
    `s 1`.
    """
    seen = "".join(char for char in name if not _is_invisible(char))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
    dashed = "".join("-" if _is_dash(char) else char for char in folded)
    numbers = "".join(str(unicodedata.decimal(char, char)) for char in dashed)
    return re.sub(r"(?<!\d)0+(?=\d)", "", " ".join(numbers.split()))


def alike_groups(names: Iterable[str]) -> list[list[str]]:
    """Groups of two or more different names that are alike, each sorted."""
    groups: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        groups.setdefault(alike_key(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def visible(name: object) -> str:
    r"""A name in one line, with escapes (`\n`, `\u200b`) for what cannot be seen or written."""
    return "".join(_escaped(char) if _is_hidden(char) else char for char in shown(name))


def told_apart(names: Iterable[str]) -> list[str]:
    """Names as text, with escapes where two of them would look the same."""
    texts = {name: visible(name) for name in names}
    looks = [unicodedata.normalize("NFC", text) for text in texts.values()]
    return [
        text if looks.count(unicodedata.normalize("NFC", text)) == 1 else _ascii(name)
        for name, text in texts.items()
    ]


def unwritable_character(text: str) -> str:
    """The first character that cannot be in a line of a text file, as an escape; "" for none."""
    found = (char for char in text if unicodedata.category(char) in _UNWRITABLE)
    return next(map(_escaped, found), "")


def _is_invisible(char: str) -> bool:
    return unicodedata.category(char) == _FORMAT or bool(_INVISIBLE.match(char))


def _is_dash(char: str) -> bool:
    return unicodedata.category(char) == "Pd" or char == "\u2212"


def _is_hidden(char: str) -> bool:
    odd_blank = char.isspace() and char != " "
    return odd_blank or unicodedata.category(char) in _UNWRITABLE or _is_invisible(char)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()


def _ascii(name: str) -> str:
    return "".join(char if char.isascii() else _escaped(char) for char in visible(name))
