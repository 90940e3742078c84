"""What belongs into which shard, and the key that says what a shard is made from.

Both are known before any audio is decoded.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from data_pipeline.corpora.corpus import Utterance
from data_pipeline.files import file_sha256

# Utterances a shard on average: about 80 MB of IEMOCAP, made in some seconds.
SHARD_SIZE = 256
# The name of a record file, as a regular expression.
SHARD_NAME = "records-[0-9]{5}-of-[0-9]{5}[.]tfrecord"


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


def digest(value: object) -> str:
    """SHA-256, in hexadecimal, of a value as JSON."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    # A file's name need not be UTF-8.
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
