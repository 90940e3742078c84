"""`python -m data_pipeline list`: write a manifest of recordings from where they lie."""

import argparse
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from data_pipeline.corpora.standards.listing import compile_pattern
from data_pipeline.errors import DataError
from data_pipeline.files import write_csv
from data_pipeline.names import visible

if TYPE_CHECKING:
    from data_pipeline.corpora.standards.listing import Listing

HELP = "write a list of your recordings (CSV) from where they lie"
EXAMPLE = """\
  python -m data_pipeline list recordings --pattern '{emotion}/{speaker}_{text}_*.wav' \\
      --out recordings.csv
      recordings/angry/anna_a01_1.wav is the emotion angry, the speaker anna and the text a01.

Fields: {emotion} and {speaker} are needed; {session}, {text}, {corpus} and {fold} may be there. A
field and * go over no folder. Put the pattern into quotes. Look at the list, and mend it by hand or
in a spreadsheet.
"""
# Rows, and files that do not match, that are shown.
MOST_SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="where the recordings lie")
    add(
        "--pattern",
        required=True,
        type=_pattern,
        metavar="PATTERN",
        help="what the path of a recording below FOLDER means, such as '{emotion}/{speaker}_*.wav'",
    )
    add("--out", required=True, type=Path, metavar="CSV", help="the list to write; a new file")


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return compile_pattern(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(arguments: argparse.Namespace) -> int:
    """Write the list, show its first rows and name what does not match; the exit code."""
    from data_pipeline.corpora.standards.listing import list_recordings

    out = arguments.out
    if out.exists():
        raise DataError(f"{visible(out)}: is there already; remove it, or give another --out")
    listing = list_recordings(arguments.folder, arguments.pattern)
    rows = [(_path_in(out, arguments.folder, path), *fields) for path, *fields in listing.rows]
    write_csv(out, listing.columns, rows)
    print(_in_words(listing))
    print(
        f"{out}: {len(rows)} recordings\n"
        f"next: python -m data_pipeline prepare --corpus manifest --root {out} --out build/"
        f"{out.stem}"
    )
    return 0


def _path_in(out: Path, folder: Path, path: str) -> str:
    """The path as the list has it: from the list's own folder where it is below that."""
    absolute, home = (folder / path).absolute(), out.absolute().parent
    return (absolute.relative_to(home) if absolute.is_relative_to(home) else absolute).as_posix()


def _in_words(listing: "Listing") -> str:
    """The first rows, how many there are of each emotion and speaker, and what does not match."""
    widths = [
        max(len(visible(row[column])) for row in [listing.columns, *listing.rows[:MOST_SHOWN]])
        for column in range(len(listing.columns))
    ]
    lines = [
        "  ".join(f"{visible(cell):{width}}" for cell, width in zip(row, widths, strict=True))
        for row in [listing.columns, *listing.rows[:MOST_SHOWN]]
    ]
    if len(listing.rows) > MOST_SHOWN:
        lines.append(f"... {len(listing.rows) - MOST_SHOWN} more rows")
    emotions, speakers = (
        Counter(row[listing.columns.index(name)] for row in listing.rows)
        for name in ("emotion", "speaker")
    )
    counts = ", ".join(f"{visible(name)} {count}" for name, count in sorted(emotions.items()))
    lines.append(f"emotions: {counts}; speakers: {len(speakers)}")
    if listing.others:
        named = ", ".join(map(visible, listing.others[:MOST_SHOWN]))
        more = ", ..." if len(listing.others) > MOST_SHOWN else ""
        lines.append(f"do not match, left out: {len(listing.others)} files: {named}{more}")
    return "\n".join(line.rstrip() for line in lines)
