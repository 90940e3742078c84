"""A CSV file that lists recordings of one's own: one row an utterance.

    path,emotion,speaker,session
    day1/anna_01.wav,happy,anna,day1

Columns `path`, `emotion` and `speaker` are needed; `session`, `text`, `utterance_id`, `corpus`,
`start` and `end` (seconds: a segment of the recording) and `fold` may be there. The order of the
columns is free. UTF-8, with or without a byte order mark.
"""

import csv
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from data_pipeline.contract import PARTS, VOICE_COLUMNS
from data_pipeline.corpora.corpus import Corpus, Utterance
from data_pipeline.corpora.emotions import NO_CHOICE, Choice
from data_pipeline.corpora.finding import DiskNames
from data_pipeline.corpora.reading import build_corpus
from data_pipeline.corpora.standards.foreign_paths import foreign_path
from data_pipeline.errors import DataError
from data_pipeline.names import alike_key, unwritable_character, visible

REQUIRED_COLUMNS = ("path", "emotion", "speaker")
OPTIONAL_COLUMNS = (
    *("session", "text", "utterance_id", "corpus", "start", "end", "fold"),
    *VOICE_COLUMNS,
)
# From three sessions on, keeping whole ones apart leaves enough to train on; beyond ten, a fold a
# session would be too many trainings.
MIN_SESSIONS, MAX_SESSIONS = 3, 10


def read_manifest(root: Path, *, strict: bool = False, choice: Choice = NO_CHOICE) -> Corpus:
    """Read a CSV file; every emotion that it names is used.

    Args:
        root: the CSV file. A `path` in it is absolute or relative to its folder, and is also the
            utterance's id, together with a segment, unless the column `utterance_id` gives
            another. With a column `corpus` speakers are `corpus/speaker`.
        strict: names that differ only in spelling are an error and not a note.
        choice: which emotions are used; by itself all.

    Raises:
        DataError: the file cannot be read; a column is missing, unknown or there twice; a cell is
            empty or has a control character; a row has too few or too many cells, is the header
            again, or has an end before its start or a fold that is none; an id or a file occurs
            twice; a path is written for another system; there is no row; or under `strict` any
            note.
    """
    csv_path = Path(root).absolute()
    rows = _read_rows(csv_path)
    _check_ids(csv_path, rows)
    _check_folds(csv_path, rows)
    labels = {emotion: emotion for emotion in sorted({row.cells["emotion"] for row in rows})}
    label_map = choice.label_map(labels, labels)
    used = [row for row in rows if row.cells["emotion"] in label_map]
    left_out = [row for row in rows if row.cells["emotion"] not in label_map]
    on_disk = DiskNames()
    utterances = [_utterance(csv_path, row, label_map, on_disk) for row in used]
    _check_paths(csv_path, used, utterances)
    return build_corpus(
        "manifest",
        csv_path,
        label_map,
        utterances,
        Counter(row.cells["emotion"] for row in left_out),
        group_by=_group_by(utterances),
        strict=strict,
    )


class _Row(NamedTuple):
    """The number of the line that a row begins on, and column -> cell."""

    line: int
    cells: dict[str, str]


def _read_rows(csv_path: Path) -> list[_Row]:
    line = 0
    rows: list[_Row] = []
    columns: list[str] = []
    try:
        for line, cells in _lines(csv_path):
            if not columns:
                columns = _columns(csv_path, cells)
            elif cells:
                rows.append(_Row(line, _row(f"{visible(csv_path)} line {line}", columns, cells)))
    except OSError as error:
        raise DataError(f"{visible(csv_path)}: {error.strerror}; the root is a CSV file") from None
    except UnicodeDecodeError:
        raise DataError(f"{visible(csv_path)}: not UTF-8; save it as CSV in UTF-8") from None
    except csv.Error as error:
        raise DataError(
            f"{visible(csv_path)}: not a CSV file: {error}, after line {line}; "
            "look for a double quote that is not closed"
        ) from None
    if not rows:
        received = "the names of the columns and no row" if columns else "an empty file"
        raise DataError(
            f"{visible(csv_path)}: received {received}, expected a row for each recording: add them"
        )
    return rows


def _lines(csv_path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number of the first line and the cells of each row; a cell may go over several lines."""
    with csv_path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        line = 1
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1


def _columns(csv_path: Path, cells: Sequence[str]) -> list[str]:
    columns = [name.strip() for name in cells]
    if columns and columns[0].casefold().startswith("sep="):
        raise DataError(
            f"{visible(csv_path)}: line 1 ({visible(','.join(columns))}) is for Excel alone, "
            "expected the names of the columns: delete that line"
        )
    known = REQUIRED_COLUMNS + OPTIONAL_COLUMNS
    missing = [name for name in REQUIRED_COLUMNS if name not in columns]
    unknown = [name for name in columns if name not in known]
    if missing or unknown or len(set(columns)) < len(columns):
        raise DataError(
            f"{visible(csv_path)}: found the columns {visible(', '.join(columns)) or '(none)'}; "
            f"expected {', '.join(REQUIRED_COLUMNS)}, and optionally "
            f"{', '.join(OPTIONAL_COLUMNS)}, each once and no other, with commas between them"
        )
    return columns


def _row(place: str, columns: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    if _is_header(cells):
        raise DataError(
            f"{place}: the names of the columns a second time, expected a recording: delete the "
            "line (were two lists joined?)"
        )
    if len(cells) != len(columns):
        raise DataError(
            f"{place}: found {len(cells)} cells, expected {len(columns)}; "
            "put a cell that has a comma in it into double quotes"
        )
    return {name: _cell(place, name, cell) for name, cell in zip(columns, cells, strict=True)}


def _is_header(cells: Sequence[str]) -> bool:
    """Whether every cell is the name of a column, in any order and spelling."""
    names = {alike_key(cell) for cell in cells}
    known = {alike_key(name) for name in REQUIRED_COLUMNS + OPTIONAL_COLUMNS}
    return len(names) > 1 and names <= known


def _cell(place: str, name: str, cell: str) -> str:
    text = cell.strip()
    # A tab beside a comma is a blank to people; elsewhere it would go into tables and labels.
    if char := unwritable_character(text) or unwritable_character(cell.replace("\t", " ")):
        raise DataError(
            f"{place}: {name} has the control character {char} in it ({visible(text)}); "
            "write it in one line"
        )
    if not alike_key(text) and name not in VOICE_COLUMNS:
        raise DataError(
            f"{place}: {name} is empty; fill it in, or leave an optional column out altogether"
        )
    return text


def _utterance_id(row: dict[str, str]) -> str:
    """The id that a row gives itself, or its path, and the segment of it where there is one."""
    if "utterance_id" in row:
        return row["utterance_id"]
    segment = [row[name] for name in ("start", "end") if name in row]
    return f"{row['path']} {'-'.join(segment)}" if segment else row["path"]


def _check_ids(csv_path: Path, rows: Sequence[_Row]) -> None:
    line_of: dict[str, int] = {}
    for line, cells in rows:
        utterance_id = _utterance_id(cells)
        first = line_of.setdefault(utterance_id, line)
        if first != line:
            raise DataError(
                f"{visible(csv_path)} line {line}: {visible(utterance_id)} is already on line "
                f"{first}; each utterance needs an id of its own"
            )


def _check_folds(csv_path: Path, rows: Sequence[_Row]) -> None:
    """A fold is a number from 1, or with one fold in all, the part that a row is in."""
    first = ""
    for line, cells in rows:
        fold = cells.get("fold", "")
        if fold and fold not in PARTS and not re.fullmatch(r"[1-9][0-9]*", fold):
            raise DataError(
                f"{visible(csv_path)} line {line}: found the fold {visible(fold)}, expected a "
                f"number from 1, or {', '.join(PARTS)}"
            )
        first = first or fold
        if (fold in PARTS) != (first in PARTS):
            raise DataError(
                f"{visible(csv_path)} line {line}: found the fold {fold} after {first}; expected "
                "numbers in every line, or parts in every line"
            )


def _utterance(
    csv_path: Path, row: _Row, label_map: Mapping[str, str], on_disk: DiskNames
) -> Utterance:
    cells = row.cells
    start, end = _segment(cells, f"{visible(csv_path)} line {row.line}")
    corpus = cells.get("corpus", "")
    return Utterance(
        utterance_id=_utterance_id(cells),
        path=on_disk.find(csv_path.parent / cells["path"]),
        emotion=label_map[cells["emotion"]],
        # The speaker 03 of one corpus is nobody of another.
        speaker=f"{corpus}/{cells['speaker']}" if corpus else cells["speaker"],
        session=cells.get("session", ""),
        text=cells.get("text", ""),
        corpus=corpus,
        fold=cells.get("fold", ""),
        start_seconds=start,
        end_seconds=end,
        **{name: cells.get(name, "") for name in VOICE_COLUMNS},
    )


def _segment(cells: dict[str, str], where: str) -> tuple[float, float | None]:
    """Start and end in seconds; whether the recording is as long is seen when it is read."""
    start = _seconds(cells.get("start", "0"), where)
    end = _seconds(cells["end"], where) if "end" in cells else None
    if end is not None and end <= start:
        raise DataError(
            f"{where}: found a segment from {cells.get('start', '0')} to {cells['end']} s, "
            "expected its end after its start"
        )
    return start, end


def _seconds(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise DataError(
            f"{where}: found {visible(cell)} for start or end, expected seconds, 0 or more"
        )
    return value


def _check_paths(csv_path: Path, rows: Sequence[_Row], utterances: Sequence[Utterance]) -> None:
    """Refuse paths that another system, a shell or a browser would understand, and no file has."""
    for row, utterance in zip(rows, utterances, strict=True):
        if cause := foreign_path(row.cells["path"], utterance.path):
            path = visible(row.cells["path"])
            raise DataError(f"{visible(csv_path)} line {row.line}: path {path} {cause}")


def _group_by(utterances: Sequence[Utterance]) -> str:
    """By session where whole sessions can be kept apart without parting a speaker.

    And where that differs from keeping speakers apart: a session a speaker is no recording session.
    """
    sessions = {utterance.session for utterance in utterances}
    speakers = {utterance.speaker for utterance in utterances}
    pairs = {(utterance.speaker, utterance.session) for utterance in utterances}
    whole = "" not in sessions and len(pairs) == len(speakers)
    few = MIN_SESSIONS <= len(sessions) <= MAX_SESSIONS and len(sessions) < len(speakers)
    return "session" if whole and few else "speaker"
