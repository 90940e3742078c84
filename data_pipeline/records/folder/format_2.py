"""Folders of format 2, as versions before this one made them: all rows in two files.

`progress.jsonl` had the settings in its first line, then a line for every finished shard with its
rows; `metadata.json` had the rows of all. The records are the same, so they are kept.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from data_pipeline.contract import MAX_SECONDS
from data_pipeline.errors import DataError
from data_pipeline.records.folder.shard_rows import ShardHead, write_shard_rows
from data_pipeline.rows import UtteranceRow

FORMAT_2 = 2
PROGRESS_NAME = "progress.jsonl"


def settings_of_format_2(out: Path) -> Mapping[str, Any]:
    """The settings that a folder of format 2 was begun with.

    Raises:
        DataError: the file is another program's.
    """
    return _read_lines(out / PROGRESS_NAME)[0]["settings"]


def convert(out: Path) -> None:
    """Write the rows of every finished shard beside its records, as the format of today has them.

    Killed meanwhile, it is done again: the file that it reads is removed by the caller at the end.
    """
    _, *rest = _read_lines(out / PROGRESS_NAME)
    # A later line of the same shard replaces an earlier one.
    lines = {line["name"]: line for line in rest if isinstance(line, dict) and "name" in line}
    for name, line in lines.items():
        if _can_be_kept(line["utterances"]):
            rows = [UtteranceRow.from_json(row) for row in line["utterances"]]
            head = ShardHead.from_json(name, line | {"examples": len(rows)})
            write_shard_rows(out, head, rows)


def _can_be_kept(rows: Iterable[Mapping[str, Any]]) -> bool:
    # Earlier versions kept longer ones.
    return all(row["duration_seconds"] <= MAX_SECONDS for row in rows)


def _read_lines(path: Path) -> list[dict]:
    """Lines of the progress file, but for those cut off where a process was killed."""
    lines = []
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
