"""Protocols: which utterances train, choose the epoch and test, in each fold.

`random`   stratified 5-fold over utterances, the usual reading of the paper's "5-fold
           cross-validation" (section 3.2). Speakers are on both sides.
`speaker`  nobody who is tested, or chooses the epoch, was heard in training: one session out
           where the corpus has sessions; else one speaker out; from eleven sessions or speakers on,
           and where there are several corpora, five groups of them.
`given`    the folds that the corpus brings (`given.py`).
`corpus`   one corpus is tested, the others train.

The validation part is always taken from the training part. Where there are several corpora, what
is drawn is as even over them as over the emotions.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from sklearn.model_selection import StratifiedKFold, train_test_split

from data_pipeline.contract import PARTS, PROTOCOLS
from data_pipeline.errors import DataError
from data_pipeline.names import visible
from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.columns import column_of, joined
from data_pipeline.splits.even_groups import even_groups
from data_pipeline.splits.fold import UNHEARD, Fold
from data_pipeline.splits.given import (
    brings_folds,
    fifth_of_each_emotion,
    given_tests,
    given_validation,
)

NUM_FOLDS = 5
# Under `random`: the share of the utterances outside the test part that validates.
VALIDATION_SHARE = 0.15
# Under `speaker`: a group of speakers with a larger share than this does not validate, unless every
# group is larger.
MAX_VALIDATION_SHARE = 0.3
# Up to here each speaker or session is a fold; beyond it there would be too many trainings.
MAX_ONE_OUT = 10

# A part: what is held out, for people, and the utterance ids in it.
HeldOut = tuple[str, set[str]]
# Rows outside the test part, the seed and the number of the fold -> ids that validate.
Validate = Callable[[Sequence[UtteranceRow], tuple[int, int]], set[str]]


def assign_folds(
    rows: Sequence[UtteranceRow],
    protocol: str,
    group_by: str,
    seed: int,
    emotions: Iterable[str] = (),
    *,
    source: str = "the corpus",
) -> list[Fold]:
    """Divide a corpus into folds; the same rows and seed give the same folds in any order.

    Args:
        rows: the utterances of a prepared folder; of each its id, emotion, speaker and session.
        protocol: one of `PROTOCOLS`.
        group_by: "session" or "speaker", as the corpus says; used by the protocol `speaker`.
        seed: for everything that is drawn.
        emotions: those that the corpus has labels for; one that no row has is too rare, too.
        source: whose folds those of the protocol `given` are, for people.

    Returns:
        The folds, in order of their numbers.

    Raises:
        DataError: unknown protocol, fewer than two emotions, an emotion with fewer than five
            utterances, too few speakers for `speaker`, a speaker in two sessions, speakers that
            are not known, no folds of its own for `given`, or one corpus for `corpus`.
    """
    if protocol not in PROTOCOLS:
        raise DataError(f"protocol {protocol!r} is not known; choose one of {', '.join(PROTOCOLS)}")
    _check_emotions(rows, emotions, least=1 if protocol == "given" else NUM_FOLDS)
    _check_speakers_known(rows, protocol)
    # Sorted, so that the order in which a folder was listed cannot change what is drawn.
    ordered = sorted(rows, key=lambda row: row.utterance_id)
    tests, validate = _protocol(ordered, protocol, group_by, seed, source)
    folds = []
    for number, (held_out, test) in enumerate(tests):
        rest = [row for row in ordered if row.utterance_id not in test]
        folds.append(_fold(number, rows, test, validate(rest, (seed, number)), held_out))
    if protocol in UNHEARD:
        for fold in folds:
            assert_speaker_disjoint(fold, rows)
    return folds


def _protocol(
    rows: Sequence[UtteranceRow], protocol: str, group_by: str, seed: int, source: str
) -> tuple[Iterable[HeldOut], Validate]:
    """The test parts under a protocol, and what draws the validation part of each."""
    if protocol == "random":
        return _random_tests(rows, seed), _stratified_validation
    if protocol == "given":
        return given_tests(rows, source), _given_validation
    if protocol == "corpus":
        return _corpus_tests(rows), _whole_speakers_or_a_fifth
    return _speaker_tests(rows, group_by, seed), _speaker_validation


def folds_key(folds: Iterable[Fold]) -> str:
    """A checksum of every utterance of every part: results of equal keys are of the same folds."""
    parts = [[sorted(getattr(fold, part)) for part in PARTS] for fold in folds]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def assert_speaker_disjoint(fold: Fold, rows: Iterable[UtteranceRow]) -> None:
    """Check that no speaker is in two parts of a fold; those that are not known are passed over.

    Args:
        fold: from `assign_folds`.
        rows: every utterance of the fold.

    Raises:
        DataError: naming the speakers that are.
    """
    speaker_of = {row.utterance_id: row.speaker for row in rows}
    parts = [{speaker_of[i] for i in getattr(fold, part)} for part in PARTS]
    counts = Counter(speaker for of_part in parts for speaker in of_part - {""})
    shared = sorted(speaker for speaker, count in counts.items() if count > 1)
    if shared:
        raise DataError(
            f"fold {fold.number} ({fold.held_out}) has the speakers {', '.join(shared)} in more "
            "than one part; give each speaker one name and one session, or take protocol random"
        )


def _check_emotions(rows: Sequence[UtteranceRow], labels: Iterable[str], least: int) -> None:
    counts = Counter(row.emotion for row in rows)
    if len(counts) < 2:
        found = ", ".join(counts) or "none"
        raise DataError(f"found the emotions: {found}; expected two or more, add recordings")
    counts.update(dict.fromkeys(labels, 0))
    rare = [f"{emotion} {count}" for emotion, count in sorted(counts.items()) if count < least]
    if rare:
        raise DataError(
            f"too few utterances of an emotion ({', '.join(rare)}): expected {least} or more "
            "of each; add recordings or leave the emotion out"
        )


def _check_speakers_known(rows: Sequence[UtteranceRow], protocol: str) -> None:
    """Without speakers the folds that the corpus brings are all that can be trusted."""
    unknown = [row for row in rows if not row.speaker]
    if not unknown or protocol in ("given", "corpus"):
        return
    who = f"the corpus {visible(unknown[0].corpus)}" if len(_corpora(rows)) > 1 else "the corpus"
    if len(unknown) == len(rows) and brings_folds(rows):
        raise DataError(
            f"{who} does not tell who speaks, so only its own folds are offered; take protocol "
            "given, or prepare it again with --speaker"
        )
    if protocol == "speaker":
        raise DataError(
            f"{who} does not tell who speaks, so voices cannot be kept apart; prepare it again "
            "with --speaker, or take protocol random"
        )


def _corpora(rows: Iterable[UtteranceRow]) -> list[str]:
    return sorted({row.corpus for row in rows})


def _random_tests(rows: Sequence[UtteranceRow], seed: int) -> Iterator[HeldOut]:
    """The test parts under `random`."""
    splitter = StratifiedKFold(NUM_FOLDS, shuffle=True, random_state=seed)
    for _, test in splitter.split(np.zeros(len(rows)), _strata(rows)):
        yield "random fifth", _ids(rows, test)


def _corpus_tests(rows: Sequence[UtteranceRow]) -> Iterator[HeldOut]:
    """The test parts under `corpus`."""
    corpora = _corpora(rows)
    if len(corpora) < 2:
        raise DataError(
            f"there is one corpus ({', '.join(filter(None, corpora)) or 'the one of --data'}), and "
            "protocol corpus tests one and trains on the others: give several prepared folders to "
            "--data, or take protocol speaker"
        )
    for corpus in corpora:
        yield f"corpus {corpus}", {row.utterance_id for row in rows if row.corpus == corpus}


def _speaker_tests(rows: Sequence[UtteranceRow], group_by: str, seed: int) -> Iterator[HeldOut]:
    """The test parts under `speaker`."""
    group_of = {row.utterance_id: getattr(row, group_by) for row in rows}
    groups = sorted(set(group_of.values()))
    if len(groups) > MAX_ONE_OUT or len(_corpora(rows)) > 1:
        yield from _group_tests(rows, group_by, seed)
        return
    for group in groups:
        held_out = f"{group_by} {group}"
        test = {utterance_id for utterance_id, other in group_of.items() if other == group}
        _check_speakers_left([row for row in rows if row.utterance_id not in test], held_out)
        yield held_out, test


def _check_speakers_left(rows: Sequence[UtteranceRow], held_out: str) -> None:
    speakers = sorted({row.speaker for row in rows})
    if len(speakers) < 2:
        raise DataError(
            f"with {held_out} held out these speakers are left: {', '.join(speakers) or 'none'}; "
            "expected two, to train and to validate: add speakers or take protocol random"
        )


def _group_tests(rows: Sequence[UtteranceRow], group_by: str, seed: int) -> Iterator[HeldOut]:
    """The test parts where there are more speakers or sessions than folds."""
    for number, test in enumerate(_divided(rows, group_by, NUM_FOLDS, seed), start=1):
        num_speakers = len({rows[index].speaker for index in test})
        held_out = f"group {number} of {NUM_FOLDS}, {num_speakers} speakers"
        yield held_out, _ids(rows, test)


def _stratified_validation(rows: Sequence[UtteranceRow], seeds: tuple[int, int]) -> set[str]:
    """Validation ids under `random`; `seeds` are the seed and the number of the fold."""
    strata = _strata(rows)
    # scikit-learn wants one of each stratum; only a tiny corpus has fewer in its 15 %.
    size = max(math.ceil(VALIDATION_SHARE * len(rows)), len(set(strata.tolist())))
    _, validation = train_test_split(
        np.arange(len(rows)), test_size=size, stratify=strata, random_state=seeds[0]
    )
    return _ids(rows, validation)


def _speaker_validation(rows: Sequence[UtteranceRow], seeds: tuple[int, int]) -> set[str]:
    """Validation ids under `speaker`: whole speakers, about a fifth of the rows.

    The largest and most one-sided speakers come into the first groups, whatever the seed, so the
    group that validates is drawn here, in steps:

    1. Keep the groups without which the most emotions are left to train on.
    2. Of these, keep the groups that have the most emotions themselves.
    3. Of these, drop the groups that are too large (`MAX_VALIDATION_SHARE`).
    4. Draw one of those that are left.
    """
    num_speakers = len({row.speaker for row in rows})
    groups = _divided(rows, "speaker", min(NUM_FOLDS, num_speakers), seeds[0])
    groups = [group for group in groups if len(group)]  # where each speaker has one emotion only
    emotions = column_of(rows, "emotion").codes
    groups = _with_most_emotions(groups, [np.delete(emotions, group) for group in groups])
    groups = _with_most_emotions(groups, [emotions[group] for group in groups])
    most = max(MAX_VALIDATION_SHARE * len(rows), min(map(len, groups)))
    groups = [group for group in groups if len(group) <= most]
    return _ids(rows, groups[np.random.default_rng(seeds).integers(len(groups))])


def _given_validation(rows: Sequence[UtteranceRow], seeds: tuple[int, int]) -> set[str]:
    """Validation ids under `given`: those given, or a fifth; whole speakers where known."""
    return given_validation(rows) or _whole_speakers_or_a_fifth(rows, seeds)


def _whole_speakers_or_a_fifth(rows: Sequence[UtteranceRow], seeds: tuple[int, int]) -> set[str]:
    """Validation ids: whole speakers where all are known, else a fifth of each emotion."""
    speakers = {row.speaker for row in rows}
    if "" in speakers or len(speakers) < 2:
        return fifth_of_each_emotion(rows, seeds)
    return _speaker_validation(rows, seeds)


def _with_most_emotions(
    groups: Sequence[np.ndarray], emotions: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Those groups whose own array of emotions has the most different ones."""
    counts = [np.count_nonzero(np.bincount(of_group)) for of_group in emotions]
    return [group for group, count in zip(groups, counts, strict=True) if count == max(counts)]


def _divided(
    rows: Sequence[UtteranceRow], group_by: str, num_groups: int, seed: int
) -> list[np.ndarray]:
    """Indices of rows, divided by speaker or session into groups as alike as can be."""
    return even_groups(_strata(rows), column_of(rows, group_by).codes, num_groups, seed)


def _strata(rows: Sequence[UtteranceRow]) -> np.ndarray:
    """What is to be even: the emotion, within each corpus where there are several."""
    return joined(column_of(rows, "corpus"), column_of(rows, "emotion"))


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
