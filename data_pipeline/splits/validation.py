"""The validation part of a fold, drawn from what is not tested.

Every function takes the columns of all rows, the indices of those that are not tested, and as
`seeds` the seed and the number of the fold; it gives the indices of those that validate.
"""

import math

import numpy as np
from sklearn.model_selection import train_test_split

from data_pipeline.splits.columns import Columns, recoded
from data_pipeline.splits.even_groups import even_groups

NUM_GROUPS = 5
# Under `random`: the share of the utterances outside the test part that validates.
STRATIFIED_SHARE = 0.15
# Of each emotion, where speakers are not known: as EmoBox does.
FIFTH = 0.2
# A group of speakers with a larger share than this does not validate, unless every group is larger.
MAX_SHARE = 0.3


def stratified(table: Columns, rest: np.ndarray, seeds: tuple[int, int]) -> np.ndarray:
    """A share of each emotion of each corpus."""
    strata = table.strata[rest]
    # scikit-learn wants one of each stratum; only a tiny corpus has fewer in its 15 %.
    size = max(math.ceil(STRATIFIED_SHARE * len(rest)), len(np.unique(strata)))
    _, drawn = train_test_split(
        np.arange(len(rest)), test_size=size, stratify=strata, random_state=seeds[0]
    )
    return rest[drawn]


def whole_speakers(table: Columns, rest: np.ndarray, seeds: tuple[int, int]) -> np.ndarray:
    """Whole speakers, about a fifth of the rows.

    The largest and most one-sided speakers come into the first groups, whatever the seed, so the
    group that validates is drawn here, in steps:

    1. Keep the groups without which the most emotions are left to train on.
    2. Of these, keep the groups that have the most emotions themselves.
    3. Of these, drop the groups that are too large (`MAX_SHARE`).
    4. Draw one of those that are left.
    """
    speakers = recoded(table.column("speaker").codes[rest])
    num_groups = min(NUM_GROUPS, int(speakers.max()) + 1)
    groups = even_groups(recoded(table.strata[rest]), speakers, num_groups, seeds[0])
    groups = [group for group in groups if len(group)]  # where each speaker has one emotion only
    emotions = table.column("emotion").codes[rest]
    groups = _with_most_emotions(groups, [np.delete(emotions, group) for group in groups])
    groups = _with_most_emotions(groups, [emotions[group] for group in groups])
    most = max(MAX_SHARE * len(rest), min(map(len, groups)))
    groups = [group for group in groups if len(group) <= most]
    return rest[groups[np.random.default_rng(seeds).integers(len(groups))]]


def _with_most_emotions(groups: list[np.ndarray], emotions: list[np.ndarray]) -> list[np.ndarray]:
    """Those groups whose own array of emotions has the most different ones."""
    counts = [np.count_nonzero(np.bincount(of_group)) for of_group in emotions]
    return [group for group, count in zip(groups, counts, strict=True) if count == max(counts)]


def given_or_drawn(table: Columns, rest: np.ndarray, seeds: tuple[int, int]) -> np.ndarray:
    """What the corpus gives; else as `speakers_or_a_fifth`."""
    folds = table.column("fold")
    if "validation" in folds.values:
        return rest[folds.codes[rest] == folds.values.index("validation")]
    return speakers_or_a_fifth(table, rest, seeds)


def speakers_or_a_fifth(table: Columns, rest: np.ndarray, seeds: tuple[int, int]) -> np.ndarray:
    """Whole speakers where all are known, else a fifth of each emotion."""
    speakers = table.column("speaker")
    present = speakers.present(rest)
    is_known = speakers.values[0] != "" or not present[0]  # sorted: "" is the first
    if is_known and present.sum() > 1:
        return whole_speakers(table, rest, seeds)
    return _fifth_of_each_emotion(table, rest, seeds)


def _fifth_of_each_emotion(table: Columns, rest: np.ndarray, seeds: tuple[int, int]) -> np.ndarray:
    """A fifth of the utterances of each emotion, one utterance at least."""
    generator = np.random.default_rng(seeds)
    emotions = table.column("emotion").codes[rest]
    drawn = []
    for emotion in np.unique(emotions):
        own = rest[emotions == emotion]
        drawn.append(generator.permutation(own)[: round(FIFTH * len(own))])
    found = np.concatenate(drawn)
    return found if len(found) else generator.choice(rest, 1)
