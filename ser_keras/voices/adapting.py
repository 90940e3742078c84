"""The profile of a voice from recordings whose emotions nobody knows.

Recordings in many emotions are taken as they are: their mean is the voice. In recordings of one
emotion, the voice and the emotion cannot be told apart by their mean. What tells such a set is how
little its answers differ: the variance of the logits within the set, which the voice itself does
not change, against that of training voices that were held out and spoke in every emotion.
There the emotion that the model hears is taken away before the voice is measured.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from ser_keras.voices.linear_head import LinearHead
from ser_keras.voices.statistics import profile_of

# Against the usual spread: up to the first a set is of one emotion, from the second on it is mixed.
ONE_SIDED, MIXED = 0.1, 0.4
ROUNDS = 4


@dataclass(frozen=True)
class Adapted:
    """What recordings of a voice came to.

    Attributes:
        profile: float32 (2, num_functionals) in standard units.
        mixed: how far the recordings are of many emotions, 0 (one alone) to 1.
    """

    profile: np.ndarray
    mixed: float


def adapt(head: LinearHead, standard: np.ndarray) -> Adapted:
    """Make the profile of a voice.

    Args:
        head: of the model.
        standard: functionals of the recordings in standard units (num_recordings,
            num_functionals), one recording or more.

    Returns:
        The profile; nobody's where training voices do not tell a voice from an emotion.
    """
    if not head.uses_profiles:
        return Adapted(head.nobody, 0.0)
    mixed = mixedness(head, standard)
    profile = mixed * profile_of(standard)
    if mixed < 1:
        profile = profile + (1 - mixed) * _without_emotion(head, standard)
    return Adapted(profile.astype(np.float32), mixed)


def mixedness(head: LinearHead, standard: np.ndarray) -> float:
    """How far recordings (num_recordings, num_functionals) are of many emotions, 0 to 1."""
    logits = head.logits(standard, profile_of(standard))
    relative = spread(logits) / float(head.usual_spread)
    return float(np.clip((relative - ONE_SIDED) / (MIXED - ONE_SIDED), 0, 1))


def spread(logits: np.ndarray) -> float:
    """Variance of logits (num_recordings, num_emotions) within a set; 0 for one recording."""
    return float(logits.var(axis=0, ddof=1).mean()) if len(logits) > 1 else 0.0


def _without_emotion(head: LinearHead, standard: np.ndarray) -> np.ndarray:
    """The profile of what is left of the recordings when the emotion heard in each is taken away.

    What is heard depends on the profile, so both are found by turns.
    """
    profile = head.nobody
    for _ in range(ROUNDS):
        guesses = softmax(head.logits(standard, profile), axis=1)
        profile = profile_of(standard, head.effects, guesses, mixed=0.0)
    return profile
