"""Recordings that metadata names, found below a folder that may be laid out otherwise."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from data_pipeline.errors import DataError, shown

Parts = tuple[str, ...]


def find_recordings(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Find recordings by their paths; leading folders of a path are dropped while it is not found.

    Args:
        folder: where they lie, at any depth.
        names: paths as the metadata has them, with slashes.

    Returns:
        Name -> absolute path, of those that are found. A shortened path counts only where no other
        name ends in the same way: "sad/201.wav" may be anybody's.

    Raises:
        DataError: no such folder, or two files that fit one name.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; give the folder that holds the recordings")
    files = _files_by_name(folder.absolute())
    parts_of = {name: PurePosixPath(name).parts for name in dict.fromkeys(names)}
    endings = Counter(ending for parts in parts_of.values() for ending in _endings(parts))
    found = {}
    for name, parts in parts_of.items():
        path = _find(parts, files, endings)
        if path is not None:
            found[name] = folder.absolute() / path
    return found


def _files_by_name(folder: Path) -> dict[str, list[PurePosixPath]]:
    """Every file below a folder by its own name, relative to the folder; hidden ones left out."""
    files = defaultdict(list)
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        relative = PurePosixPath(Path(where).relative_to(folder).as_posix())
        for name in sorted(names):
            files[name].append(relative / name)
    return files


def _endings(parts: Parts) -> Iterable[Parts]:
    """The path itself, then with ever more leading folders dropped."""
    return (parts[start:] for start in range(len(parts)))


def _find(
    parts: Parts, files: Mapping[str, Sequence[PurePosixPath]], endings: Counter[Parts]
) -> PurePosixPath | None:
    same_name = files.get(parts[-1], ()) if parts else ()
    for ending in _endings(parts):
        fitting = [path for path in same_name if path.parts[-len(ending) :] == ending]
        if endings[ending] > 1:
            # It may be the other name's file, but for the one that lies where the name says.
            return next((path for path in fitting if path.parts == parts), None)
        if len(fitting) > 1:
            raise DataError(
                f"{shown('/'.join(parts))} may be {shown(fitting[0])} or {shown(fitting[1])}; keep "
                "one of them, or give the folder that holds one of them alone"
            )
        if fitting:
            return fitting[0]
    return None


def missing_notes(names: Sequence[str], found: Mapping[str, Path], folder: Path) -> list[str]:
    """A note that counts and lists recordings that were not found, where there are any."""
    missing = sorted(set(names) - set(found))
    if not missing:
        return []
    listed = ", ".join(map(shown, missing[:5])) + (", ..." if len(missing) > 5 else "")
    return [f"{len(missing)} recordings that the metadata names are not below {folder}: {listed}"]
