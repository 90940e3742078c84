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
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from data_pipeline.contract import PARTS
from data_pipeline.corpora.corpus import Corpus, Utterance
from data_pipeline.corpora.emotions import NO_CHOICE, Choice
from data_pipeline.corpora.reading import build_corpus
from data_pipeline.errors import DataError

REQUIRED_COLUMNS = ("path", "emotion", "speaker")
OPTIONAL_COLUMNS = ("session", "text", "utterance_id", "corpus", "start", "end", "fold")
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
            empty; a row has too few or too many cells, an end before its start or a fold that is
            none; an id occurs twice; there is no row; or under `strict` any note.
    """
    csv_path = Path(root).absolute()
    rows = _read_rows(csv_path)
    _check_ids(csv_path, rows)
    _check_folds(csv_path, rows)
    labels = {emotion: emotion for emotion in sorted({row["emotion"] for _, row in rows})}
    label_map = choice.label_map(labels, labels)
    utterances = [
        _utterance(row, f"{csv_path} line {line}", csv_path.parent, label_map)
        for line, row in rows
        if row["emotion"] in label_map
    ]
    return build_corpus(
        "manifest",
        csv_path,
        label_map,
        utterances,
        Counter(row["emotion"] for _, row in rows if row["emotion"] not in label_map),
        group_by=_group_by(utterances),
        notes=_spelling_notes(utterances),
        strict=strict,
    )


def _read_rows(csv_path: Path) -> list[tuple[int, dict[str, str]]]:
    """Line number and cells of every row."""
    try:
        with csv_path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            columns = [name.strip() for name in next(reader, [])]
            _check_columns(csv_path, columns)
            return [
                (reader.line_num, _row(csv_path, reader.line_num, columns, cells))
                for cells in reader
                if cells
            ]
    except OSError as error:
        raise DataError(f"{csv_path}: {error.strerror}; the root is a CSV file") from None
    except UnicodeDecodeError:
        raise DataError(f"{csv_path}: not UTF-8; save it as CSV in UTF-8") from None
    except csv.Error as error:
        raise DataError(f"{csv_path}: not a CSV file: {error}") from None


def _check_columns(csv_path: Path, columns: Sequence[str]) -> None:
    known = REQUIRED_COLUMNS + OPTIONAL_COLUMNS
    missing = [name for name in REQUIRED_COLUMNS if name not in columns]
    unknown = [name for name in columns if name not in known]
    if missing or unknown or len(set(columns)) < len(columns):
        raise DataError(
            f"{csv_path}: found the columns {', '.join(columns) or '(none)'}; expected "
            f"{', '.join(REQUIRED_COLUMNS)}, and optionally {', '.join(OPTIONAL_COLUMNS)}, "
            "each once and no other, with commas between them"
        )


def _row(csv_path: Path, line: int, columns: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    if len(cells) != len(columns):
        raise DataError(
            f"{csv_path} line {line}: found {len(cells)} cells, expected {len(columns)}; "
            "put a cell that has a comma in it into double quotes"
        )
    row = {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}
    for name, cell in row.items():
        if not cell:
            raise DataError(
                f"{csv_path} line {line}: {name} is empty; fill it in, or leave an optional "
                "column out altogether"
            )
    return row


def _utterance_id(row: dict[str, str]) -> str:
    """The id that a row gives itself, or its path, and the segment of it where there is one."""
    if "utterance_id" in row:
        return row["utterance_id"]
    segment = [row[name] for name in ("start", "end") if name in row]
    return f"{row['path']} {'-'.join(segment)}" if segment else row["path"]


def _check_ids(csv_path: Path, rows: Sequence[tuple[int, dict[str, str]]]) -> None:
    line_of: dict[str, int] = {}
    for line, row in rows:
        first = line_of.setdefault(_utterance_id(row), line)
        if first != line:
            raise DataError(
                f"{csv_path} line {line}: {_utterance_id(row)} is already on line {first}; "
                "each utterance needs an id of its own"
            )


def _check_folds(csv_path: Path, rows: Sequence[tuple[int, dict[str, str]]]) -> None:
    """A fold is a number from 1, or with one fold in all, the part that a row is in."""
    first = ""
    for line, row in rows:
        fold = row.get("fold", "")
        if fold and fold not in PARTS and not re.fullmatch(r"[1-9]\d*", fold):
            raise DataError(
                f"{csv_path} line {line}: found the fold {fold}, expected a number from 1, or "
                f"{', '.join(PARTS)}"
            )
        first = first or fold
        if (fold in PARTS) != (first in PARTS):
            raise DataError(
                f"{csv_path} line {line}: found the fold {fold} after {first}; expected numbers in "
                "every line, or parts in every line"
            )


def _utterance(
    row: dict[str, str], where: str, folder: Path, label_map: Mapping[str, str]
) -> Utterance:
    start, end = _segment(row, where)
    corpus = row.get("corpus", "")
    return Utterance(
        utterance_id=_utterance_id(row),
        path=folder / row["path"],
        emotion=label_map[row["emotion"]],
        # The speaker 03 of one corpus is nobody of another.
        speaker=f"{corpus}/{row['speaker']}" if corpus else row["speaker"],
        session=row.get("session", ""),
        text=row.get("text", ""),
        corpus=corpus,
        fold=row.get("fold", ""),
        start_seconds=start,
        end_seconds=end,
    )


def _segment(row: dict[str, str], where: str) -> tuple[float, float | None]:
    """Start and end in seconds; whether the recording is as long is seen when it is read."""
    start = _seconds(row.get("start", "0"), where)
    end = _seconds(row["end"], where) if "end" in row else None
    if end is not None and end <= start:
        raise DataError(
            f"{where}: found a segment from {row.get('start', '0')} to {row['end']} s, expected "
            "its end after its start"
        )
    return start, end


def _seconds(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise DataError(f"{where}: found {cell} for start or end, expected seconds, 0 or more")
    return value


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


def _spelling_notes(utterances: Sequence[Utterance]) -> list[str]:
    """A speaker under two spellings would be two people, one heard in training, one tested."""
    notes = []
    for column in ("speaker", "emotion", "session"):
        for names in _alike({getattr(utterance, column) for utterance in utterances}):
            notes.append(f"{column}s that differ only in spelling: {', '.join(names)}")
    return notes


def _alike(names: Iterable[str]) -> list[list[str]]:
    """Group of names that are the same but for capitals and the Unicode form of their letters."""
    groups: dict[str, list[str]] = {}
    for name in sorted(names):
        groups.setdefault(unicodedata.normalize("NFC", name).casefold(), []).append(name)
    return [group for group in groups.values() if len(group) > 1]
