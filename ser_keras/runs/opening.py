"""Begin a run or go on with it: settings never mix, and one process at a time writes to a fold."""

import os
import resource
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from data_pipeline.errors import shown
from data_pipeline.files import locked
from ser_keras.errors import SerError
from ser_keras.runs.config import RunConfig
from ser_keras.runs.files import (
    CONFIG_NAME,
    RESULT_NAME,
    SUMMARY_NAME,
    number_of_fold,
    read_json,
    write_json,
)
from ser_keras.runs.ownership import is_empty, named, refuse_foreign

ELSEWHERE = "give another --run-dir"
# Files that a process has open beside the folders of its folds, with much to spare.
OTHER_OPEN_FILES = 512


def refuse_file(run_dir: Path) -> None:
    """Refuse a run folder that is a file, before any work is done.

    Raises:
        SerError: it is one, or lies in one.
    """
    for path in (run_dir, *run_dir.parents):
        if path.exists() and not path.is_dir():
            raise SerError(f"{shown(path)}: is a file; {ELSEWHERE}")


def is_in_the_way(place: Path, run_dir: Path) -> bool:
    """Whether a folder is the run's own, holds it, or lies in one of its folds."""
    place, run_dir = place.resolve(), run_dir.resolve()
    if place == run_dir or place in run_dir.parents:
        return True
    own = place.relative_to(run_dir).parts if run_dir in place.parents else ("",)
    return number_of_fold(Path(own[0])) is not None


def open_run(run_dir: Path, config: RunConfig) -> None:
    """Begin a run, or go on with one of the same settings.

    Raises:
        SerError: the folder holds a run with other settings, or something that is no run, or
            cannot be made.
    """
    run_dir = Path(run_dir)
    _make_folder(run_dir)
    path = run_dir / CONFIG_NAME
    if path.exists():
        _check_same(path, config)
        _check_summary(run_dir / SUMMARY_NAME)
    elif is_empty(run_dir):
        write_json(path, config.to_json())
    else:
        foreign = named(sorted(run_dir.iterdir()), run_dir)
        raise SerError(
            f"{shown(run_dir)}: not empty and not a run folder (holds {foreign}); {ELSEWHERE}, or "
            "empty it"
        )


def holds_run(run_dir: Path, config: RunConfig) -> bool:
    """Whether a folder holds a run of just these settings."""
    path = Path(run_dir) / CONFIG_NAME
    try:
        return path.exists() and _read_config(path).is_same(config)
    except SerError:
        return False


@contextmanager
def kept_apart(runs: Mapping[Path, RunConfig], folds: Sequence[Path]) -> Iterator[None]:
    """Keep other processes out of the folders of folds until the end of the block.

    Args:
        runs: the open runs, folder -> configuration.
        folds: the folders of all folds that will be trained or tested; made where missing.

    Raises:
        SerError: another process has one of them, one cannot be written, or one that is not
            finished holds something that training did not write.
    """
    _allow_open_files(len(folds) + OTHER_OPEN_FILES)
    with ExitStack() as stack:
        for fold in folds:
            _make_folder(fold)
            stack.enter_context(_locked_fold(fold))
            if not (fold / RESULT_NAME).exists():
                refuse_foreign(fold)
            _check_writable(fold)
        for run_dir, config in runs.items():
            # Again: two processes may have begun the same folder with other settings.
            _check_same(run_dir / CONFIG_NAME, config)
            _check_writable(run_dir)
        yield


@contextmanager
def writing_into(run_dir: Path) -> Iterator[None]:
    """Say what to do where a file of a run cannot be written, such as on a full disk.

    Raises:
        SerError: in the block a file below the folder could not be written; it is named.
    """
    try:
        yield
    except OSError as error:
        # Errors without a file are of what is printed.
        file = None if error.filename is None else Path(os.fsdecode(error.filename))
        if file is None or run_dir.absolute() not in file.absolute().parents:
            raise
        raise SerError(
            f"{shown(file)}: cannot be written ({error.strerror}); make room or give the right to "
            "write there: what is finished is kept, and the same command goes on"
        ) from error


@contextmanager
def _locked_fold(fold: Path) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(fold))
        except BlockingIOError:
            raise SerError(
                f"{shown(fold)}: another process is training this fold; wait for it, or {ELSEWHERE}"
            ) from None
        yield


def _allow_open_files(count: int) -> None:
    """Let this process have so many files open, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != soft < count:
        most = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _make_folder(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise SerError(f"{shown(directory)}: is there and no folder; {ELSEWHERE}") from None
    except OSError as error:
        raise SerError(
            f"{shown(directory)}: cannot be made ({error.strerror}); {ELSEWHERE}"
        ) from None


def _check_writable(directory: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise SerError(
            f"{shown(directory)}: cannot be written to ({error.strerror}); {ELSEWHERE}"
        ) from None


# --- Settings ---


def _check_same(path: Path, config: RunConfig) -> None:
    if differing := _differing(_read_config(path).deciding(), config.deciding()):
        raise SerError(
            f"{shown(path.parent)}: holds a run with other settings ({'; '.join(differing)}), "
            "expected the same: put this run elsewhere, or remove that folder to start over"
        )


def _check_summary(path: Path) -> None:
    """A summary.json that is not of a run is somebody's own, and would be replaced."""
    if path.exists() and "folds_total" not in _object(path):
        raise SerError(
            f"{shown(path)}: was not written by training and would be replaced; move it "
            f"elsewhere, or {ELSEWHERE}"
        )


def _object(path: Path) -> Mapping:
    try:
        content = read_json(path)
    except SerError:
        return {}
    return content if isinstance(content, Mapping) else {}


def _read_config(path: Path) -> RunConfig:
    try:
        return RunConfig.from_json(read_json(path))
    except SerError as error:
        raise SerError(f"{shown(path)}: {str(error).removeprefix(f'{path}: ')}") from None


def _differing(old: Mapping, new: Mapping, prefix: str = "") -> list[str]:
    lines = []
    for name in sorted(old.keys() | new.keys()):
        before, now = old.get(name), new.get(name)
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            lines += _differing(before, now, f"{prefix}{name}.")
        elif before != now:
            lines.append(f"{prefix}{name}: there {before}, here {now}")
    return lines
