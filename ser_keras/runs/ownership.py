"""What in a folder is of a run: nothing else is ever removed or replaced."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from data_pipeline.errors import shown
from data_pipeline.files import PARTIAL_SUFFIX
from ser_keras.errors import SerError
from ser_keras.runs.files import (
    CHECKPOINT_NAME,
    CONFIG_NAME,
    HISTORY_NAME,
    MODEL_FILES,
    MODEL_FOLDER,
    PREDICTIONS_NAME,
    RESULT_NAME,
)

TENSORBOARD_FILES = "events.out.tfevents.*"
# What training writes into the folder of a fold, and into the folders in it.
OF_FOLD = {
    "": (RESULT_NAME, PREDICTIONS_NAME, HISTORY_NAME, CHECKPOINT_NAME),
    MODEL_FOLDER: MODEL_FILES,
    "train": (TENSORBOARD_FILES,),
    "validation": (TENSORBOARD_FILES,),
}
# What systems leave in any folder: nobody misses it, and it stays where it is.
LITTER = (".DS_Store", "._*", "Thumbs.db", "desktop.ini", ".directory", ".nfs*")
# How many foreign names an error tells.
MOST_NAMES = 3


def is_litter(path: Path) -> bool:
    """Whether a file is what an operating system leaves in folders that it shows."""
    return any(fnmatchcase(path.name, pattern) for pattern in LITTER)


def is_partial(path: Path, names: Sequence[str] = ("*",)) -> bool:
    """Whether a file is what a killed process was writing, of a file with one of these names."""
    return any(fnmatchcase(path.name, f".{name}.*{PARTIAL_SUFFIX}") for name in names)


def is_empty(directory: Path, names: Sequence[str] = (CONFIG_NAME,)) -> bool:
    """Whether a folder holds nothing, but for litter and first writes of these files, cut off."""
    return all(is_partial(path, names) or is_litter(path) for path in directory.iterdir())


def foreign_in_fold(directory: Path) -> list[Path]:
    """What in the folder of a fold training did not write, sorted; a missing folder has nothing."""
    return sorted(_foreign(directory, "")) if directory.is_dir() else []


def refuse_foreign(directory: Path) -> None:
    """Refuse a fold folder with something that training did not write.

    Raises:
        SerError: there is such a thing; it is named.
    """
    if foreign := foreign_in_fold(directory):
        raise SerError(
            f"{shown(directory)}: holds {named(foreign, directory)}, which training did not "
            "write; move it elsewhere, or give another --run-dir"
        )


def empty_fold(directory: Path) -> None:
    """Make the folder of a fold, or take out of it what an earlier attempt left.

    Raises:
        SerError: there is something that training did not write; nothing is removed then.
    """
    refuse_foreign(directory)
    for name in reversed(OF_FOLD):
        folder = directory / name
        if folder.is_dir():
            _remove_written(folder, OF_FOLD[name])
            if name and not any(folder.iterdir()):
                folder.rmdir()
    directory.mkdir(parents=True, exist_ok=True)


def _remove_written(folder: Path, patterns: Sequence[str]) -> None:
    for path in folder.iterdir():
        if _is_of_fold(path, patterns):
            path.unlink()


def named(paths: Sequence[Path], directory: Path) -> str:
    """The first few of some paths, as they are called in a folder."""
    first = [shown(path.relative_to(directory)) for path in paths[:MOST_NAMES]]
    more = len(paths) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")


def _foreign(directory: Path, name: str) -> Iterator[Path]:
    for path in (directory / name).iterdir():
        if path.is_dir() and not path.is_symlink():
            if name or path.name not in OF_FOLD:
                yield path
            else:
                yield from _foreign(directory, path.name)
        elif path.is_dir() or not (_is_of_fold(path, OF_FOLD[name]) or is_litter(path)):
            yield path  # a link to a folder, or a file of somebody else


def _is_of_fold(path: Path, patterns: Sequence[str]) -> bool:
    written = any(fnmatchcase(path.name, pattern) for pattern in patterns)
    return written or is_partial(path, patterns)
