"""The rows of a shard, in a file beside its records: what became of its utterances.

`records-00000-of-00001.jsonl` has a first line about the shard (the key that it was made under,
the checksum of its records, what was rejected) and then a line for each record, in order. It is
written after the records, so its presence says that the shard is finished. A folder of a million
utterances is so read, written and gone on with shard by shard, and each row is stored once.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from data_pipeline.errors import DataError
from data_pipeline.files import replace_file
from data_pipeline.records.remarks import RejectedFile
from data_pipeline.rows import UtteranceRow

RECORDS_SUFFIX, ROWS_SUFFIX = ".tfrecord", ".jsonl"


@dataclass(frozen=True, kw_only=True)
class ShardHead:
    """What is known of a finished shard without reading its rows.

    Attributes:
        name: of the record file.
        key: of the plan that it was made under.
        sha256: of the record file.
        examples: number of its records.
        rejected: the utterances that are not in it.
        voices_key: of what its rows know of the voices.
        offsets: utterance id -> dBFS of its constant offset, where that is worth a word.
    """

    name: str
    key: str
    sha256: str
    examples: int
    voices_key: str = ""
    rejected: tuple[RejectedFile, ...] = ()
    offsets: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def from_json(cls, name: str, line: Mapping[str, Any]) -> "ShardHead":
        """The shard of the first line of a file of rows."""
        return cls(
            name=name,
            key=line["key"],
            sha256=line["sha256"],
            examples=line["examples"],
            voices_key=line.get("voices_key", ""),
            rejected=tuple(RejectedFile(**row) for row in line["rejected"]),
            offsets=line.get("offsets", {}),
        )

    def to_json(self) -> dict[str, object]:
        """The first line of its file of rows."""
        return {
            "key": self.key,
            "sha256": self.sha256,
            "examples": self.examples,
            **({"voices_key": self.voices_key} if self.voices_key else {}),
            "rejected": [asdict(row) for row in self.rejected],
            **({"offsets": dict(self.offsets)} if self.offsets else {}),
        }


def rows_name(shard_name: str) -> str:
    """The name of the file of rows beside a record file."""
    return shard_name.removesuffix(RECORDS_SUFFIX) + ROWS_SUFFIX


def write_shard_rows(folder: Path, head: ShardHead, rows: Sequence[UtteranceRow]) -> None:
    """Write the file of rows of a shard whose records are there: it is finished."""
    content = b"".join(_line(row.to_json()) for row in rows)
    first = head.to_json() | {"rows_sha256": hashlib.sha256(content).hexdigest()}
    replace_file(folder / rows_name(head.name), _line(first) + content)


def _line(content: object) -> bytes:
    # A file's name need not be UTF-8.
    return json.dumps(content, ensure_ascii=False).encode(errors="surrogateescape") + b"\n"


def read_shard_head(folder: Path, shard_name: str) -> ShardHead:
    """What the file of rows of a shard says first.

    Raises:
        DataError: it is not there, or is damaged.
    """
    path = folder / rows_name(shard_name)
    with _naming(path), path.open("rb") as file:
        return ShardHead.from_json(shard_name, _parsed(file.readline()))


def read_shard_rows(folder: Path, shard_name: str) -> Iterator[UtteranceRow]:
    """The rows of a shard, in the order of its records.

    Raises:
        DataError: the file is not there, or is damaged.
    """
    path = folder / rows_name(shard_name)
    with _naming(path):
        _, _, lines = path.read_bytes().strip().partition(b"\n")
        # One list, parsed by one call.
        rows = _parsed(b"[" + lines.replace(b"\n", b",") + b"]")
        return iter([UtteranceRow.from_json(row) for row in rows])


def check_shard_rows(folder: Path, shard_name: str) -> None:
    """Hold the rows of a shard against their checksum.

    Raises:
        DataError: they are not those that were written.
    """
    path = folder / rows_name(shard_name)
    with _naming(path):
        first, _, content = path.read_bytes().partition(b"\n")
        if hashlib.sha256(content).hexdigest() != _parsed(first)["rows_sha256"]:
            raise ValueError("the checksum differs")


def _parsed(line: bytes) -> Any:
    return json.loads(line.decode(errors="surrogateescape"))


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}), expected the rows of its record file; prepare "
            "again with the same options, which makes that shard anew"
        ) from None
