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
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, train_test_split

from data_pipeline.contract import PARTS, PROTOCOLS
from data_pipeline.errors import DataError
from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.fold import Fold

NUM_FOLDS = 5
# Under `random`: the share of the utterances outside the test part that validates.
VALIDATION_SHARE = 0.15
# Under `speaker`: a group of speakers with a larger share than this does not validate, unless every
# group is larger.
MAX_VALIDATION_SHARE = 0.3
# Up to here each speaker is a fold; beyond it there would be too many trainings.
MAX_SPEAKERS_ONE_OUT = 10

# A part: what is held out, for people, and the utterance ids in it.
HeldOut = tuple[str, set[str]]


def assign_folds(
    rows: Sequence[UtteranceRow],
    protocol: str,
    group_by: str,
    seed: int,
    emotions: Iterable[str] = (),
) -> list[Fold]:
    """Divide a corpus into folds; the same rows and seed give the same folds in any order.

    Args:
        rows: the utterances of a prepared folder; of each its id, emotion, speaker and session.
        protocol: one of `PROTOCOLS`.
        group_by: "session" or "speaker", as the corpus says; used by the protocol `speaker`.
        seed: for everything that is drawn.
        emotions: those that the corpus has labels for; one that no row has is too rare, too.

    Returns:
        The folds, in order of their numbers.

    Raises:
        DataError: unknown protocol, fewer than two emotions, an emotion with fewer than five
            utterances, too few speakers for `speaker`, or a speaker in two sessions.
    """
    if protocol not in PROTOCOLS:
        raise DataError(f"protocol {protocol!r} is not known; choose one of {', '.join(PROTOCOLS)}")
    _check_emotions(rows, emotions)
    # Sorted, so that the order in which a folder was listed cannot change what is drawn.
    ordered = sorted(rows, key=lambda row: row.utterance_id)
    if protocol == "random":
        tests, validate = _random_tests(ordered, seed), _stratified_validation
    else:
        tests, validate = _speaker_tests(ordered, group_by, seed), _speaker_validation
    folds = []
    for number, (held_out, test) in enumerate(tests):
        rest = [row for row in ordered if row.utterance_id not in test]
        folds.append(_fold(number, rows, test, validate(rest, (seed, number)), held_out))
    if protocol == "speaker":
        for fold in folds:
            assert_speaker_disjoint(fold, rows)
    return folds


def folds_key(folds: Iterable[Fold]) -> str:
    """A checksum of every utterance of every part: results of equal keys are of the same folds."""
    parts = [[sorted(getattr(fold, part)) for part in PARTS] for fold in folds]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def assert_speaker_disjoint(fold: Fold, rows: Iterable[UtteranceRow]) -> None:
    """Check that no speaker is in two parts of a fold.

    Args:
        fold: from `assign_folds`.
        rows: every utterance of the fold.

    Raises:
        DataError: naming the speakers that are.
    """
    speaker_of = {row.utterance_id: row.speaker for row in rows}
    parts_of: dict[str, set[str]] = {}
    for part in PARTS:
        for utterance_id in getattr(fold, part):
            parts_of.setdefault(speaker_of[utterance_id], set()).add(part)
    shared = sorted(speaker for speaker, parts in parts_of.items() if len(parts) > 1)
    if shared:
        raise DataError(
            f"fold {fold.number} ({fold.held_out}) has the speakers {', '.join(shared)} in more "
            "than one part; give each speaker one name and one session, or take protocol random"
        )


def _check_emotions(rows: Sequence[UtteranceRow], labels: Iterable[str]) -> None:
    counts = Counter(_emotions(rows))
    if len(counts) < 2:
        found = ", ".join(counts) or "none"
        raise DataError(f"found the emotions: {found}; expected two or more, add recordings")
    counts.update(dict.fromkeys(labels, 0))
    rare = [f"{emotion} {count}" for emotion, count in sorted(counts.items()) if count < NUM_FOLDS]
    if rare:
        raise DataError(
            f"too few utterances of an emotion ({', '.join(rare)}): expected {NUM_FOLDS} or more "
            "of each; add recordings or leave the emotion out"
        )


def _random_tests(rows: Sequence[UtteranceRow], seed: int) -> Iterator[HeldOut]:
    """The test parts under `random`."""
    splitter = StratifiedKFold(NUM_FOLDS, shuffle=True, random_state=seed)
    for _, test in splitter.split(rows, _emotions(rows)):
        yield "random fifth", _ids(rows, test)


def _speaker_tests(rows: Sequence[UtteranceRow], group_by: str, seed: int) -> Iterator[HeldOut]:
    """The test parts under `speaker`."""
    group_of = {row.utterance_id: getattr(row, group_by) for row in rows}
    groups = sorted(set(group_of.values()))
    if group_by == "speaker" and len(groups) > MAX_SPEAKERS_ONE_OUT:
        yield from _speaker_group_tests(rows, seed)
        return
    for group in groups:
        held_out = f"{group_by} {group}"
        test = {utterance_id for utterance_id, other in group_of.items() if other == group}
        _check_speakers_left([row for row in rows if row.utterance_id not in test], held_out)
        yield held_out, test


def _check_speakers_left(rows: Sequence[UtteranceRow], held_out: str) -> None:
    speakers = sorted(set(_speakers(rows)))
    if len(speakers) < 2:
        raise DataError(
            f"with {held_out} held out these speakers are left: {', '.join(speakers) or 'none'}; "
            "expected two, to train and to validate: add speakers or take protocol random"
        )


def _speaker_group_tests(rows: Sequence[UtteranceRow], seed: int) -> Iterator[HeldOut]:
    """The test parts where there are more speakers than folds."""
    for number, test in enumerate(_divide_speakers(rows, NUM_FOLDS, seed), start=1):
        num_speakers = len({rows[index].speaker for index in test})
        held_out = f"group {number} of {NUM_FOLDS}, {num_speakers} speakers"
        yield held_out, _ids(rows, test)


def _stratified_validation(rows: Sequence[UtteranceRow], seeds: tuple[int, int]) -> set[str]:
    """Validation ids under `random`; `seeds` are the seed and the number of the fold."""
    emotions = _emotions(rows)
    # scikit-learn wants one of each emotion; only a tiny corpus has fewer in its 15 %.
    size = max(math.ceil(VALIDATION_SHARE * len(rows)), len(set(emotions)))
    _, validation = train_test_split(
        np.arange(len(rows)), test_size=size, stratify=emotions, random_state=seeds[0]
    )
    return _ids(rows, validation)


def _speaker_validation(rows: Sequence[UtteranceRow], seeds: tuple[int, int]) -> set[str]:
    """Validation ids under `speaker`: whole speakers, about a fifth of the rows.

    scikit-learn divides the speakers into groups. It puts the largest and most one-sided speakers
    into the first ones, whatever the seed, so the group that validates is drawn here, in steps:

    1. Keep the groups without which the most emotions are left to train on.
    2. Of these, keep the groups that have the most emotions themselves.
    3. Of these, drop the groups that are too large (`MAX_VALIDATION_SHARE`).
    4. Draw one of those that are left.
    """
    num_speakers = len(set(_speakers(rows)))
    groups = _divide_speakers(rows, min(NUM_FOLDS, num_speakers), seeds[0])
    groups = [group for group in groups if len(group)]  # where each speaker has one emotion only
    emotions = np.array(_emotions(rows))
    groups = _with_most_emotions(groups, [np.delete(emotions, group) for group in groups])
    groups = _with_most_emotions(groups, [emotions[group] for group in groups])
    most = max(MAX_VALIDATION_SHARE * len(rows), min(map(len, groups)))
    groups = [group for group in groups if len(group) <= most]
    return _ids(rows, groups[np.random.default_rng(seeds).integers(len(groups))])


def _with_most_emotions(
    groups: Sequence[np.ndarray], emotions: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Those groups whose own array of emotions has the most different ones."""
    counts = [len(set(of_group)) for of_group in emotions]
    return [group for group, count in zip(groups, counts, strict=True) if count == max(counts)]


def _divide_speakers(rows: Sequence[UtteranceRow], num_groups: int, seed: int) -> list[np.ndarray]:
    """Indices of rows, divided by speaker into groups with emotions as alike as can be."""
    emotions, speakers = _emotions(rows), _speakers(rows)
    most = max(Counter(emotions).values())
    if most < num_groups:
        raise DataError(
            f"no emotion has more than {most} utterances where {num_groups} groups of speakers are "
            "to be made; add recordings or take protocol random"
        )
    splitter = StratifiedGroupKFold(num_groups, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # An emotion that few utterances have cannot be in every group; that is not a fault.
        warnings.filterwarnings("ignore", message="The least populated class")
        return [group for _, group in splitter.split(rows, emotions, speakers)]


def _emotions(rows: Iterable[UtteranceRow]) -> list[str]:
    return [row.emotion for row in rows]


def _speakers(rows: Iterable[UtteranceRow]) -> list[str]:
    return [row.speaker for row in rows]


def _ids(rows: Sequence[UtteranceRow], indices: Iterable[int]) -> set[str]:
    return {rows[index].utterance_id for index in indices}


def _fold(
    number: int, rows: Sequence[UtteranceRow], test: set[str], validation: set[str], held_out: str
) -> Fold:
    ids = [row.utterance_id for row in rows]
    return Fold(
        number=number,
        train=tuple(i for i in ids if i not in test and i not in validation),
        validation=tuple(i for i in ids if i in validation),
        test=tuple(i for i in ids if i in test),
        held_out=held_out,
    )
