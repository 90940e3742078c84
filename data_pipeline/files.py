"""Files that are whole or not there: every file of the project is replaced in one step.

A process that is killed leaves the old file or the new one, never half of one; what it was writing
stays behind as a hidden `.partial` file, which the next writer of the folder may remove.
"""

import csv
import fcntl
import hashlib
import io
import os
import sys
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PARTIAL_SUFFIX = ".partial"
# File systems take 255 bytes in a name; the process and the suffix need some of them.
MAX_PARTIAL_STEM = 220
# What reading a damaged .npz file raises, wherever its damage is: in the archive, a packed array,
# the head of an array (which is read as Python, and by Python's own tokenizer from 3.12 on).
DAMAGED_NPZ = (
    *(OSError, ValueError, KeyError, EOFError, RuntimeError, MemoryError, OverflowError),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name to write to; at the end of the block that file takes the place of `path`.

    Args:
        path: the file to replace, or to make.

    Yields:
        A name beside it. Where the block raises, nothing is left there and `path` is as it was.

    Raises:
        OSError: it cannot be written; the error names `path`.
    """
    partial = _partial(path)
    try:
        with _naming(path, instead_of=partial):
            yield partial
            with partial.open("rb") as file:
                os.fsync(file.fileno())  # on disk before it takes the other's place
            partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    # In bytes: a name may be full of letters that take several, and need not be UTF-8.
    stem = os.fsdecode(os.fsencode(path.name)[:MAX_PARTIAL_STEM])
    return path.with_name(f".{stem}.{os.getpid()}{PARTIAL_SUFFIX}")


@contextmanager
def _naming(path: Path, instead_of: Path | None = None) -> Iterator[None]:
    """Give an error of the system the name of the file that it is about.

    A write that fails, such as on a full disk, names none of itself.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None or error.filename == str(instead_of):
            error.filename, error.filename2 = str(path), None
        raise


def replace_file(path: Path, content: bytes | str) -> None:
    """Write a whole file; text as UTF-8, its line ends as they are."""
    with replacing(Path(path)) as partial:
        partial.write_bytes(content if isinstance(content, bytes) else content.encode())


def append_text(path: Path, text: str) -> None:
    """Add text to the end of a file, as UTF-8."""
    with _naming(path), path.open("a", encoding="utf-8") as file:
        file.write(text)


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
        # Ours bear the number of the process that wrote them.
        if path.name.split(".")[-2].isdecimal() and path.is_file():
            path.unlink(missing_ok=True)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder; the lock goes with the process, however it ends.

    Some network file systems have no locks. There the work goes on without, and a line says so.

    Raises:
        BlockingIOError: another process has it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        print(
            f"note: {folder}: its file system has no locks ({error.strerror}); "
            "start no second program that writes into this folder",
            file=sys.stderr,
        )
