"""What files were like when their content was last read, so that it is not read again.

A file whose size, times and inode are those of then has the content of then: its time of change
(ctime) is set by the system at every write and by nobody else. The file `sources.jsonl` has a line
a shard, added when the shard is finished; a killed process leaves the last one unfinished at most.
It is a memory and nothing else: without it, every content is read again.
"""

import json
import os
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from data_pipeline.files import append_text, file_sha256, replace_file

SOURCES_NAME = "sources.jsonl"
# In smaller corpora contents are always read: that takes seconds, and trusts nothing.
MIN_TRUSTED = 20_000
# A file that changed within this time before it was looked at may change once more without a new
# time: clocks of file systems tick, and those of others go differently. Its stamp is not trusted.
SETTLED_NS = 2_000_000_000

UNREADABLE = "unreadable"
# How a line of the file begins, before the name of the shard.
BEGIN = '{"shard": "'

# [size, mtime_ns, ctime_ns, inode, content]; [None, content] where it is not to be trusted.
Stamp = list[Any]


class SourceMemory:
    """Contents of files by what these look like: asked for, they are looked up or read."""

    def __init__(self, folder: Path, trusted: bool) -> None:
        """Open the memory of a prepared folder.

        Args:
            folder: where `sources.jsonl` is, or is going to be.
            trusted: whether a file that looks as it did is taken to be the same. If not, every
                content is read, and nothing is remembered.
        """
        self._path = folder / SOURCES_NAME
        self._trusted = trusted
        self._lines = _last_lines(self._path) if trusted else {}
        self._seen: dict[str, dict[str, Stamp]] = {}

    def contents(self, shard_name: str, paths: Iterable[Path], *, own: bool = False) -> list[str]:
        """SHA-256 of each of some files that belong to a shard.

        Args:
            shard_name: of the record file.
            paths: of the files.
            own: whether nobody but this program writes them, so that a new one is settled.

        Returns:
            In hexadecimal; "unreadable" for what cannot be read.
        """
        known, seen = self._known(shard_name), self._seen.setdefault(shard_name, {})
        for path in paths:
            name = os.fspath(path)
            if name not in seen:
                seen[name] = _stamp(path, known.get(name), own)
        return [seen[os.fspath(path)][-1] for path in paths]

    def _known(self, shard_name: str) -> dict[str, Stamp]:
        # A line is parsed when it is needed: all of them together would fill the memory.
        with suppress(ValueError, KeyError, TypeError):
            return dict(json.loads(self._lines[shard_name])["files"])
        return {}

    def remember(self, shard_name: str) -> None:
        """Keep what was seen of the files of a shard, where it is new."""
        seen = self._seen.pop(shard_name, {})
        if not self._trusted or seen == self._known(shard_name):
            return
        line = json.dumps({"shard": shard_name, "files": seen})
        # The line break comes first: it also ends a line that a killed process left unfinished.
        append_text(self._path, f"\n{line}")
        self._lines[shard_name] = line

    def tidy(self, shard_names: Iterable[str]) -> None:
        """Keep the last line of each of these shards, and no other."""
        kept = [self._lines[name] for name in shard_names if name in self._lines]
        if self._trusted and len(kept) < _num_lines(self._path):
            replace_file(self._path, "".join(f"\n{line}" for line in kept))


def _num_lines(path: Path) -> int:
    with suppress(OSError), path.open("rb") as file:
        return sum(bool(line.strip()) for line in file)
    return 0


def _last_lines(path: Path) -> dict[str, str]:
    """Name of each shard -> its last line that is whole."""
    lines = {}
    with suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
        for line in map(str.strip, file):
            if line.startswith(BEGIN) and line.endswith("}}"):
                lines[line.removeprefix(BEGIN).partition('"')[0]] = line
    return lines


def _stamp(path: Path, known: Stamp | None, own: bool) -> Stamp:
    """What a file is like now, and its content, which is read where it is not as it was."""
    now = time.time_ns()
    try:
        found = os.stat(path)
        state = [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
        if known and known[:-1] == state:
            return known
        # A pipe or a device would never end.
        content = file_sha256(path) if stat.S_ISREG(found.st_mode) else UNREADABLE
    except (OSError, ValueError):  # ValueError: a path that no file can have (a zero byte)
        return [None, UNREADABLE]
    settled = own or max(found.st_mtime_ns, found.st_ctime_ns) < now - SETTLED_NS
    return [*state, content] if settled else [None, content]
