"""What belongs into which shard, and the key that says what a shard is made from.

Which shard an utterance belongs to is known from its id. The key needs the contents of the files,
which are read shard by shard, when they are needed.
"""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_pipeline.contract import VOICE_COLUMNS
from data_pipeline.corpora.corpus import Utterance
from data_pipeline.records.codec import RECORD_VERSION

# Utterances a shard on average: about 80 MB of IEMOCAP, made in some seconds.
# Settings that change no record: what results call the corpus, and who decoded plain WAV files.
TOLD_ONLY = ("name", "decoder")
SHARD_SIZE = 256
# The name of a record file, as a regular expression.
SHARD_NAME = "records-[0-9]{5}-of-[0-9]{5}[.]tfrecord"


@dataclass(frozen=True)
class Shard:
    """What belongs into one record file; known before any audio is read."""

    name: str
    utterances: tuple[Utterance, ...]


def plan_shards(utterances: Iterable[Utterance]) -> list[Shard]:
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
        Shard(name=f"records-{index:05d}-of-{num_shards:05d}.tfrecord", utterances=tuple(part))
        for index, part in enumerate(parts)
    ]


def shard_key(
    utterances: Iterable[Utterance], contents: Iterable[str], settings: Mapping[str, Any]
) -> str:
    """Key over the settings, the rows of the utterances and the contents of their files.

    The folder that the files lie in is left out: a corpus that was moved is the same corpus.

    Args:
        utterances: of the shard.
        contents: SHA-256 of the file of each.
        settings: of the folder.
    """
    rows = [
        _recorded(utterance) | {"path": utterance.path.name, "sha256": content}
        for utterance, content in zip(utterances, contents, strict=True)
    ]
    return digest([deciding(settings), rows])


def _recorded(utterance: Utterance) -> dict[str, Any]:
    row = utterance.to_json()
    # Readers learn more of the voices, and records stay what they are.
    return {name: value for name, value in row.items() if name not in VOICE_COLUMNS}


def voices_key(utterances: Iterable[Utterance]) -> str:
    """Key over what is known of the voices of a shard; "" where nothing is.

    No record depends on it: where it alone is new, the rows are written again, not the records.
    """
    known = [[getattr(utterance, name) for name in VOICE_COLUMNS] for utterance in utterances]
    return digest(known) if any(map(any, known)) else ""


def deciding(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a folder that decide what its records hold: not its layout, nor TOLD_ONLY.

    So the keys of records of another layout, with the same content, are the same.
    """
    decided = {setting: value for setting, value in settings.items() if setting not in TOLD_ONLY}
    return decided | {"format_version": RECORD_VERSION}


def keyed_ahead(
    shards: Sequence[Shard], key_of: Callable[[Shard], str], ahead: int
) -> Iterator[tuple[Shard, str]]:
    """Give each shard with its key, when those of the next utterances are known, too.

    A key says what was there before features were computed. Workers are some utterances ahead of
    who writes, so that the contents of a few more files are read first, and not those of all.

    Args:
        shards: in order.
        key_of: reads the files of a shard.
        ahead: so many utterances behind a shard have their keys when it is given.
    """
    waiting: deque[tuple[Shard, str]] = deque()
    num_waiting = 0
    for shard in shards:
        waiting.append((shard, key_of(shard)))
        num_waiting += len(shard.utterances)
        while waiting and num_waiting - len(waiting[0][0].utterances) >= ahead:
            num_waiting -= len(waiting[0][0].utterances)
            yield waiting.popleft()
    yield from waiting


def digest(value: object) -> str:
    """SHA-256, in hexadecimal, of a value as JSON."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    # A file's name need not be UTF-8.
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
