"""The files of a corpus on disk, whatever the case and the Unicode form of their names."""

import os
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from data_pipeline.errors import DataError
from data_pipeline.names import visible

# What Windows leaves in folders; macOS leaves hidden files.
LEFT_BY_SYSTEMS = ("desktop.ini", "thumbs.db")


@dataclass(frozen=True)
class FoundFiles:
    """What lies where a corpus keeps its files.

    Attributes:
        taken: absolute paths of the files that match, sorted.
        others: what lies beside them and does not match, files and folders, sorted.
    """

    taken: list[Path]
    others: list[Path]


def find_files(root: Path, patterns: Sequence[str]) -> FoundFiles:
    """Find the files that match the first pattern that matches any, in capitals or not.

    Hidden files are passed over: macOS leaves one (`._name`) beside every file it copies.

    Args:
        root: the folder of the corpus.
        patterns: paths below it, with `*` for what differs.

    Returns:
        The files, and what else is in their folders.

    Raises:
        DataError: no such folder, no such files in it, or a folder that cannot be read.
    """
    expected = " or ".join(patterns)
    _check_folder(root, expected)
    for pattern in patterns:
        *folders, name = pattern.split("/")
        beside = [path for folder in _folders(root.absolute(), folders) for path in _listed(folder)]
        taken = sorted(path for path in beside if _matches(path, name))
        if taken:
            return FoundFiles(taken, sorted(path for path in beside if not _matches(path, name)))
    raise DataError(
        f"{visible(root)}: no {expected} in it, found {_listing(root)}; "
        "give the folder that holds them"
    )


def _check_folder(root: Path, expected: str) -> None:
    try:
        is_folder, why = stat.S_ISDIR(os.stat(root).st_mode), "no such folder"
    except FileNotFoundError:
        is_folder, why = False, "no such folder"
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        is_folder, why = False, f"cannot be opened ({getattr(error, 'strerror', error)})"
    if not is_folder:
        raise DataError(f"{visible(root)}: {why}; give the folder that holds {expected}")


def _folders(root: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """The folders below a root that match, one pattern a level."""
    if not patterns:
        yield root
        return
    for path in _listed(root):
        if _matches(path, patterns[0]) and os.path.isdir(path):
            yield from _folders(path, patterns[1:])


def _matches(path: Path, pattern: str) -> bool:
    return fnmatchcase(path.name.casefold(), pattern.casefold())


def _listed(folder: Path) -> list[Path]:
    """What is in a folder, without what systems leave there."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise DataError(
            f"{visible(folder)}: cannot be listed ({error.strerror}); allow reading it"
        ) from None
    seen = (name for name in names if name.casefold() not in LEFT_BY_SYSTEMS)
    return [folder / name for name in seen if not name.startswith(".")]


def _listing(folder: Path, most: int = 5) -> str:
    """The first names in a folder, for an error message."""
    names = [visible(path.name) for path in _listed(folder)]
    more = [f"and {len(names) - most} more"] if len(names) > most else []
    return ", ".join(names[:most] + more) or "an empty folder"


class DiskNames:
    """Looks up files by names that other systems wrote; lists each folder once.

    macOS writes names decomposed (NFD) where most programs write them composed (NFC), and Windows
    does not tell capitals apart: `ls` shows a name under which no file is found.
    """

    def __init__(self) -> None:
        self._listed: dict[Path, list[dict[str, list[str]]]] = {}

    def find(self, path: Path) -> Path:
        """The path under which a file is on disk; the path itself where there is no such file."""
        if os.path.lexists(path):
            return path
        found = Path(path.anchor)
        for name in path.relative_to(found).parts:
            there = self._in_folder(found, name)
            if there is None:
                return path
            found = there
        return found

    def _in_folder(self, folder: Path, name: str) -> Path | None:
        if os.path.lexists(folder / name):
            return folder / name
        for form, names_of in zip(_FORMS, self._names(folder), strict=True):
            names = names_of.get(form(name), [])
            if len(names) == 1:
                return folder / names[0]
        return None

    def _names(self, folder: Path) -> list[dict[str, list[str]]]:
        if folder not in self._listed:
            self._listed[folder] = [_names_by(form, folder) for form in _FORMS]
        return self._listed[folder]


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def same_name_key(name: str) -> str:
    """What file systems compare that tell neither capitals nor Unicode forms apart."""
    return _composed(_composed(name).casefold())


# Ways in which two names are the same, the strictest first.
_FORMS = (_composed, same_name_key)


def _names_by(form: Callable[[str], str], folder: Path) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for name in _names_in(folder):
        names.setdefault(form(name), []).append(name)
    return names


def _names_in(folder: Path) -> Iterable[str]:
    try:
        return os.listdir(folder)
    except OSError:  # no folder, or none that may be listed: the file is reported as it is written
        return []
