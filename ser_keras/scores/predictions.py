"""What a model said about a test part: the material that everything here is computed from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from data_pipeline.contract import GROUPS, HEARD

GROUP_COLUMNS = (*GROUPS, HEARD)


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What a model said about the test part of one fold, utterance by utterance.

    Attributes:
        utterance_ids, speakers: one string an utterance.
        fold: number of the fold.
        emotions: names of the labels.
        labels: true labels (num_utterances,), integers.
        probabilities: (num_utterances, num_emotions) float32.
        groups: what else is known of the utterances, by column of `GROUP_COLUMNS`: one string an
            utterance, "" where it is not known. A column that says nothing is not there.
    """

    utterance_ids: tuple[str, ...]
    speakers: tuple[str, ...]
    fold: int
    emotions: tuple[str, ...]
    labels: np.ndarray
    probabilities: np.ndarray
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
