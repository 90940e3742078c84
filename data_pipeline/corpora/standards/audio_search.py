"""Recordings that metadata names, found below a folder that may be laid out otherwise."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from data_pipeline.corpora.finding import same_name_key
from data_pipeline.errors import DataError
from data_pipeline.names import visible

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
    if not os.path.isdir(folder):
        raise DataError(f"{folder}: no such folder; give the folder that holds the recordings")
    files = _files_by_name(folder.absolute())
    keys_of = {name: _keys(PurePosixPath(name)) for name in dict.fromkeys(names)}
    endings = Counter(ending for keys in keys_of.values() for ending in _endings(keys))
    found = {}
    for name, keys in keys_of.items():
        path = _find(name, keys, files, endings)
        if path is not None:
            found[name] = folder.absolute() / path
    return found


def _keys(path: PurePosixPath) -> Parts:
    """The parts of a path, whatever the case and the Unicode form of their letters."""
    return tuple(map(same_name_key, path.parts))


def _files_by_name(folder: Path) -> dict[str, list[PurePosixPath]]:
    """Every file below a folder by its own name, relative to the folder; hidden ones left out."""
    files = defaultdict(list)
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        relative = PurePosixPath(Path(where).relative_to(folder).as_posix())
        for name in sorted(names):
            files[same_name_key(name)].append(relative / name)
    return files


def _endings(parts: Parts) -> Iterable[Parts]:
    """The path itself, then with ever more leading folders dropped."""
    return (parts[start:] for start in range(len(parts)))


def _find(
    name: str,
    keys: Parts,
    files: Mapping[str, Sequence[PurePosixPath]],
    endings: Counter[Parts],
) -> PurePosixPath | None:
    same_name = [(path, _keys(path)) for path in files.get(keys[-1], ())]
    for ending in _endings(keys):
        fitting = [path for path, found in same_name if found[-len(ending) :] == ending]
        if endings[ending] > 1:
            # It may be the other name's file, but for the one that lies where the name says.
            return next((path for path in fitting if str(path) == name), None)
        if len(fitting) > 1:
            raise DataError(
                f"{visible(name)} may be {visible(fitting[0])} or {visible(fitting[1])}; keep one "
                "of them, or give the folder that holds one of them alone"
            )
        if fitting:
            return fitting[0]
    return None


def missing_notes(names: Sequence[str], found: Mapping[str, Path], folder: Path) -> list[str]:
    """A note that counts and lists recordings that were not found, where there are any."""
    missing = sorted(set(names) - set(found))
    if not missing:
        return []
    listed = ", ".join(map(visible, missing[:5])) + (", ..." if len(missing) > 5 else "")
    return [f"{len(missing)} recordings that the metadata names are not below {folder}: {listed}"]


def check_emotions_heard(listed: Sequence[tuple[str, bool]], folder: Path) -> None:
    """Refuse an emotion without any recording: it could be neither trained nor tested.

    Args:
        listed: of each utterance its emotion, and whether its recording is there.
        folder: where recordings were looked for.

    Raises:
        DataError: naming the emotions without a recording.
    """
    named = {emotion for emotion, _ in listed}
    heard = {emotion for emotion, is_there in listed if is_there}
    if named and not heard:
        raise DataError(
            f"{visible(folder)}: none of the {len(listed)} recordings that the metadata names is "
            "below it; give the folder of the recordings (EmoBox: --audio)"
        )
    if lacking := sorted(named - heard):
        raise DataError(
            f"{visible(folder)}: no recording of {', '.join(lacking)}; leave them out with "
            f"--emotions {' '.join(sorted(heard))}, or add their recordings"
        )
