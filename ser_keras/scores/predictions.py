"""What a model said about a test part: the material that everything here is computed from."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What a model said about the test part of one fold, utterance by utterance.

    Attributes:
        utterance_ids, speakers: one string an utterance.
        fold: number of the fold.
        emotions: names of the labels.
        labels: true labels (num_utterances,), integers.
        probabilities: (num_utterances, num_emotions) float32.
    """

    utterance_ids: tuple[str, ...]
    speakers: tuple[str, ...]
    fold: int
    emotions: tuple[str, ...]
    labels: np.ndarray
    probabilities: np.ndarray
