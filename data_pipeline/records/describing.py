"""What a prepared folder holds, in words: counts, lengths, folds, and what their parts share."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from data_pipeline.contract import PROTOCOLS, USUAL_PROTOCOLS
from data_pipeline.errors import DataError
from data_pipeline.records.prepared import Prepared
from data_pipeline.records.remarks import (
    cause_lines,
    notes_on_lengths,
    notes_on_offsets,
    read_rejected,
)
from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.checking import check_folds
from data_pipeline.splits.columns import Columns
from data_pipeline.splits.copies import check_copies
from data_pipeline.splits.fold import Fold
from data_pipeline.splits.folds import assign_folds
from data_pipeline.splits.leakage import audit
from data_pipeline.splits.wording import audit_in_words

# The seed only decides which utterances are drawn; the sizes stay.
SEED = 0
# Of the table of emotions, in letters: a line, and the least of a column.
MAX_LINE, MIN_COLUMN = 100, 9
# Columns that the table has lines for: the corpora, and what is known of the voices.
GROUPED = ("corpus", "session", "sex", "age", "language", "speaker")
# Of a column with more values, this many lines stand for all: those with the most utterances and
# those with the fewest.
MAX_VALUES, MOST, FEWEST = 60, 5, 5


def describe(prepared: Prepared) -> str:
    """Text about a prepared folder, ready to print.

    Args:
        prepared: from `load_prepared`.

    Returns:
        Several lines, without the last line break.
    """
    sections = [_overview(prepared), _emotions(prepared)]
    columns = Columns(prepared.utterances)
    sections += [_protocol(prepared, protocol, columns) for protocol in PROTOCOLS]
    return "\n\n".join("\n".join(lines) for lines in sections)


def _overview(prepared: Prepared) -> list[str]:
    features, counts = prepared.features, prepared.counts
    left_out = ", ".join(f"{code} {count}" for code, count in counts.left_out.items())
    narrow, wide = features.n_fft
    subset = "" if prepared.subset == "all" else f", {prepared.subset} only"
    return [
        f"{prepared.directory}: corpus {prepared.corpus}{subset}",
        f"features     MFCC by {features.mfcc}; mel spectrograms of {narrow} and {wide} points",
        f"utterances   {counts.kept} kept, {counts.rejected} rejected (see rejected.csv)",
        *(f"rejected     {line}" for line in cause_lines(read_rejected(prepared.directory))),
        f"left out     {left_out or 'none'}",
        f"duration     {_duration(prepared.utterances)}",
        f"frames       {_median_frames(prepared.utterances)}",
        *(f"note         {note}" for note in prepared.notes),
        *(f"note         {note}" for note in _notes(prepared)),
    ]


def _notes(prepared: Prepared) -> list[str]:
    """What the utterances themselves tell, beside what the reader of the corpus had to say."""
    try:
        copies = check_copies(prepared.utterances)
    except DataError as error:  # an earlier version prepared it
        copies = str(error)
    return [
        *([copies] if copies else []),
        *notes_on_lengths(prepared.utterances),
        *notes_on_offsets(prepared.offsets),
    ]


def _duration(rows: Sequence[UtteranceRow]) -> str:
    seconds = np.array([row.duration_seconds for row in rows])
    return (
        f"{seconds.sum() / 60:.1f} minutes; {seconds.min():.1f} to {seconds.max():.1f} s, "
        f"median {np.median(seconds):.1f} s"
    )


def _median_frames(rows: Sequence[UtteranceRow]) -> str:
    def median(column: str) -> str:
        return f"{np.median([getattr(row, column) for row in rows]):.0f}"

    return (
        f"median {median('num_mfcc_frames')} of MFCC, {median('num_frames_narrow')} narrow, "
        f"{median('num_frames_wide')} wide"
    )


def _emotions(prepared: Prepared) -> list[str]:
    """Table of utterances by emotion: all, and each value of the columns that say something."""
    emotions, counts = prepared.emotions, {"all": Counter(prepared.counts.emotions)}
    notes = []
    for column in GROUPED:
        of_column = _counts_by(prepared.utterances, column)
        names = _extremes(of_column)
        counts |= {f"{column} {value}": of_column[value] for value in names}
        if len(names) < len(of_column):
            notes.append(
                f"{len(of_column):,} values of {column}: of these the {MOST} with the most "
                f"utterances and the {FEWEST} with the fewest"
            )
    columns = [(e, [str(count[e]) for count in counts.values()]) for e in emotions]
    columns.append(("total", [str(count.total()) for count in counts.values()]))
    return [*_table(list(counts), columns), *notes]


def _counts_by(rows: Iterable[UtteranceRow], column: str) -> dict[str, Counter[str]]:
    """Value of a column -> emotion -> utterances; of values that are known, sorted."""
    pairs = Counter((getattr(row, column), row.emotion) for row in rows)
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (value, emotion), count in pairs.items():
        counts[value][emotion] = count
    return {value: counts[value] for value in sorted(counts) if value}


def _extremes(counts: Mapping[str, Counter[str]]) -> list[str]:
    """The values that have a line."""
    if len(counts) <= MAX_VALUES:
        return list(counts)
    by_size = sorted(counts, key=lambda value: (-counts[value].total(), value))
    return by_size[:MOST] + by_size[-FEWEST:]


def _table(names: Sequence[str], columns: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Lines of a table; where they would be too wide, one part below the other."""
    first = max(map(_width, names))
    lines: list[str] = []
    for part in _parts(columns, MAX_LINE - first):
        widths = [_column_width(column) for column in part]
        rows = [("", [head for head, _ in part])]
        rows += [(name, [cells[n] for _, cells in part]) for n, name in enumerate(names)]
        lines += [""] if lines else []
        for name, cells in rows:
            padded = (_padded(cell, width) for cell, width in zip(cells, widths, strict=True))
            lines.append(name + " " * (first - _width(name)) + "".join(padded))
    return lines


def _parts(
    columns: Sequence[tuple[str, Sequence[str]]], most: int
) -> Iterator[list[tuple[str, Sequence[str]]]]:
    """Neighbouring columns that fit into a line together, one at least."""
    part: list[tuple[str, Sequence[str]]] = []
    for column in columns:
        if part and sum(map(_column_width, [*part, column])) > most:
            yield part
            part = []
        part.append(column)
    yield part


def _column_width(column: tuple[str, Sequence[str]]) -> int:
    head, cells = column
    return max(MIN_COLUMN, *(_width(text) + 2 for text in (head, *cells)))


def _padded(text: str, width: int) -> str:
    return " " * (width - _width(text)) + text


def _width(text: str) -> int:
    """Columns of a terminal: Kanji take two, an accent that stands by itself none."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def check_usable(prepared: Prepared) -> None:
    """Refuse a corpus that nothing can be trained on.

    Raises:
        DataError: a recording has two emotions, or no protocol can divide the corpus.
    """
    check_copies(prepared.utterances)
    last: DataError | None = None
    for protocol in PROTOCOLS:
        try:
            _folds(prepared, protocol)
        except DataError as error:
            # That a corpus brings no folds of its own, and is one, is no fault of it.
            last = error if protocol in USUAL_PROTOCOLS or last is None else last
        else:
            return
    raise DataError(f"{prepared.directory}: {last}")


def _folds(prepared: Prepared, protocol: str) -> list[Fold]:
    """Folds that can be trained."""
    rows = prepared.utterances
    folds = assign_folds(
        rows,
        protocol,
        prepared.group_by,
        SEED,
        emotions=prepared.emotions,
        source=prepared.folds_of,
    )
    check_folds(folds, rows)
    return folds


def _protocol(prepared: Prepared, protocol: str, columns: Columns) -> list[str]:
    """One line a fold, and what training and test have in common."""
    rows = prepared.utterances
    try:
        folds = _folds(prepared, protocol)
        audited = audit(rows, folds, protocol, columns=columns)
    except DataError as error:
        return [f"protocol {protocol}: not possible here: {error}"]
    lines = [
        f"  fold {fold.number}  train {len(fold.train)}, validation {len(fold.validation)}, "
        f"test {len(fold.test)} ({fold.held_out})"
        for fold in folds
    ]
    return [f"protocol {protocol}: {len(folds)} folds", *lines, audit_in_words(audited)]
