"""Leakage audit: what the parts of the folds share, and what can be guessed without listening.

A model that scores no more than a table of "this speaker is mostly angry" has learnt voices, not
emotions. Pure: rows and folds in, numbers out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from data_pipeline.errors import DataError
from data_pipeline.names import alike_key
from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.fold import Fold

# Column of the rows -> what several of its values are called.
SHARED_COLUMNS = {"speaker": "speakers", "text": "sentences", "audio_sha256": "recordings"}
# Columns that people write: two names that differ only in spelling are one.
WRITTEN = ("speaker", "text")
# What may not be on both sides under the protocol `speaker`.
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
        untested: the same of its test part, where the corpus brings the folds.
        remarks: sentences about voices and recordings, where the corpus brings the folds.
    """

    shared: tuple[Shared, ...]
    guesses: tuple[Guess, ...]
    lengths: dict[str, tuple[int, int, int]]
    untrained: dict[int, list[str]]
    untested: dict[int, list[str]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def audit(rows: Sequence[UtteranceRow], folds: Sequence[Fold], protocol: str) -> Audit:
    """Audit the folds of a corpus, before anything is trained.

    Guesses are fitted on everything outside the test part of a fold (they have no choice to
    make, so they need no validation part) and scored on the test part.

    Args:
        rows: the utterances of a prepared folder; what a row does not tell is left out.
        folds: from `assign_folds`.
        protocol: one of `PROTOCOLS`.

    Returns:
        What was found; `audit_in_words` says it.

    Raises:
        DataError: under `speaker`, a speaker or the same recording is in two parts of a fold.
    """
    row_of = {row.utterance_id: row for row in rows}
    found = tuple(
        shared_values(fold, row_of, column, part, others)
        for fold in folds
        for column in SHARED_COLUMNS
        for part, others in (("test", ("train", "validation")), ("validation", ("train",)))
    )
    if protocol == "speaker":
        for shared in found:
            _check_kept_apart(shared, row_of)
    known = [c for c in GUESSES if c is None or any(getattr(row, c) for row in rows)]
    return Audit(
        found,
        tuple(_score_guess(folds, row_of, c) for c in known),
        _median_lengths(folds, row_of),
        _lacking_emotions(folds, row_of, "train"),
        _lacking_emotions(folds, row_of, "test") if protocol == "given" else {},
        tuple(_remarks_on_given(found)) if protocol == "given" else (),
    )


def _lacking_emotions(
    folds: Sequence[Fold], row_of: Mapping[str, UtteranceRow], part: str
) -> dict[int, list[str]]:
    """Fold -> emotions that nobody in a part of it has."""
    every = {row.emotion for row in row_of.values()}
    lacking = {
        fold.number: sorted(every - {row_of[i].emotion for i in getattr(fold, part)})
        for fold in folds
    }
    return {number: emotions for number, emotions in lacking.items() if emotions}


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


def shared_values(
    fold: Fold, row_of: Mapping[str, UtteranceRow], column: str, part: str, others: tuple[str, ...]
) -> Shared:
    """The values of a column that a part of a fold has in common with others.

    Args:
        fold: from `assign_folds`.
        row_of: utterance id -> row.
        column: a key of `SHARED_COLUMNS`.
        part: the part looked at, one of `PARTS`.
        others: the parts in which its values are looked for.

    Returns:
        The values in both, and how many the part has.
    """

    def values(*names: str) -> set[str]:
        ids = (utterance_id for name in names for utterance_id in getattr(fold, name))
        return {getattr(row_of[utterance_id], column) for utterance_id in ids} - {""}

    own, other = values(part), values(*others)
    keys = {alike_key(value) for value in other} if column in WRITTEN else set()
    return Shared(
        fold=fold.number,
        column=column,
        part=part,
        others=others,
        values=tuple(sorted(own & other)),
        alike=tuple(sorted(value for value in own - other if alike_key(value) in keys)),
        total=len(own),
    )


def _check_kept_apart(shared: Shared, row_of: Mapping[str, UtteranceRow]) -> None:
    if shared.column not in KEPT_APART or not shared.values:
        return
    named, column = list(shared.values), shared.column
    if column == "audio_sha256":  # nobody knows a recording by its checksum
        named = sorted(i for i, row in row_of.items() if row.audio_sha256 in shared.values)
    raise DataError(
        f"fold {shared.fold}: the same {SHARED_COLUMNS[column]} are in {shared.part} and "
        f"{' or '.join(shared.others)} ({', '.join(named[:6])}), expected none under the protocol "
        "speaker: give each speaker one name, remove copies, or take protocol random"
    )


# --- Guessing without listening ---


def guess_emotions(
    known: Iterable[UtteranceRow], asked: Iterable[UtteranceRow], column: str | None
) -> list[str]:
    """The emotion that is most frequent among known rows with the same value of a column.

    Args:
        known: rows whose emotion may be looked at.
        asked: rows to guess; their emotion is not looked at.
        column: what is looked at; None looks at nothing. A value that was never seen, or "",
            gets the most frequent emotion of all known rows. Of equally frequent emotions the
            more frequent over all wins, then the first in the alphabet.

    Returns:
        An emotion for each row asked, in order.
    """
    counts: dict[str | None, Counter[str]] = {None: Counter()}
    for row in known:
        counts[None][row.emotion] += 1
        if column and getattr(row, column):
            counts.setdefault(getattr(row, column), Counter())[row.emotion] += 1

    def rank(value: str | None) -> Callable[[str], tuple[int, int, str]]:
        return lambda emotion: (-counts[value][emotion], -counts[None][emotion], emotion)

    best = {value: min(seen, key=rank(value)) for value, seen in counts.items()}
    return [best.get(getattr(row, column) if column else None, best[None]) for row in asked]


def _score_guess(
    folds: Sequence[Fold], row_of: Mapping[str, UtteranceRow], column: str | None
) -> Guess:
    fold_pairs = []
    for fold in folds:
        tested = [row_of[i] for i in fold.test]
        known = [row_of[i] for i in (*fold.train, *fold.validation)]
        guessed = guess_emotions(known, tested, column)
        fold_pairs.append((np.array([row.emotion for row in tested]), np.array(guessed)))
    pooled = accuracies(*(np.concatenate(of_all) for of_all in zip(*fold_pairs, strict=True)))
    of_folds = [accuracies(*pair) for pair in fold_pairs]
    return Guess(
        column=column,
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


def _median_lengths(
    folds: Sequence[Fold], row_of: Mapping[str, UtteranceRow]
) -> dict[str, tuple[int, int, int]]:
    lengths: dict[str, tuple[int, int, int]] = {}
    for column, name in LENGTHS.items():
        length_of = {utterance_id: getattr(row, column) for utterance_id, row in row_of.items()}
        if not all(length_of.values()):  # a row that does not know its length has 0
            return {}
        medians = [int(np.median([length_of[i] for i in fold.train])) for fold in folds]
        everything = int(np.median(list(length_of.values())))
        lengths[name] = (min(medians), max(medians), everything)
    return lengths
