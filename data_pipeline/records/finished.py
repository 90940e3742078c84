"""What a folder under preparation already holds: finished shards and what they were made from.

`progress.jsonl` has the settings in its first line, then one line for every finished shard with
the key it was made under. Lines are only ever added, so a killed process loses at most the shard
under way, and the file stays beside the metadata: preparing again after files were added or
changed makes only the shards again that hold them.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from data_pipeline.contract import MAX_SECONDS
from data_pipeline.errors import DataError
from data_pipeline.files import PARTIAL_SUFFIX, append_text, file_sha256, locked, replace_file
from data_pipeline.records.plan import SHARD_NAME, Shard
from data_pipeline.records.remarks import NOT_PROCESSED, RejectedFile
from data_pipeline.rows import UtteranceRow

PROGRESS_NAME = "progress.jsonl"
# What a first write that was cut off leaves, with the number of its process; and as earlier
# versions named it: the suffix in the place of the file's own.
_OURS = f"(?:{SHARD_NAME}|metadata[.]json|progress[.]jsonl|rejected[.]csv)"
_OURS_OF_OLD = f"(?:{SHARD_NAME.removesuffix('[.]tfrecord')}|metadata|progress|rejected)"
HALF_WRITTEN = re.compile(
    rf"[.]{_OURS}[.][0-9]+{re.escape(PARTIAL_SUFFIX)}|{_OURS_OF_OLD}{re.escape(PARTIAL_SUFFIX)}"
)


@dataclass(frozen=True, kw_only=True)
class FinishedShard:
    """A shard that was written, and what became of its utterances.

    Attributes:
        name: of the record file.
        key: of the plan that it was made under.
        sha256: of the record file.
        utterances: rows of its records, in their order.
        rejected: the utterances that are not in it.
        offsets: utterance id -> dBFS of its constant offset, where that is worth a word.
    """

    name: str
    key: str
    sha256: str
    utterances: tuple[UtteranceRow, ...]
    rejected: tuple[RejectedFile, ...]
    offsets: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> "FinishedShard":
        """The shard of a line of the progress file."""
        return cls(
            name=line["name"],
            key=line["key"],
            sha256=line["sha256"],
            utterances=tuple(map(UtteranceRow.from_json, line["utterances"])),
            rejected=tuple(RejectedFile(**row) for row in line["rejected"]),
            offsets=line.get("offsets", {}),
        )

    def to_json(self) -> dict[str, object]:
        """Its line of the progress file."""
        return {
            "name": self.name,
            "key": self.key,
            "sha256": self.sha256,
            "utterances": [row.to_json() for row in self.utterances],
            "rejected": [asdict(row) for row in self.rejected],
            **({"offsets": dict(self.offsets)} if self.offsets else {}),
        }


@contextmanager
def locked_folder(out: Path) -> Iterator[None]:
    """Make the folder where it is not there, and keep other preparations out of it meanwhile.

    Raises:
        DataError: it is a file, cannot be made, or another process prepares it at this moment.
    """
    if out.is_file():
        raise DataError(f"{out}: is a file; --out wants a folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{out}: cannot be made ({error.strerror}); give another --out") from None
    try:
        with locked(out):
            yield
    except BlockingIOError:
        raise DataError(
            f"{out}: another process is preparing this folder; wait for it, or give another --out"
        ) from None


def finished_shards(
    out: Path, settings: Mapping, shards: Iterable[Shard]
) -> dict[str, FinishedShard]:
    """By name, those of the shards that need not be made again.

    Raises:
        DataError: the folder holds something else, or was begun with other settings.
    """
    if all(map(_is_half_written, out.iterdir())):
        return {}
    first, *rest = _read_lines(out / PROGRESS_NAME)
    _check_settings(out, first["settings"], settings)
    # A later line of the same shard replaces an earlier one.
    lines = {line["name"]: line for line in rest if isinstance(line, dict) and "name" in line}
    return {
        shard.name: FinishedShard.from_json(lines[shard.name])
        for shard in shards
        if _is_current(out, shard, lines.get(shard.name))
    }


def _is_half_written(path: Path) -> bool:
    """Whether a file is the beginning of one of ours, the functionals' too: those stay."""
    functionals = path.name.startswith(".functionals") and path.suffix == PARTIAL_SUFFIX
    return functionals or HALF_WRITTEN.fullmatch(path.name) is not None


def _read_lines(path: Path) -> list[dict]:
    """Lines of the progress file, but for those cut off where a process was killed."""
    lines = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError):
                lines.append(json.loads(line))
    if not lines or not _is_first_line(lines[0]):
        raise DataError(
            f"{path.parent}: not empty and not a prepared folder; give another --out, or empty it"
        )
    return lines


def _is_first_line(line: object) -> bool:
    return isinstance(line, dict) and isinstance(line.get("settings"), dict)


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


def _shown(value: object) -> str:
    return "absent" if value is None else json.dumps(value)


def _is_current(out: Path, shard: Shard, line: Mapping | None) -> bool:
    path = out / shard.name
    return (
        line is not None
        and line["key"] == shard.key
        and not any(NOT_PROCESSED in row["reason"] for row in line["rejected"])
        # Earlier versions kept longer ones.
        and all(row["duration_seconds"] <= MAX_SECONDS for row in line["utterances"])
        and path.is_file()
        and file_sha256(path) == line["sha256"]
    )


def begin_progress(out: Path, settings: Mapping) -> None:
    """Make the progress file where it is not there."""
    path = out / PROGRESS_NAME
    if not path.exists():
        replace_file(path, json.dumps({"settings": settings}))


def add_finished(out: Path, finished: FinishedShard) -> None:
    """Note a finished shard."""
    # The line break comes first: it also ends a line that a killed process left unfinished.
    append_text(out / PROGRESS_NAME, "\n" + json.dumps(finished.to_json()))
