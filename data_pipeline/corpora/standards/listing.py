"""A list of one's own recordings, from where they lie: a pattern says what the folders mean."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.corpora.standards.manifest import REQUIRED_COLUMNS
from data_pipeline.errors import DataError
from data_pipeline.names import unwritable_character, visible

# What a path may tell of a recording: columns of a manifest.
FIELDS = ("emotion", "speaker", "session", "text", "corpus", "fold")
NEEDED = tuple(name for name in REQUIRED_COLUMNS if name in FIELDS)
_TOKEN = re.compile(r"\{(\w*)\}|(\*)")


@dataclass(frozen=True)
class Listing:
    """The recordings of a tree.

    Attributes:
        columns: of the manifest: `path`, then the fields in the order of the pattern.
        rows: one a recording, sorted by path; paths are below the folder.
        others: paths of the files that do not match, sorted.
    """

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    others: list[str]


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Read what a user writes, such as `{emotion}/{speaker}_{text}_*.wav`.

    A field is as short as can be and goes over no folder, nor does `*`; a field that is there twice
    is the same in both places.

    Args:
        pattern: of a whole path below a folder, with slashes.

    Returns:
        The same as a regular expression, with a group a field.

    Raises:
        ValueError: a field that a manifest does not have, or one that it needs is missing.
    """
    seen: list[str] = []
    expression = ""
    end = 0
    for token in _TOKEN.finditer(pattern):
        expression += re.escape(pattern[end : token.start()])
        end = token.end()
        name = token[1]
        if token[2]:
            expression += "[^/]*"
        elif name in seen:
            expression += f"(?P={name})"
        else:
            seen.append(name)
            expression += f"(?P<{name}>[^/]+?)" if name in FIELDS else ""
    unknown = [f"{{{name}}}" for name in seen if name not in FIELDS]
    missing = [f"{{{name}}}" for name in NEEDED if name not in seen]
    if unknown or missing:
        found = ", ".join(f"{{{name}}}" for name in seen) or "no field"
        raise ValueError(
            f"received {found}, expected {' and '.join(f'{{{name}}}' for name in NEEDED)}, and "
            f"optionally {', '.join(f'{{{name}}}' for name in FIELDS if name not in NEEDED)}"
        )
    return re.compile(expression + re.escape(pattern[end:]))


def list_recordings(folder: Path, pattern: re.Pattern[str]) -> Listing:
    """List the files below a folder that match, and name the others.

    Args:
        folder: where the recordings lie; hidden files and folders are passed over.
        pattern: from `compile_pattern`.

    Returns:
        The list.

    Raises:
        DataError: no such folder, or no file that matches.
    """
    if not os.path.isdir(folder):
        raise DataError(f"{visible(folder)}: no such folder; give the folder of your recordings")
    fields = tuple(pattern.groupindex)
    rows, others = [], []
    for path in sorted(_files(folder)):
        match = pattern.fullmatch(path)
        if match and not unwritable_character(path):
            rows.append((path, *(match[name].strip() for name in fields)))
        else:
            others.append(path)
    if not rows:
        found = f"{len(others)} files, such as {visible(others[0])}" if others else "no files"
        raise DataError(
            f"{visible(folder)}: no file matches the pattern, found {found}; write the pattern for "
            "the whole path below the folder"
        )
    return Listing(("path", *fields), rows, others)


def _files(folder: Path) -> Iterator[str]:
    """Paths of the files below a folder, with slashes."""
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = Path(where).relative_to(folder)
        yield from ((below / name).as_posix() for name in names if not name.startswith("."))
