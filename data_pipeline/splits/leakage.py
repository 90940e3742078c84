"""Leakage audit: what the parts of the folds share, and what can be guessed without listening.

A model that scores no more than a table of "this speaker is mostly angry" has learnt voices, not
emotions. Pure: rows and folds in, numbers out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from data_pipeline.contract import PARTS
from data_pipeline.errors import DataError
from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.columns import Column, Columns
from data_pipeline.splits.fold import UNHEARD, Fold
from data_pipeline.splits.guessing import guess_codes

# Column of the rows -> what several of its values are called.
SHARED_COLUMNS = {"speaker": "speakers", "text": "sentences", "audio_sha256": "recordings"}
# Columns that people write: two names that differ only in spelling are one.
WRITTEN = ("speaker", "text")
# What may not be on both sides under the protocols `speaker` and `corpus`.
KEPT_APART = ("speaker", "audio_sha256")
# Column that a guess looks at -> its name; None looks at nothing.
GUESSES: dict[str | None, str] = {
    None: "most frequent emotion",
    "speaker": "speaker alone",
    "text": "sentence alone",
    "scenario": "scenario alone",
}
# What every fold resizes its spectrograms to: the only number taken from the data before training.
LENGTHS = {"num_frames_narrow": "narrow", "num_frames_wide": "wide"}


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Values of a column that are in two parts of a fold.

    Attributes:
        fold: number of the fold.
        column: a key of `SHARED_COLUMNS`.
        part, others: the part looked at, and those in which its values were found again.
        values: those found in both, sorted.
        alike: those of the part that differ only in spelling from one of the others.
        total: how many values the part has; 0 where the corpus does not tell.
    """

    fold: int
    column: str
    part: str
    others: tuple[str, ...]
    values: tuple[str, ...]
    alike: tuple[str, ...]
    total: int


@dataclass(frozen=True, kw_only=True)
class Guess:
    """Scores of a guess from one column alone, in [0, 1].

    Attributes:
        column: a key of `GUESSES`.
        weighted_accuracy, unweighted_accuracy: of all test utterances together.
        fold_weighted_accuracy, fold_unweighted_accuracy: one value a fold.
    """

    column: str | None
    weighted_accuracy: float
    unweighted_accuracy: float
    fold_weighted_accuracy: tuple[float, ...]
    fold_unweighted_accuracy: tuple[float, ...]


@dataclass(frozen=True)
class Audit:
    """What `audit` found.

    Attributes:
        shared: for each fold and column, test against the rest and validation against train.
        guesses: one for each of `GUESSES` that the corpus tells enough for.
        lengths: "narrow" and "wide" -> (smallest, largest median number of frames over the
            training parts, median over all utterances); empty where rows have no lengths.
        untrained: fold -> emotions that nobody in its training part has; folds that lack none
            are left out.
        untested: the same of its test part, where nobody draws it: under `given` and `corpus`.
        remarks: sentences about voices and recordings, where the corpus brings the folds.
    """

    shared: tuple[Shared, ...]
    guesses: tuple[Guess, ...]
    lengths: dict[str, tuple[int, int, int]]
    untrained: dict[int, list[str]]
    untested: dict[int, list[str]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def audit(
    rows: Sequence[UtteranceRow],
    folds: Sequence[Fold],
    protocol: str,
    *,
    columns: Columns | None = None,
) -> Audit:
    """Audit the folds of a corpus, before anything is trained.

    Guesses are fitted on everything outside the test part of a fold (they have no choice to
    make, so they need no validation part) and scored on the test part.

    Args:
        rows: the utterances of a prepared folder; what a row does not tell is left out.
        folds: from `assign_folds`.
        protocol: one of `PROTOCOLS`.
        columns: of these rows, where several protocols are audited one after the other.

    Returns:
        What was found; `audit_in_words` says it.

    Raises:
        DataError: under `speaker` or `corpus`, a speaker or the same recording is in two parts of
            a fold.
    """
    looked_at = _Rows(columns or Columns(rows), folds)
    found = tuple(
        _shared(looked_at, fold, column, part, others)
        for fold in folds
        for column in SHARED_COLUMNS
        for part, others in (("test", ("train", "validation")), ("validation", ("train",)))
    )
    if protocol in UNHEARD:
        for shared in found:
            _check_kept_apart(shared, rows, protocol)
    known = [c for c in GUESSES if c is None or any(getattr(row, c) for row in rows)]
    may_lack = protocol in ("given", "corpus")
    return Audit(
        found,
        tuple(_score_guess(looked_at, folds, column) for column in known),
        _median_lengths(looked_at, folds),
        _lacking_emotions(looked_at, folds, "train"),
        _lacking_emotions(looked_at, folds, "test") if may_lack else {},
        tuple(_remarks_on_given(found)) if protocol == "given" else (),
    )


class _Rows:
    """Rows by number: their columns, and the rows of each part of each fold."""

    def __init__(self, columns: Columns, folds: Sequence[Fold]) -> None:
        self.rows, self.column, self.spellings = columns.rows, columns.column, columns.spellings
        self._columns = columns
        self._parts = {
            (fold.number, part): rows
            for fold in folds
            for part, rows in zip(PARTS, self._rows_of(fold), strict=True)
        }

    def _rows_of(self, fold: Fold) -> list[np.ndarray]:
        """Where the rows of the three parts of a fold are; what is in no other part trains."""
        find = self._columns.position_of.__getitem__
        others = [
            np.fromiter(map(find, ids), np.int64, len(ids)) for ids in (fold.validation, fold.test)
        ]
        is_train = np.ones(len(self.rows), bool)
        is_train[np.concatenate(others)] = False
        return [np.flatnonzero(is_train), *others]

    def positions(self, fold: Fold, *parts: str) -> np.ndarray:
        """Where the rows of some parts of a fold are."""
        return np.concatenate([self._parts[fold.number, part] for part in parts])


def _lacking_emotions(looked_at: _Rows, folds: Sequence[Fold], part: str) -> dict[int, list[str]]:
    """Fold -> emotions that nobody in a part of it has."""
    emotions = looked_at.column("emotion")
    lacking = {
        fold.number: _named(emotions, ~emotions.present(looked_at.positions(fold, part)))
        for fold in folds
    }
    return {number: list(names) for number, names in lacking.items() if names}


def _named(column: Column, chosen: np.ndarray) -> tuple[str, ...]:
    """The values that are chosen, (num_values,) bool; sorted, as they are in the column."""
    return tuple(column.values[code] for code in np.flatnonzero(chosen))


def _remarks_on_given(found: Sequence[Shared]) -> Iterable[str]:
    """What the folds of a corpus do not keep apart: they are taken as they are, and it is said."""
    for column in KEPT_APART:
        tested = [s for s in found if s.part == "test" and s.column == column]
        if not any(shared.total for shared in tested):
            if column == "speaker":
                yield "voices cannot be checked: the corpus does not tell who speaks"
            continue
        heard = [shared for shared in tested if shared.values]
        if heard:
            values = {value for shared in heard for value in shared.values}
            numbers = ", ".join(str(shared.fold) for shared in heard)
            yield (
                f"the given folds test {SHARED_COLUMNS[column]} that are also trained or "
                f"validated on: {len(values)}, in fold {numbers}"
            )


def _shared(looked_at: _Rows, fold: Fold, name: str, part: str, others: tuple[str, ...]) -> Shared:
    """The values of a column that a part of a fold has in common with others."""
    column = looked_at.column(name)
    is_told = np.ones(len(column.values), bool)
    is_told[:1] = column.values[0] != ""  # sorted, so what is not told is the first
    own = column.present(looked_at.positions(fold, part)) & is_told
    other = column.present(looked_at.positions(fold, *others)) & is_told
    alike = np.zeros_like(own)
    if name in WRITTEN:
        spellings = looked_at.spellings(name)
        alike = own & ~other & np.isin(spellings, spellings[other])
    return Shared(
        fold=fold.number,
        column=name,
        part=part,
        others=others,
        values=_named(column, own & other),
        alike=_named(column, alike),
        total=int(own.sum()),
    )


def _check_kept_apart(shared: Shared, rows: Iterable[UtteranceRow], protocol: str) -> None:
    if shared.column not in KEPT_APART or not shared.values:
        return
    named, column = list(shared.values), shared.column
    if column == "audio_sha256":  # nobody knows a recording by its checksum
        values = set(shared.values)
        named = sorted(row.utterance_id for row in rows if row.audio_sha256 in values)
    raise DataError(
        f"fold {shared.fold}: the same {SHARED_COLUMNS[column]} are in {shared.part} and "
        f"{' or '.join(shared.others)} ({', '.join(named[:6])}), expected none under the protocol "
        f"{protocol}: give each speaker one name, remove copies, or take protocol random"
    )


# --- Guessing without listening ---


def _score_guess(looked_at: _Rows, folds: Sequence[Fold], name: str | None) -> Guess:
    emotions, column = looked_at.column("emotion"), looked_at.column(name)
    fold_pairs = []
    for fold in folds:
        tested = looked_at.positions(fold, "test")
        known = looked_at.positions(fold, "train", "validation")
        values = Column(column.values, column.codes[known])
        guessed = guess_codes(emotions.codes[known], values, column.codes[tested])
        fold_pairs.append((emotions.codes[tested], guessed))
    pooled = accuracies(*(np.concatenate(of_all) for of_all in zip(*fold_pairs, strict=True)))
    of_folds = [accuracies(*pair) for pair in fold_pairs]
    return Guess(
        column=name,
        weighted_accuracy=pooled[0],
        unweighted_accuracy=pooled[1],
        fold_weighted_accuracy=tuple(weighted for weighted, _ in of_folds),
        fold_unweighted_accuracy=tuple(unweighted for _, unweighted in of_folds),
    )


def accuracies(emotions: np.ndarray, guessed: np.ndarray) -> tuple[float, float]:
    """Compute WA and UA: the accuracy, and the mean recall of the emotions that occur.

    Args:
        emotions: the true ones, (num_utterances,).
        guessed: the others, (num_utterances,).

    Returns:
        Both in [0, 1].
    """
    right = emotions == guessed
    recalls = [right[emotions == emotion].mean() for emotion in np.unique(emotions)]
    return float(right.mean()), float(np.mean(recalls))


# --- Statistics taken from the data ---


def _median_lengths(looked_at: _Rows, folds: Sequence[Fold]) -> dict[str, tuple[int, int, int]]:
    lengths: dict[str, tuple[int, int, int]] = {}
    for column, name in LENGTHS.items():
        every = np.array([getattr(row, column) for row in looked_at.rows])
        if not every.all():  # a row that does not know its length has 0
            return {}
        medians = [int(np.median(every[looked_at.positions(fold, "train")])) for fold in folds]
        lengths[name] = (min(medians), max(medians), int(np.median(every)))
    return lengths
