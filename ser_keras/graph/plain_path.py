"""A name that TensorFlow can open for a folder that is called anything.

TensorFlow takes PATTERN_LETTERS in a path for patterns of names, and wants text in UTF-8; on disk a
name may be any bytes.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATTERN_LETTERS = frozenset("[]*?\\")


@contextmanager
def plain_path(path: Path) -> Iterator[Path]:
    """Give a name of a folder that TensorFlow reads and writes through.

    Args:
        path: a folder that is there.

    Yields:
        The path itself where it is plain, else a link to it, which is gone after the block.

    Raises:
        OSError: no link can be made.
    """
    if is_plain(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="ser-", dir=_plain_folder()) as folder:
        link = Path(folder) / "folder"
        link.symlink_to(os.path.abspath(path), target_is_directory=True)
        yield link


def is_plain(path: Path) -> bool:
    """Whether TensorFlow takes a path as it is."""
    name = str(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return PATTERN_LETTERS.isdisjoint(name)


def _plain_folder() -> str | None:
    """Where a link may lie: not in a folder for temporary files that is not plain itself."""
    return None if is_plain(Path(tempfile.gettempdir())) else "/tmp"
