"""Speakers, or sessions, divided into groups with emotions as alike as can be."""

import numpy as np

from data_pipeline.errors import DataError


def even_groups(
    labels: np.ndarray, members: np.ndarray, num_groups: int, seed: int
) -> list[np.ndarray]:
    """Divide utterances into groups; those of a speaker stay together.

    The speakers whose labels are least even are placed first, each into the group after which the
    labels are spread most evenly over the groups; of equals into the smallest. The same groups as
    those of scikit-learn's `StratifiedGroupKFold` with `shuffle`, faster: there folds are tried one
    by one, and loops go over utterances.

    Args:
        labels: integers (num_utterances,) from 0: what is to be even, such as the emotion.
        members: integers (num_utterances,) from 0: who stays together, in an order that does not
            depend on the order of the utterances.
        num_groups: how many groups there are.
        seed: decides between speakers that are alike.

    Returns:
        Of each group, the indices of its utterances, ascending; a group may be empty.

    Raises:
        DataError: there are fewer speakers than groups, or no label has as many utterances.
    """
    totals = np.bincount(labels)
    num_labels, num_members = len(totals), int(np.max(members)) + 1
    if np.max(totals) < num_groups:
        raise DataError(
            f"no emotion has more than {np.max(totals)} utterances where {num_groups} groups of "
            "speakers are to be made; add recordings or take protocol random"
        )
    if num_members < num_groups:
        raise DataError(
            f"received {num_members} speakers where {num_groups} groups of them are to be made; "
            "add speakers or take protocol random"
        )
    counts = np.bincount(members * num_labels + labels, minlength=num_members * num_labels)
    order = np.arange(num_members)
    np.random.RandomState(seed).shuffle(order)
    shuffled = counts.reshape(num_members, num_labels)[order].astype(float)
    group_of = np.empty(num_members, int)
    group_of[order] = _placed(shuffled, totals, num_groups)
    # Sorting keeps the order of the utterances inside a group.
    by_group = np.argsort(group_of[members], kind="stable")
    ends = np.cumsum(np.bincount(group_of[members], minlength=num_groups))
    return np.split(by_group, ends[:-1])


def _placed(counts: np.ndarray, totals: np.ndarray, num_groups: int) -> np.ndarray:
    """The group of each speaker (num_speakers,), from their counts (num_speakers, num_labels)."""
    placed = np.empty(len(counts), int)
    in_group = np.zeros((num_groups, counts.shape[1]))
    every = np.arange(num_groups)
    for member in np.argsort(-counts.std(axis=1), kind="stable"):
        # (try, group, label): the speaker is in another group in each try.
        tries = np.repeat(in_group[None], num_groups, axis=0)
        tries[every, every] += counts[member]
        spread = (tries / totals).std(axis=1).mean(axis=1)
        placed[member] = best = _least(spread, in_group.sum(axis=1))
        in_group[best] += counts[member]
    return placed


def _least(spread: np.ndarray, sizes: np.ndarray) -> int:
    """The group of the least spread; of those that are close to it, a smaller one."""
    best = 0
    for group in range(1, len(spread)):
        less = spread[group] < spread[best]
        close = abs(spread[group] - spread[best]) <= 1e-8 + 1e-5 * abs(spread[best])
        if less or (close and sizes[group] < sizes[best]):
            best = group
    return best
