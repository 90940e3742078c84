"""Scores by group: of each corpus, of women and men, of ages; and the largest gap between two.

A group is all utterances with the same value of one of `GROUP_COLUMNS`. Ages that are numbers are
put together by decade.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ser_keras.scores.accuracies import accuracies
from ser_keras.scores.predictions import Predictions
from ser_keras.scores.statistics import (
    bootstrap_interval,
    difference_interval,
    speaker_confusions,
)


@dataclass(frozen=True, kw_only=True)
class GroupScore:
    """What a system scores on a group, all utterances together.

    Attributes:
        num_utterances, num_speakers: in it.
        scores: accuracy -> its value in [0, 1].
        intervals: accuracy -> its 95 % interval over speakers; None under `MIN_SPEAKERS`.
    """

    num_utterances: int
    num_speakers: int
    scores: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float] | None]


@dataclass(frozen=True, kw_only=True)
class Gap:
    """The largest difference between two groups of a column.

    Attributes:
        high, low: the groups.
        difference: accuracy of the first minus that of the second.
        interval: its 95 % interval over the speakers of both; None where a group has fewer than
            `MIN_SPEAKERS`.
    """

    high: str
    low: str
    difference: float
    interval: tuple[float, float] | None


def parts_by_group(part: Predictions, column: str) -> dict[str, Predictions]:
    """The predictions of each group of a column, by its value, sorted; "" for what is not known.

    Args:
        part: of a fold.
        column: one of `GROUP_COLUMNS`; where the predictions do not have it, all are one group "".
    """
    values = part.groups.get(column, ("",) * len(part.labels))
    named = np.array([decade(value) if column == "age" else value for value in values])
    return {str(value): _rows(part, np.flatnonzero(named == value)) for value in np.unique(named)}


def decade(age: str) -> str:
    """An age in years as its decade: "24" is "20-29"; other words are as they are."""
    if not re.fullmatch(r"\d{1,3}([.]\d+)?", age):
        return age
    first = int(float(age)) // 10 * 10
    return f"{first}-{first + 9}"


def _rows(part: Predictions, rows: np.ndarray) -> Predictions:
    def chosen(values: Sequence[str]) -> tuple[str, ...]:
        return tuple(values[row] for row in rows)

    return replace(
        part,
        utterance_ids=chosen(part.utterance_ids),
        speakers=chosen(part.speakers),
        labels=part.labels[rows],
        probabilities=part.probabilities[rows],
        groups={name: chosen(values) for name, values in part.groups.items()},
    )


def groups_of(predictions: Sequence[Predictions], column: str) -> dict[str, list[Predictions]]:
    """Group -> its predictions in each fold that has any."""
    groups: dict[str, list[Predictions]] = {}
    for part in predictions:
        for value, of_group in parts_by_group(part, column).items():
            groups.setdefault(value, []).append(of_group)
    return dict(sorted(groups.items()))


def score_group(predictions: Sequence[Predictions], names: Sequence[str]) -> GroupScore:
    """What a system scores on some predictions, pooled.

    Args:
        predictions: of one or more folds.
        names: the accuracies.
    """
    speakers, confusions = speaker_confusions(predictions)
    pooled = confusions.sum(axis=0)
    return GroupScore(
        num_utterances=int(pooled.sum()),
        num_speakers=len(speakers),
        scores={name: float(accuracies(pooled, name)) for name in names},
        intervals={name: bootstrap_interval(confusions, name) for name in names},
    )


def largest_gap(groups: Mapping[str, Sequence[Predictions]], name: str) -> Gap | None:
    """The largest difference between two groups; None where there are not two.

    Args:
        groups: from `groups_of`; what is not known ("") is no group.
        name: the accuracy.
    """
    confusions = {value: speaker_confusions(p)[1] for value, p in groups.items() if value}
    scores = {v: float(accuracies(c.sum(axis=0), name)) for v, c in confusions.items()}
    if len(scores) < 2:
        return None
    high, *_, low = sorted(scores, key=lambda value: -scores[value])
    return Gap(
        high=high,
        low=low,
        difference=scores[high] - scores[low],
        interval=difference_interval(confusions[high], confusions[low], name),
    )
