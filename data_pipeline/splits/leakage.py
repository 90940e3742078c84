"""Leakage audit: what the parts of the folds share, and what can be guessed without listening.

A model that scores no more than a table of "this speaker is mostly angry" has learnt voices, not
emotions. Pure: rows and folds in, numbers out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data_pipeline.errors import DataError
from data_pipeline.names import alike_key, visible
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
    """

    shared: tuple[Shared, ...]
    guesses: tuple[Guess, ...]
    lengths: dict[str, tuple[int, int, int]]
    untrained: dict[int, list[str]]


def audit(rows: Sequence[UtteranceRow], folds: Sequence[Fold], protocol: str) -> Audit:
    """Audit the folds of a corpus, before anything is trained.

    Guesses are fitted on everything outside the test part of a fold (they have no choice to
    make, so they need no validation part) and scored on the test part.

    Args:
        rows: the utterances of a prepared folder; what a row does not tell is left out.
        folds: from `assign_folds`.
        protocol: "speaker" or "random".

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
        _untrained_emotions(folds, row_of),
    )


def _untrained_emotions(
    folds: Sequence[Fold], row_of: Mapping[str, UtteranceRow]
) -> dict[int, list[str]]:
    every = {row.emotion for row in row_of.values()}
    lacking = {f.number: sorted(every - {row_of[i].emotion for i in f.train}) for f in folds}
    return {number: emotions for number, emotions in lacking.items() if emotions}


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


# --- In words ---


def audit_in_words(found: Audit) -> str:
    """An audit as people read it: two small tables and what was fitted where.

    Args:
        found: from `audit`.

    Returns:
        Several lines, without the last line break.
    """
    lines = ["leakage audit"]
    lines += [_table_line("heard before, worst fold", "test, also outside", "validation, in train")]
    lines += [_shared_line(found.shared, column) for column in SHARED_COLUMNS]
    lines += [_table_line("guessing without listening", "WA (mean of folds)", "UA")]
    lines += [_guess_line(guess) for guess in found.guesses]
    lines += _fitted_lines(found.lengths)
    lines += _alike_lines(found.shared)
    for number, emotions in found.untrained.items():
        lines.append(f"  fold {number} trains on no {', '.join(emotions)}, so it cannot name it")
    return "\n".join(lines)


def _table_line(name: str, *cells: str) -> str:
    return f"  {name:28}" + "".join(f"{cell:>22}" for cell in cells)


def _shared_line(found: Iterable[Shared], column: str) -> str:
    cells = []
    for part in ("test", "validation"):
        of_part = [shared for shared in found if (shared.column, shared.part) == (column, part)]
        worst = max(of_part, key=_num_shared)
        cells.append(f"{_num_shared(worst)} of {worst.total}" if worst.total else "not known")
    return _table_line(f"  {SHARED_COLUMNS[column]}", *cells)


def _num_shared(shared: Shared) -> int:
    return len(shared.values) + len(shared.alike)


def _alike_lines(found: Iterable[Shared]) -> list[str]:
    return [
        f"  fold {shared.fold}: speakers of {shared.part} are in {' or '.join(shared.others)} "
        f"under another spelling: {', '.join(map(visible, shared.alike))}; give each one name"
        for shared in found
        if shared.column == "speaker" and shared.alike
    ]


def _guess_line(guess: Guess) -> str:
    pairs = (
        (guess.weighted_accuracy, guess.fold_weighted_accuracy),
        (guess.unweighted_accuracy, guess.fold_unweighted_accuracy),
    )
    cells = (f"{pooled:.1%} ({np.mean(of_folds):.1%})" for pooled, of_folds in pairs)
    return _table_line(f"  {GUESSES[guess.column]}", *cells)


def _fitted_lines(lengths: Mapping[str, tuple[int, int, int]]) -> list[str]:
    return [
        "  fitted on train: weights, normalisation, length of the spectrograms; "
        "on validation: the epoch; on test: nothing",
        *(
            f"    {name} spectrograms: median {smallest} to {largest} frames by fold "
            f"({everything} if validation and test were counted too)"
            for name, (smallest, largest, everything) in lengths.items()
        ),
    ]
