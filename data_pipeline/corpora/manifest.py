"""A CSV file that lists recordings of one's own: one row an utterance.

    path,emotion,speaker,session
    day1/anna_01.wav,happy,anna,day1

Columns `path`, `emotion` and `speaker` are needed; `session`, `text` and `utterance_id` may be
there. The order of the columns is free. UTF-8, with or without a byte order mark.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from data_pipeline.corpora.corpus import Corpus, Utterance
from data_pipeline.corpora.finding import DiskNames
from data_pipeline.corpora.foreign_paths import foreign_path
from data_pipeline.corpora.reading import build_corpus
from data_pipeline.errors import DataError
from data_pipeline.names import alike_key, unwritable_character, visible

REQUIRED_COLUMNS = ("path", "emotion", "speaker")
OPTIONAL_COLUMNS = ("session", "text", "utterance_id")
# From three sessions on, keeping whole ones apart leaves enough to train on; beyond ten, a fold a
# session would be too many trainings.
MIN_SESSIONS, MAX_SESSIONS = 3, 10


def read_manifest(root: Path, *, strict: bool = False) -> Corpus:
    """Read a CSV file; every emotion that it names is used.

    Args:
        root: the CSV file. A `path` in it is absolute or relative to its folder, and is also the
            utterance's id unless the column `utterance_id` gives another.
        strict: names that differ only in spelling are an error and not a note.

    Raises:
        DataError: the file cannot be read; a column is missing, unknown or there twice; a cell is
            empty or has a control character; a row has too few or too many cells, or is the header
            again; an id or a file occurs twice; a path is written for another system; there is no
            row; or under `strict` any note.
    """
    csv_path = Path(root).absolute()
    rows = _read_rows(csv_path)
    _check_ids(csv_path, rows)
    on_disk = DiskNames()
    utterances = [_utterance(row.cells, csv_path.parent, on_disk) for row in rows]
    _check_paths(csv_path, rows, utterances)
    label_map = {emotion: emotion for emotion in sorted({u.emotion for u in utterances})}
    return build_corpus(
        "manifest",
        csv_path,
        label_map,
        utterances,
        {},
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
    if not alike_key(text):
        raise DataError(
            f"{place}: {name} is empty; fill it in, or leave an optional column out altogether"
        )
    return text


def _utterance_id(row: dict[str, str]) -> str:
    return row.get("utterance_id", row["path"])


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


def _utterance(cells: dict[str, str], folder: Path, on_disk: DiskNames) -> Utterance:
    return Utterance(
        utterance_id=_utterance_id(cells),
        path=on_disk.find(folder / cells["path"]),
        emotion=cells["emotion"],
        speaker=cells["speaker"],
        session=cells.get("session", ""),
        text=cells.get("text", ""),
    )


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
