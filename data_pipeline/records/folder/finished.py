"""What a folder under preparation already holds: its settings, and the shards that are finished.

`settings.json` is written first, then every record file with the file of its rows, and the
metadata last. A killed process loses at most the shard under way, and preparing again after files
were added or changed makes only the shards again that hold them.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from data_pipeline.contract import VOICE_COLUMNS
from data_pipeline.errors import DataError, shown
from data_pipeline.files import PARTIAL_SUFFIX, locked, replace_file
from data_pipeline.records.folder.format_2 import PROGRESS_NAME, convert, settings_of_format_2
from data_pipeline.records.folder.shard_rows import (
    ROWS_SUFFIX,
    ShardHead,
    check_shard_rows,
    read_shard_head,
    read_shard_rows,
    write_shard_rows,
)
from data_pipeline.records.folder.sources import SourceMemory
from data_pipeline.records.plan import (
    SHARD_NAME,
    Shard,
    deciding,
    shard_key,
    voices_key,
)
from data_pipeline.records.remarks import NOT_PROCESSED

SETTINGS_NAME = "settings.json"
_STEM = SHARD_NAME.removesuffix("[.]tfrecord")
ROWS_NAME = f"{_STEM}{re.escape(ROWS_SUFFIX)}"
# What a first write that was cut off leaves, with the number of its process; and as earlier
# versions named it: the suffix in the place of the file's own.
_OURS = (
    f"(?:{SHARD_NAME}|{ROWS_NAME}|(?:metadata|settings)[.]json|(?:progress|sources)[.]jsonl"
    "|rejected[.]csv)"
)
_OURS_OF_OLD = f"(?:{_STEM}|metadata|progress|rejected)"
HALF_WRITTEN = re.compile(
    rf"[.]{_OURS}[.][0-9]+{re.escape(PARTIAL_SUFFIX)}|{_OURS_OF_OLD}{re.escape(PARTIAL_SUFFIX)}"
)


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


def check_folder(out: Path, settings: Mapping) -> None:
    """Refuse a folder of something else or of other settings; bring one of format 2 to this one.

    Raises:
        DataError: the folder holds something else, or was begun with other settings.
    """
    if all(map(_is_half_written, out.iterdir())):
        return
    if (out / SETTINGS_NAME).is_file():
        _check_settings(out, _read_settings(out), settings)
    elif (out / PROGRESS_NAME).is_file():
        _check_settings(out, settings_of_format_2(out), settings)
        convert(out)
        replace_file(out / SETTINGS_NAME, json.dumps(settings))
        (out / PROGRESS_NAME).unlink()
    else:
        raise _not_ours(out)


def begin(out: Path, settings: Mapping) -> None:
    """Note the settings where they are not noted yet."""
    path = out / SETTINGS_NAME
    if not path.exists():
        replace_file(path, json.dumps(settings))


def _not_ours(out: Path) -> DataError:
    return DataError(f"{out}: not empty and not a prepared folder; give another --out, or empty it")


def _is_half_written(path: Path) -> bool:
    """Whether a file is the beginning of one of ours, the functionals' too: those stay."""
    functionals = path.name.startswith(".functionals") and path.suffix == PARTIAL_SUFFIX
    return functionals or HALF_WRITTEN.fullmatch(path.name) is not None


def _read_settings(out: Path) -> Mapping:
    try:
        settings = json.loads((out / SETTINGS_NAME).read_text(encoding="utf-8"))
        if "features" in settings:
            return settings
    except (OSError, ValueError, TypeError):
        pass
    raise _not_ours(out)


def _check_settings(out: Path, stored: Mapping, wanted: Mapping) -> None:
    before, now = deciding(stored), deciding(wanted)
    differences = [
        f"{name} {_shown(before.get(name))} there, {_shown(now.get(name))} now"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    if differences:
        raise DataError(
            f"{out}: was prepared with other settings ({'; '.join(differences)}); "
            "give another --out, or remove the folder to prepare it anew"
        )


def _shown(value: object) -> str:
    return "absent" if value is None else json.dumps(value)


def current_key(shard: Shard, settings: Mapping, memory: SourceMemory) -> str:
    """The key of a shard as its files are now."""
    contents = memory.contents(shard.name, [utterance.path for utterance in shard.utterances])
    return shard_key(shard.utterances, contents, settings)


def finished_shards(
    out: Path, shards: Iterable[Shard], settings: Mapping, memory: SourceMemory
) -> dict[str, ShardHead]:
    """By name, those of the shards that need not be made again.

    Their rows know what the corpus knows of the voices now.
    """
    finished = {}
    for shard in shards:
        head = _head_if_whole(out, shard, settings, memory)
        if head:
            memory.remember(shard.name)
            finished[shard.name] = _at_present(_with_voices(out, head, shard), shard)
    return finished


def _head_if_whole(
    out: Path, shard: Shard, settings: Mapping, memory: SourceMemory
) -> ShardHead | None:
    """What is known of a shard; None where it is not there, or made from something else."""
    path = out / shard.name
    try:
        head = read_shard_head(out, shard.name)
        check_shard_rows(out, shard.name)
    except DataError:
        return None
    is_whole = (
        not any(NOT_PROCESSED in row.reason for row in head.rejected)
        and path.is_file()
        and memory.contents(shard.name, [path], own=True) == [head.sha256]
        and current_key(shard, settings, memory) == head.key
    )
    return head if is_whole else None


def _with_voices(out: Path, head: ShardHead, shard: Shard) -> ShardHead:
    """Write the rows again where the corpus knows other things of the voices than they do."""
    key = voices_key(shard.utterances)
    if key == head.voices_key:
        return head
    of_id = {utterance.utterance_id: utterance for utterance in shard.utterances}
    rows = [
        replace(row, **{c: getattr(of_id[row.utterance_id], c) for c in VOICE_COLUMNS})
        for row in read_shard_rows(out, shard.name)
    ]
    head = replace(head, voices_key=key)
    write_shard_rows(out, head, rows)
    return head


def _at_present(head: ShardHead, shard: Shard) -> ShardHead:
    """What an earlier run noted of a shard, with the paths of now: the corpus may have moved."""
    if not head.rejected:
        return head
    files = {u.utterance_id: shown(u.path) for u in shard.utterances}
    rejected = []
    for row in head.rejected:
        file = files[row.utterance_id]
        rejected.append(replace(row, file=file, reason=row.reason.replace(row.file, file, 1)))
    return replace(head, rejected=tuple(rejected))


def remove_half_written(out: Path) -> None:
    """Remove what killed preparations left; other programs keep files of their own beside it."""
    for path in list(out.iterdir()):
        if HALF_WRITTEN.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def remove_outdated(out: Path, shards: Sequence[Shard]) -> None:
    """Remove the shards of another plan."""
    wanted = {shard.name for shard in shards}
    for path in list(out.iterdir()):
        ours = re.fullmatch(f"{SHARD_NAME}|{ROWS_NAME}", path.name)
        shard_name = path.name.replace(ROWS_SUFFIX, ".tfrecord")
        if ours and shard_name not in wanted and path.is_file():
            path.unlink()
