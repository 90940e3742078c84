"""Protocols: which utterances train, choose the epoch and test, in each fold.

`random`   stratified 5-fold over utterances, the usual reading of the paper's "5-fold
           cross-validation" (section 3.2). Speakers are on both sides.
`speaker`  nobody who is tested, or chooses the epoch, was heard in training: one session out
           where the corpus has sessions; else one speaker out up to ten speakers; else five groups
           of speakers.

The validation part is always taken from the training part.
"""

import hashlib
import json
import math
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, train_test_split

from data_pipeline.errors import DataError

PROTOCOLS = ("speaker", "random")
SPLITS = ("train", "validation", "test")
NUM_FOLDS = 5
# Share of the training part that validates under `random`.
VALIDATION_SHARE = 0.15
# Of the training part, under `speaker`, where a smaller group of speakers can be had.
MAX_VALIDATION_SHARE = 0.3
# Up to here each speaker is a fold; beyond it there would be too many trainings.
MAX_SPEAKERS_ONE_OUT = 10

Row = Mapping[str, str]


@dataclass(frozen=True)
class Fold:
    """A numbered part of the corpus to test on, and how the rest is divided.

    Attributes:
        number: from 0.
        train, validation, test: utterance ids, in the order of the rows; disjoint, and together
            all rows.
        held_out: what the test part is, for people: "session Session1", "speaker 03".
    """

    number: int
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    held_out: str


def assign_folds(rows: Sequence[Row], protocol: str, group_by: str, seed: int) -> list[Fold]:
    """Divide a corpus into folds; the same rows and seed give the same folds in any order.

    Args:
        rows: mappings with `utterance_id`, `emotion`, `speaker` and `session`, such as the
            utterances of a prepared folder.
        protocol: "speaker" or "random".
        group_by: "session" or "speaker", as the corpus says; used by the protocol `speaker`.
        seed: for everything that is drawn.

    Raises:
        DataError: unknown protocol, fewer than two emotions, an emotion with fewer than five
            utterances, too few speakers for `speaker`, or a speaker in two sessions.
    """
    if protocol not in PROTOCOLS:
        raise DataError(f"protocol {protocol!r} is not known; choose one of {', '.join(PROTOCOLS)}")
    _check_emotions(rows)
    # Sorted, so that the order in which a folder was listed cannot change what is drawn.
    ordered = sorted(rows, key=lambda row: row["utterance_id"])
    if protocol == "random":
        parts, validate = _random_parts(ordered, seed), _stratified_validation
    else:
        parts, validate = _speaker_parts(ordered, group_by, seed), _speaker_validation
    folds = []
    for number, (held_out, test) in enumerate(parts):
        rest = [row for row in ordered if row["utterance_id"] not in test]
        folds.append(_fold(number, rows, test, validate(rest, (seed, number)), held_out))
    if protocol == "speaker":
        for fold in folds:
            assert_speaker_disjoint(fold, rows)
    return folds


def folds_key(folds: Iterable[Fold]) -> str:
    """Change with any utterance of any part: results of equal keys are of the same folds."""
    parts = [[sorted(getattr(fold, name)) for name in SPLITS] for fold in folds]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def assert_speaker_disjoint(fold: Fold, rows: Iterable[Row]) -> None:
    """Check that no speaker is in two splits of a fold.

    Raises:
        DataError: naming the speakers that are.
    """
    speaker_of = {row["utterance_id"]: row["speaker"] for row in rows}
    splits_of: dict[str, set[str]] = {}
    for split in SPLITS:
        for utterance_id in getattr(fold, split):
            splits_of.setdefault(speaker_of[utterance_id], set()).add(split)
    shared = sorted(speaker for speaker, splits in splits_of.items() if len(splits) > 1)
    if shared:
        raise DataError(
            f"fold {fold.number} ({fold.held_out}) has the speakers {', '.join(shared)} in more "
            "than one split; give each speaker one name and one session, or take protocol random"
        )


def _check_emotions(rows: Sequence[Row]) -> None:
    counts = Counter(row["emotion"] for row in rows)
    if len(counts) < 2:
        found = ", ".join(counts) or "none"
        raise DataError(f"found the emotions: {found}; expected two or more, add recordings")
    rare = [f"{emotion} {count}" for emotion, count in sorted(counts.items()) if count < NUM_FOLDS]
    if rare:
        raise DataError(
            f"too few utterances of an emotion ({', '.join(rare)}): expected {NUM_FOLDS} or more "
            "of each; add recordings or leave the emotion out"
        )


def _random_parts(rows: Sequence[Row], seed: int) -> Iterator[tuple[str, set[str]]]:
    """What is held out, and its utterance ids, fold by fold."""
    splitter = StratifiedKFold(NUM_FOLDS, shuffle=True, random_state=seed)
    for _, test in splitter.split(rows, _column(rows, "emotion")):
        yield "random fifth", _ids(rows, test)


def _speaker_parts(rows: Sequence[Row], group_by: str, seed: int) -> Iterator[tuple[str, set[str]]]:
    """What is held out, and its utterance ids, fold by fold."""
    groups = sorted({row[group_by] for row in rows})
    if group_by == "speaker" and len(groups) > MAX_SPEAKERS_ONE_OUT:
        yield from _speaker_group_parts(rows, seed)
        return
    for group in groups:
        held_out = f"{group_by} {group}"
        _check_speakers_left([row for row in rows if row[group_by] != group], held_out)
        yield held_out, {row["utterance_id"] for row in rows if row[group_by] == group}


def _check_speakers_left(rows: Sequence[Row], held_out: str) -> None:
    speakers = sorted({row["speaker"] for row in rows})
    if len(speakers) < 2:
        raise DataError(
            f"with {held_out} held out these speakers are left: {', '.join(speakers) or 'none'}; "
            "expected two, to train and to validate: add speakers or take protocol random"
        )


def _speaker_group_parts(rows: Sequence[Row], seed: int) -> Iterator[tuple[str, set[str]]]:
    for number, test in enumerate(_divide_speakers(rows, NUM_FOLDS, seed), start=1):
        num_speakers = len({rows[index]["speaker"] for index in test})
        held_out = f"group {number} of {NUM_FOLDS}, {num_speakers} speakers"
        yield held_out, _ids(rows, test)


def _stratified_validation(rows: Sequence[Row], seeds: tuple[int, int]) -> set[str]:
    """Validation ids under `random`; `seeds` are the seed and the number of the fold."""
    emotions = _column(rows, "emotion")
    # scikit-learn wants one of each emotion; only a tiny corpus has fewer in its 15 %.
    size = max(math.ceil(VALIDATION_SHARE * len(rows)), len(set(emotions)))
    _, validation = train_test_split(
        np.arange(len(rows)), test_size=size, stratify=emotions, random_state=seeds[0]
    )
    return _ids(rows, validation)


def _speaker_validation(rows: Sequence[Row], seeds: tuple[int, int]) -> set[str]:
    """Validation ids under `speaker`: whole speakers, about a fifth of the training part.

    scikit-learn puts the largest and most one-sided speakers into its first parts whatever the
    seed, so the part is drawn here: of those that leave the most emotions to training, then of
    those with the most emotions, one of common size.
    """
    num_speakers = len(set(_column(rows, "speaker")))
    parts = _divide_speakers(rows, min(NUM_FOLDS, num_speakers), seeds[0])
    parts = [part for part in parts if len(part)]  # where each speaker has one emotion only
    emotions = np.array(_column(rows, "emotion"))
    for kept in (lambda part: np.delete(emotions, part), lambda part: emotions[part]):
        counts = [len(set(kept(part))) for part in parts]
        parts = [part for part, count in zip(parts, counts, strict=True) if count == max(counts)]
    most = max(MAX_VALIDATION_SHARE * len(rows), min(map(len, parts)))
    parts = [part for part in parts if len(part) <= most]
    return _ids(rows, parts[np.random.default_rng(seeds).integers(len(parts))])


def _divide_speakers(rows: Sequence[Row], num_parts: int, seed: int) -> list[np.ndarray]:
    """Indices of rows, divided by speaker into parts with emotions as alike as can be."""
    emotions, speakers = _column(rows, "emotion"), _column(rows, "speaker")
    most = max(Counter(emotions).values())
    if most < num_parts:
        raise DataError(
            f"no emotion has more than {most} utterances where {num_parts} groups of speakers are "
            "to be made; add recordings or take protocol random"
        )
    splitter = StratifiedGroupKFold(num_parts, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # An emotion that few utterances have cannot be in every part; that is not a fault.
        warnings.filterwarnings("ignore", message="The least populated class")
        return [part for _, part in splitter.split(rows, emotions, speakers)]


def _column(rows: Sequence[Row], name: str) -> list[str]:
    return [row[name] for row in rows]


def _ids(rows: Sequence[Row], indices: Iterable[int]) -> set[str]:
    return {rows[index]["utterance_id"] for index in indices}


def _fold(
    number: int, rows: Sequence[Row], test: set[str], validation: set[str], held_out: str
) -> Fold:
    ids = _column(rows, "utterance_id")
    return Fold(
        number=number,
        train=tuple(i for i in ids if i not in test and i not in validation),
        validation=tuple(i for i in ids if i in validation),
        test=tuple(i for i in ids if i in test),
        held_out=held_out,
    )
