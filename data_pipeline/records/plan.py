"""What a folder under preparation already holds: finished shards and what they were made from.

`progress.jsonl` has the settings in its first line, then one line for every finished shard with
the key it was made under. Lines are only ever added, so a killed process loses at most the shard
under way, and the file stays beside the metadata: preparing again after files were added or
changed makes only the shards again that hold them.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from data_pipeline.corpora.corpus import Utterance
from data_pipeline.errors import DataError
from data_pipeline.records.codec import file_sha256

PROGRESS_NAME = "progress.jsonl"
# Utterances a shard on average: about 80 MB of IEMOCAP, made in some seconds.
SHARD_SIZE = 256


@dataclass(frozen=True)
class Shard:
    """What belongs into one record file; known before any audio is decoded."""

    name: str
    key: str
    utterances: tuple[Utterance, ...]


def plan_shards(utterances: Iterable[Utterance], settings: Mapping) -> list[Shard]:
    """Distribute utterances over shards by a hash of their ids.

    By hash and in a power of two, so that an utterance that is added or taken away changes its
    own shard and no other. Within a shard the order is the one given.
    """
    utterances = tuple(utterances)
    num_shards = 1
    while num_shards * SHARD_SIZE < len(utterances):
        num_shards *= 2
    parts: list[list[Utterance]] = [[] for _ in range(num_shards)]
    for utterance in utterances:
        hashed = hashlib.sha256(utterance.utterance_id.encode()).digest()
        parts[int.from_bytes(hashed[:8], "big") % num_shards].append(utterance)
    return [
        Shard(
            name=f"records-{index:05d}-of-{num_shards:05d}.tfrecord",
            key=shard_key(part, settings),
            utterances=tuple(part),
        )
        for index, part in enumerate(parts)
    ]


def shard_key(utterances: Iterable[Utterance], settings: Mapping) -> str:
    """Key over the settings, the rows of the utterances and the contents of their files.

    The folder that the files lie in is left out: a corpus that was moved is the same corpus.
    """
    rows = [
        asdict(utterance) | {"path": utterance.path.name, "sha256": _content(utterance.path)}
        for utterance in utterances
    ]
    return digest([settings, rows])


def _content(path: Path) -> str:
    # A pipe or a device would never end. ValueError: a path that no file can have (a zero byte).
    try:
        return file_sha256(path) if path.is_file() else "unreadable"
    except (OSError, ValueError):
        return "unreadable"


def digest(value) -> str:
    """SHA-256, in hexadecimal, of a value as JSON."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def locked_folder(out: Path) -> Iterator[None]:
    """Make the folder where it is not there, and keeps other preparations out of it meanwhile.

    The lock is the operating system's: it goes with the process, however that ends.

    Raises:
        DataError: it is a file, cannot be made, or another process prepares it at this moment.
    """
    if out.is_file():
        raise DataError(f"{out}: is a file; --out wants a folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{out}: cannot be made ({error.strerror}); give another --out") from None
    descriptor = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise DataError(
            f"{out}: another process is preparing this folder; wait for it, or give another --out"
        ) from None
    finally:
        os.close(descriptor)


def finished_shards(out: Path, settings: Mapping, shards: Iterable[Shard]) -> dict[str, dict]:
    """Lines of the progress file, by shard name, of the shards that need not be made again.

    Raises:
        DataError: the folder holds something else, or was begun with other settings.
    """
    # A name that ends in .partial is a first write that was cut off.
    if all(path.suffix == ".partial" for path in out.iterdir()):
        return {}
    first, *rest = _read_lines(out / PROGRESS_NAME)
    _check_settings(out, first["settings"], settings)
    # A later line of the same shard replaces an earlier one.
    entries = {entry["name"]: entry for entry in rest}
    return {s.name: entries[s.name] for s in shards if _is_current(out, s, entries.get(s.name))}


def _read_lines(path: Path) -> list[dict]:
    """Lines of the progress file, but for those cut off where a process was killed."""
    lines = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):
                lines.append(json.loads(line))
    if not lines or "settings" not in lines[0]:
        raise DataError(
            f"{path.parent}: not empty and not a prepared folder; give another --out, or empty it"
        )
    return lines


def _check_settings(out: Path, stored: Mapping, wanted: Mapping) -> None:
    differences = [
        f"{name} {_shown(stored.get(name))} there, {_shown(wanted.get(name))} now"
        for name in sorted(stored.keys() | wanted.keys())
        if stored.get(name) != wanted.get(name)
    ]
    if differences:
        raise DataError(
            f"{out}: was prepared with other settings ({'; '.join(differences)}); "
            "give another --out, or remove the folder to prepare it anew"
        )


def _shown(value) -> str:
    return "absent" if value is None else json.dumps(value)


def _is_current(out: Path, shard: Shard, entry: Mapping | None) -> bool:
    path = out / shard.name
    return (
        entry is not None
        and entry["key"] == shard.key
        and path.is_file()
        and file_sha256(path) == entry["sha256"]
    )


def begin_progress(out: Path, settings: Mapping) -> None:
    """Make the progress file where it is not there."""
    path = out / PROGRESS_NAME
    if not path.exists():
        replace_text(path, json.dumps({"settings": settings}))


def add_finished(out: Path, entry: Mapping) -> None:
    """Note a finished shard."""
    with (out / PROGRESS_NAME).open("a", encoding="utf-8") as file:
        # The line break comes first: it also ends a line that a killed process left unfinished.
        file.write("\n" + json.dumps(entry))


def replace_text(path: Path, text: str) -> None:
    """Write a whole text file under another name and renames it into place."""
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8", newline="")
    partial.replace(path)
