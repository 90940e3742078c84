"""The protocol `given`: the folds that the corpus brings, taken as they are.

An utterance knows the number of the fold that tests it, or, where there is one fold, its part.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from data_pipeline.contract import PARTS
from data_pipeline.errors import DataError
from data_pipeline.rows import UtteranceRow

# Of what is not tested, where the corpus gives no validation part: as EmoBox does.
VALIDATION_SHARE = 0.2
REMEDY = "take protocol speaker or random"


def brings_folds(rows: Sequence[UtteranceRow]) -> bool:
    """Whether the corpus has folds of its own."""
    return any(row.fold for row in rows)


def given_tests(rows: Sequence[UtteranceRow], source: str) -> list[tuple[str, set[str]]]:
    """The test part of each fold.

    Args:
        rows: of the corpus.
        source: whose folds they are, for people.

    Returns:
        Of each fold, what is held out, in words, and the utterance ids of its test part.

    Raises:
        DataError: the corpus has no folds, or they leave nothing to test or to train on.
    """
    parts = _ids_by_fold(rows)
    if set(parts) <= set(PARTS):
        _check_parts(parts)
        return [(f"the test part of {source}", set(parts["test"]))]
    if len(parts) < 2:
        raise DataError(
            f"all utterances are in fold {next(iter(parts))} of {source}, expected two folds or "
            f"more: add the others, or {REMEDY}"
        )
    return [(f"fold {number} of {source}", parts[number]) for number in sorted(parts, key=int)]


def _ids_by_fold(rows: Sequence[UtteranceRow]) -> dict[str, set[str]]:
    parts: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        parts[row.fold].add(row.utterance_id)
    if set(parts) <= {""}:
        raise DataError(
            "the corpus brings no folds of its own (emobox, audformat and manifests with a column "
            f"fold may); {REMEDY}"
        )
    if "" in parts:
        raise DataError(
            f"{len(parts[''])} utterances are in no fold, such as {min(parts[''])}; give each a "
            f"fold, or {REMEDY}"
        )
    numbers = [fold for fold in parts if fold not in PARTS]
    if numbers and len(numbers) < len(parts):
        raise DataError(
            f"found the folds {', '.join(sorted(parts))}, expected numbers alone or the parts of "
            f"one fold; mend them, or {REMEDY}"
        )
    return dict(parts)


def _check_parts(parts: dict[str, set[str]]) -> None:
    for part in ("train", "test"):
        if part not in parts:
            raise DataError(
                f"the corpus gives no utterance for {part}, found {', '.join(sorted(parts))}; give "
                f"some, or {REMEDY}"
            )


def given_validation(rows: Sequence[UtteranceRow]) -> set[str]:
    """Ids of the validation part that the corpus itself gives; none where it gives none."""
    return {row.utterance_id for row in rows if row.fold == "validation"}


def fifth_of_each_emotion(rows: Sequence[UtteranceRow], seeds: tuple[int, int]) -> set[str]:
    """A fifth of the utterances of each emotion, drawn, where speakers are not known.

    Args:
        rows: those that are not tested.
        seeds: the seed and the number of the fold.

    Returns:
        Utterance ids; one at least.
    """
    generator = np.random.default_rng(seeds)
    drawn: set[str] = set()
    for emotion, count in sorted(Counter(row.emotion for row in rows).items()):
        ids = [row.utterance_id for row in rows if row.emotion == emotion]
        drawn.update(generator.permutation(ids)[: round(VALIDATION_SHARE * count)].tolist())
    return drawn or {generator.choice([row.utterance_id for row in rows]).item()}
