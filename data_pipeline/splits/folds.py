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
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
from sklearn.model_selection import StratifiedKFold

from data_pipeline.contract import PARTS, PROTOCOLS
from data_pipeline.errors import DataError
from data_pipeline.names import visible
from data_pipeline.rows import UtteranceRow
from data_pipeline.splits import validation
from data_pipeline.splits.columns import Columns
from data_pipeline.splits.even_groups import even_groups
from data_pipeline.splits.fold import UNHEARD, Fold
from data_pipeline.splits.given import brings_folds, given_tests

NUM_FOLDS = 5
# Up to here each speaker or session is a fold; beyond it there would be too many trainings.
MAX_ONE_OUT = 10

# A part: what is held out, for people, and the indices of its rows.
HeldOut = tuple[str, np.ndarray]
# Columns, rows outside the test part, the seed and the number of the fold -> rows that validate.
Validate = Callable[[Columns, np.ndarray, tuple[int, int]], np.ndarray]


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
    # Sorted, so that the order in which a folder was listed cannot change what is drawn.
    table = Columns(sorted(rows, key=lambda row: row.utterance_id))
    _check_emotions(table, emotions, least=1 if protocol == "given" else NUM_FOLDS)
    _check_speakers_known(table, protocol)
    tests, validate = _protocol(table, protocol, group_by, seed, source)
    ids = [row.utterance_id for row in rows]
    place = np.fromiter(map(table.position_of.__getitem__, ids), np.int64, len(ids))
    folds = []
    for number, (held_out, test) in enumerate(tests):
        validated = validate(table, _rest(table, test), (seed, number))
        part_of = np.zeros(len(ids), np.int8)
        part_of[validated], part_of[test] = PARTS.index("validation"), PARTS.index("test")
        folds.append(_fold(number, held_out, ids, part_of[place]))
    if protocol in UNHEARD:
        speaker_of = {row.utterance_id: row.speaker for row in rows}
        for fold in folds:
            _check_disjoint(fold, speaker_of)
    return folds


def _protocol(
    table: Columns, protocol: str, group_by: str, seed: int, source: str
) -> tuple[Iterable[HeldOut], Validate]:
    """The test parts under a protocol, and what draws the validation part of each."""
    if protocol == "random":
        return _random_tests(table, seed), validation.stratified
    if protocol == "given":
        return given_tests(table, source), validation.given_or_drawn
    if protocol == "corpus":
        return _corpus_tests(table), validation.speakers_or_a_fifth
    return _speaker_tests(table, group_by, seed), validation.whole_speakers


def _rest(table: Columns, test: np.ndarray) -> np.ndarray:
    """The rows that are not tested, by index."""
    is_rest = np.ones(len(table.rows), bool)
    is_rest[test] = False
    return np.flatnonzero(is_rest)


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
    _check_disjoint(fold, {row.utterance_id: row.speaker for row in rows})


def _check_disjoint(fold: Fold, speaker_of: Mapping[str, str]) -> None:
    parts = [{speaker_of[i] for i in getattr(fold, part)} for part in PARTS]
    counts = Counter(speaker for of_part in parts for speaker in of_part - {""})
    shared = sorted(speaker for speaker, count in counts.items() if count > 1)
    if shared:
        raise DataError(
            f"fold {fold.number} ({fold.held_out}) has the speakers {', '.join(shared)} in more "
            "than one part; give each speaker one name and one session, or take protocol random"
        )


def _check_emotions(table: Columns, labels: Iterable[str], least: int) -> None:
    column = table.column("emotion")
    counts = dict(zip(column.values, np.bincount(column.codes).tolist(), strict=False))
    if len(counts) < 2:
        found = ", ".join(counts) or "none"
        raise DataError(f"found the emotions: {found}; expected two or more, add recordings")
    counts = dict.fromkeys(labels, 0) | counts
    rare = [f"{emotion} {count}" for emotion, count in sorted(counts.items()) if count < least]
    if rare:
        raise DataError(
            f"too few utterances of an emotion ({', '.join(rare)}): expected {least} or more "
            "of each; add recordings or leave the emotion out"
        )


def _check_speakers_known(table: Columns, protocol: str) -> None:
    """Without speakers the folds that the corpus brings are all that can be trusted."""
    speakers, corpora = table.column("speaker"), table.column("corpus")
    if speakers.values[0] != "" or protocol in ("given", "corpus"):
        return
    unknown = np.flatnonzero(speakers.codes == 0)
    corpus = corpora.values[corpora.codes[unknown[0]]]
    who = f"the corpus {visible(corpus)}" if len(corpora.values) > 1 else "the corpus"
    if len(unknown) == len(table.rows) and brings_folds(table):
        raise DataError(
            f"{who} does not tell who speaks, so only its own folds are offered; take protocol "
            "given, or prepare it again with --speaker"
        )
    if protocol == "speaker":
        raise DataError(
            f"{who} does not tell who speaks, so voices cannot be kept apart; prepare it again "
            "with --speaker, or take protocol random"
        )


def _random_tests(table: Columns, seed: int) -> Iterator[HeldOut]:
    """The test parts under `random`."""
    splitter = StratifiedKFold(NUM_FOLDS, shuffle=True, random_state=seed)
    for _, test in splitter.split(table.strata, table.strata):
        yield "random fifth", test


def _corpus_tests(table: Columns) -> Iterator[HeldOut]:
    """The test parts under `corpus`."""
    corpora = table.column("corpus")
    if len(corpora.values) < 2:
        raise DataError(
            f"there is one corpus ({corpora.values[0] or 'the one of --data'}), and protocol "
            "corpus tests one and trains on the others: give several prepared folders to --data, "
            "or take protocol speaker"
        )
    for code, corpus in enumerate(corpora.values):
        yield f"corpus {corpus}", np.flatnonzero(corpora.codes == code)


def _speaker_tests(table: Columns, group_by: str, seed: int) -> Iterator[HeldOut]:
    """The test parts under `speaker`."""
    groups = table.column(group_by)
    if len(groups.values) > MAX_ONE_OUT or len(table.column("corpus").values) > 1:
        yield from _group_tests(table, group_by, seed)
        return
    for code, group in enumerate(groups.values):
        held_out, test = f"{group_by} {group}", np.flatnonzero(groups.codes == code)
        _check_speakers_left(table, _rest(table, test), held_out)
        yield held_out, test


def _check_speakers_left(table: Columns, rest: np.ndarray, held_out: str) -> None:
    speakers = table.column("speaker")
    left = [speakers.values[code] for code in np.unique(speakers.codes[rest])]
    if len(left) < 2:
        raise DataError(
            f"with {held_out} held out these speakers are left: {', '.join(left) or 'none'}; "
            "expected two, to train and to validate: add speakers or take protocol random"
        )


def _group_tests(table: Columns, group_by: str, seed: int) -> Iterator[HeldOut]:
    """The test parts where there are more speakers or sessions than folds."""
    speakers = table.column("speaker").codes
    groups = even_groups(table.strata, table.column(group_by).codes, NUM_FOLDS, seed)
    for number, test in enumerate(groups, start=1):
        num_speakers = len(np.unique(speakers[test]))
        yield f"group {number} of {NUM_FOLDS}, {num_speakers} speakers", test


def _fold(number: int, held_out: str, ids: Sequence[str], parts: np.ndarray) -> Fold:
    """A fold from the part that each utterance is in, the index of one of `PARTS`."""
    of_part = {
        part: tuple(map(ids.__getitem__, np.flatnonzero(parts == code).tolist()))
        for code, part in enumerate(PARTS)
    }
    return Fold(number=number, held_out=held_out, **of_part)
