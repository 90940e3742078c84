"""Files that are whole or not there: every file of the project is replaced in one step.

A process that is killed leaves the old file or the new one, never half of one; what it was writing
stays behind as a hidden `.partial` file, which the next writer of the folder may remove.
"""

import csv
import fcntl
import hashlib
import io
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PARTIAL_SUFFIX = ".partial"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name to write to; at the end of the block that file takes the place of `path`.

    Args:
        path: the file to replace, or to make.

    Yields:
        A name beside it. Where the block raises, nothing is left there and `path` is as it was.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL_SUFFIX}")
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())  # on disk before it takes the other's place
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def replace_file(path: Path, content: bytes | str) -> None:
    """Write a whole file; text as UTF-8, its line ends as they are."""
    with replacing(Path(path)) as partial:
        partial.write_bytes(content if isinstance(content, bytes) else content.encode())


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a header and rows."""
    replace_file(path, csv_text(columns, rows))


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A header and rows as CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def remove_partial_files(folder: Path, name: str = "*") -> None:
    """Remove what killed processes were writing in a folder that nobody else writes to.

    Args:
        folder: its files, not those of folders in it.
        name: of the files that were being written; `*` for all.
    """
    for path in folder.glob(f".{name}.*{PARTIAL_SUFFIX}"):
        path.unlink(missing_ok=True)


def empty_folder(directory: Path) -> None:
    """Make a folder, or takes out of it what an earlier attempt left."""
    shutil.rmtree(directory, ignore_errors=True)
    Path(directory).mkdir(parents=True)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder; the lock goes with the process, however it ends.

    Raises:
        BlockingIOError: another process has it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
