"""Any database in audformat, on disk: `db.yaml` and a table a file, as audb publishes them.

    db.yaml                        schemes, splits, and the columns of each table
    db.emotion.train.parquet       a table (or .csv): files or segments, and what is known of them
    wav/a.wav                      the recordings, as the tables name them

The library reads it. A table may also lie there as a pickle, and a header may name objects of
Python: both are programs, so neither is ever opened.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_pipeline.corpora.corpus import Corpus, Utterance
from data_pipeline.corpora.emotions import NO_CHOICE, Choice, emotion_name
from data_pipeline.corpora.finding import DiskNames
from data_pipeline.corpora.reading import build_corpus
from data_pipeline.corpora.standards.audio_search import check_emotions_heard, missing_notes
from data_pipeline.errors import DataError
from data_pipeline.names import visible

HEADER = "db.yaml"
# Names of the schemes, and of columns where these have no scheme.
EMOTION, SPEAKER = "emotion", "speaker"
# audformat's types of splits -> our parts.
PARTS = {"train": "train", "dev": "validation", "test": "test"}
# Keys of `left_out`.
NO_LABEL, NO_SPEAKER = "no label", "no speaker"
UNKNOWN_SPEAKERS = "the database does not tell who speaks; --speaker names a column that does"


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A file or segment with a label."""

    file: str
    start_seconds: float
    end_seconds: float | None
    label: str | None
    speaker: str | None
    fold: str

    @property
    def name(self) -> str:
        """The file, and the segment where it is one."""
        if self.start_seconds == 0 and self.end_seconds is None:
            return self.file
        end = "" if self.end_seconds is None else f"{self.end_seconds:g}"
        return f"{self.file} {self.start_seconds:g}-{end}"


def read_audformat(
    root: Path,
    *,
    strict: bool = False,
    choice: Choice = NO_CHOICE,
    table: Sequence[str] = (),
    emotion: str | None = None,
    speaker: str | None = None,
) -> Corpus:
    """Read the labels of a database.

    Args:
        root: the folder that holds `db.yaml`.
        strict: recordings that are missing, and rows without a speaker where others have one, are
            an error and not a note.
        choice: which emotions are used; by itself all.
        table: the tables with the labels; by itself the one that has them, or one for each split.
        emotion: the column with the labels; by itself the one whose scheme is `emotion`.
        speaker: the column that says who speaks, of these tables or of another; by itself the one
            whose scheme is `speaker`.

    Raises:
        DataError: no database; no such table or column, or several that may be meant; no recordings
            at all of an emotion; no utterance used; or under `strict` any note.
    """
    folder = Path(root).absolute()
    with tempfile.TemporaryDirectory() as scratch:
        database = _load(folder, Path(scratch))
        tables = _label_tables(database, folder, table, emotion)
        rows = [row for name in tables for row in _rows(database, name, emotion, speaker)]
        labels = _labels(database, tables[0], emotion, rows)
    known = any(row.speaker is not None for row in rows)
    usable = [row for row in rows if row.label is not None and (row.speaker or not known)]
    label_map = choice.label_map(labels, labels)
    used = [row for row in usable if row.label in label_map]
    utterances = _utterances(folder, used, label_map)
    found = {u.utterance_id: u.path for u in utterances if u.path.exists()}
    check_emotions_heard([(u.emotion, u.utterance_id in found) for u in utterances], folder)
    left_out = Counter(row.label for row in usable if row.label and row.label not in label_map)
    left_out[NO_LABEL] = sum(row.label is None for row in rows)
    left_out[NO_SPEAKER] = sum(row.label is not None for row in rows) - len(usable)
    options = {"table": list(table) or None, "emotion": emotion, "speaker": speaker}
    return build_corpus(
        "audformat",
        folder,
        label_map,
        utterances,
        {reason: count for reason, count in left_out.items() if count},
        group_by="speaker",
        notes=[
            *missing_notes([u.utterance_id for u in utterances], found, folder),
            *_speaker_notes(left_out[NO_SPEAKER]),
        ],
        remarks=[] if known else [UNKNOWN_SPEAKERS],
        strict=strict,
        options={name: value for name, value in options.items() if value is not None},
    )


def _utterances(
    folder: Path, rows: Sequence[_Row], label_map: Mapping[str, str]
) -> list[Utterance]:
    on_disk = DiskNames()
    return [
        Utterance(
            utterance_id=row.name,
            path=on_disk.find(folder / row.file),
            emotion=label_map[row.label or ""],
            speaker=row.speaker or "",
            fold=row.fold,
            start_seconds=row.start_seconds,
            end_seconds=row.end_seconds,
        )
        for row in rows
    ]


def _speaker_notes(count: int) -> list[str]:
    return [f"{count} rows without a speaker, where others have one, left out"] if count else []


# --- The database ---


def _load(folder: Path, scratch: Path) -> Any:
    """The database, without pickles: its files are linked into a folder that has none."""
    import audformat
    import yaml

    header = folder / HEADER
    try:
        yaml.safe_load(header.read_bytes())
    except OSError as error:
        raise DataError(
            f"{visible(header)}: {error.strerror}; give the folder of a database in audformat"
        ) from None
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{visible(header)}: not a header of audformat ({reason})") from None
    for path in [header, *folder.glob("db.*.parquet"), *folder.glob("db.*.csv")]:
        (scratch / path.name).symlink_to(path)
    try:
        return audformat.Database.load(str(scratch), load_data=False)
    except Exception as error:  # whatever a wrong header makes the library do
        raise DataError(
            f"{visible(header)}: not a header of audformat ({_reason(error)})"
        ) from None


def _frame(database: Any, name: str) -> Any:
    """The table as pandas has it; read from disk at the first call."""
    try:
        return database[name].df
    except Exception as error:
        raise DataError(
            f"table {name} cannot be read ({_reason(error)}); expected db.{name}.parquet or "
            f"db.{name}.csv as audformat writes them (a .pkl is never read)"
        ) from None


def _reason(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _column(database: Any, name: str, scheme: str, asked: str | None) -> str | None:
    """The column of a table that is asked for, or that has the scheme, or its name."""
    columns = database[name].columns
    if asked is not None:
        return asked if asked in columns else None
    by_scheme = [column for column in columns if columns[column].scheme_id == scheme]
    if len(by_scheme) > 1:
        raise DataError(
            f"table {name} has the columns {', '.join(by_scheme)} of the scheme {scheme}; name one "
            f"of them with --{scheme}"
        )
    return by_scheme[0] if by_scheme else (scheme if scheme in columns else None)


def _label_tables(
    database: Any, folder: Path, asked: Sequence[str], emotion: str | None
) -> list[str]:
    """The tables with the labels: those asked for, the only one, or one for each split."""
    every = list(database.tables)
    unknown = [name for name in asked if name not in every]
    candidates = [] if unknown else list(asked or every)
    with_labels = [name for name in candidates if _column(database, name, EMOTION, emotion)]
    if unknown or not with_labels or (asked and len(with_labels) < len(asked)):
        wanted = f"the column {emotion}" if emotion else "a column of the scheme emotion"
        columns = "; ".join(f"{name} ({', '.join(database[name].columns)})" for name in every)
        raise DataError(
            f"{visible(folder)}: expected {wanted} in {', '.join(asked) or 'a table'}, found the "
            f"tables {columns or '(none)'}; name them with --table and --emotion"
        )
    parts = [_part(database, name) for name in with_labels]
    if len(with_labels) > 1 and ("" in parts or len(set(parts)) < len(parts)):
        raise DataError(
            f"{visible(folder)}: several tables have labels ({', '.join(with_labels)}) and are not "
            "one for each of the splits train, dev and test; name those to use with --table"
        )
    return with_labels


def _part(database: Any, name: str) -> str:
    """The part that the split of a table is; "" for another split, or none."""
    split = database[name].split_id
    return PARTS.get(str(database.splits[split].type), "") if split is not None else ""


# --- Its rows ---


def _rows(database: Any, name: str, emotion: str | None, speaker: str | None) -> Iterator[_Row]:
    column = _column(database, name, EMOTION, emotion)
    frame = _frame(database, name)
    speaker_of = _speakers(database, name, speaker)
    fold = _part(database, name)
    for index, label in zip(frame.index, _cells(frame[column]), strict=True):
        file, start, end = index if isinstance(index, tuple) else (index, None, None)
        yield _Row(
            file=str(file),
            start_seconds=_seconds(start) or 0.0,
            end_seconds=_seconds(end),
            label=_text(label),
            speaker=speaker_of.get(index, speaker_of.get(file)),
            fold=fold,
        )


def _speakers(database: Any, name: str, asked: str | None) -> dict[object, str]:
    """File or segment -> who speaks, from the table of the labels, or else from the others."""
    others = [other for other in database.tables if other != name]
    having = [n for n in (name, *others) if _column(database, n, SPEAKER, asked)]
    if asked is not None and not having:
        raise DataError(f"no table has the column {asked}; name the speakers' column of one")
    speakers: dict[object, str] = {}
    for table in reversed(having[:1] if having[:1] == [name] else having):
        frame = _frame(database, table)
        values = _cells(frame[_column(database, table, SPEAKER, asked)])
        named = {index: _text(value) for index, value in zip(frame.index, values, strict=True)}
        speakers |= {index: text for index, text in named.items() if text is not None}
    return speakers


def _cells(column: Any) -> list[Any]:
    """The values of a column; None for empty ones."""
    return column.astype(object).where(column.notna(), None).tolist()


def _text(value: Any) -> str | None:
    """A cell as text; None for an empty one."""
    return None if value is None or not str(value).strip() else str(value)


def _seconds(value: Any) -> float | None:
    # A segment without an end has "not a time", which differs from itself.
    return None if value is None or value != value else float(value.total_seconds())


def _labels(database: Any, name: str, emotion: str | None, rows: Sequence[_Row]) -> dict[str, str]:
    """Each label of the rows -> emotion: its own name, or the one that its scheme gives it."""
    column = database[name].columns[_column(database, name, EMOTION, emotion)]
    scheme = column.scheme
    meanings = scheme.labels if scheme is not None and isinstance(scheme.labels, dict) else {}
    labels = sorted({row.label for row in rows if row.label is not None})
    if scheme is not None and str(scheme.dtype) not in ("str", "object", "int", "bool"):
        raise DataError(
            f"the column of the emotion has numbers ({scheme.dtype}), expected labels; name "
            "another with --emotion"
        )
    return {label: emotion_name(_meaning(meanings.get(label), label)) for label in labels}


def _meaning(described: object, label: str) -> str:
    named = described.get(EMOTION) if isinstance(described, dict) else None
    return named if isinstance(named, str) else label
