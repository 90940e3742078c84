"""What recordings of one voice say about it: a profile, from functionals alone.

Everything is in standard units of the training voices: a functional minus its mean over the
training recordings, divided by its deviation there. A profile of zeros is that of nobody: what has
no profile is judged as the training voices are.
"""

from collections.abc import Sequence

import numpy as np

# How many recordings the training voices count as, beside those of a voice: a profile of few
# recordings stays near that of nobody. A deviation needs more of them than a mean.
MEAN_COUNTS_AS, VARIANCE_COUNTS_AS = 2, 8


def numbered(voices: Sequence[str]) -> np.ndarray:
    """Voices as numbers (num_recordings,); where nobody knows who speaks, each is a voice."""
    names = [name or f"\0{number}" for number, name in enumerate(voices)]
    return np.unique(names, return_inverse=True)[1]


def measure_effects(
    functionals: np.ndarray, labels: np.ndarray, voices: np.ndarray, num_emotions: int
) -> np.ndarray:
    """What each emotion does to a voice: how far its recordings are from the middle of the voice.

    The middle of a voice is the mean over its emotions, not its recordings, and every voice counts
    the same, however often it speaks and in which emotions.

    Args:
        functionals: (num_recordings, num_functionals), in standard units.
        labels: emotions as integers (num_recordings,).
        voices: names or numbers (num_recordings,).
        num_emotions: of the model.

    Returns:
        float32 (num_emotions, num_functionals), in standard units; their mean is zero.
    """
    means = np.full((len(np.unique(voices)), num_emotions, functionals.shape[1]), np.nan)
    for row, voice in enumerate(np.unique(voices)):
        for label in range(num_emotions):
            chosen = (voices == voice) & (labels == label)
            if chosen.any():
                means[row, label] = functionals[chosen].mean(axis=0)
    return _centred(means).astype(np.float32)


def _centred(means: np.ndarray) -> np.ndarray:
    """Effects (emotions, functionals) from means (voices, emotions, functionals), NaN if unknown.

    Where a voice lacks an emotion its middle is taken from those that it has, as they are in the
    voices that have them all: the additive model voice + emotion, fitted by turns.
    """
    effects = np.zeros(means.shape[1:])
    spoken = np.isfinite(means).any(axis=(0, 2))  # an emotion that nobody speaks does nothing
    for _ in range(8):
        middles = np.nanmean(means - effects, axis=1, keepdims=True)
        effects[spoken] = np.nanmean((means - middles)[:, spoken], axis=0)
        effects[spoken] -= effects[spoken].mean(axis=0)
    return effects


def profile_of(
    functionals: np.ndarray,
    effects: np.ndarray | None = None,
    guesses: np.ndarray | None = None,
    mixed: float = 1.0,
) -> np.ndarray:
    """The profile of a voice from some of its recordings.

    Args:
        functionals: (num_recordings, num_functionals), in standard units; none gives zeros.
        effects: what each emotion does (num_emotions, num_functionals), which is taken away; None:
            the recordings are taken as they are.
        guesses: how probable each emotion is in each recording (num_recordings, num_emotions).
        mixed: to which part the recordings are taken as they are, 0 to 1.

    Returns:
        float32 (2, num_functionals): the mean of the voice, and the logarithm of its deviation.
    """
    count = len(functionals)
    taken_away: np.ndarray | float = 0.0
    within: np.ndarray | float = 0.0
    if effects is not None and guesses is not None:
        taken_away = (1 - mixed) * guesses @ effects
        # What a voice varies by when it speaks in every emotion equally often.
        within = count * (1 - mixed**2) * np.square(effects).mean(axis=0)
    own = functionals - taken_away
    mean = own.sum(axis=0) / (count + MEAN_COUNTS_AS)
    spread = np.square(own - mean).sum(axis=0) + within
    variance = (spread + VARIANCE_COUNTS_AS) / (count + VARIANCE_COUNTS_AS)
    return np.stack([mean, 0.5 * np.log(variance)]).astype(np.float32)


def normalised(functionals: np.ndarray, profiles: np.ndarray) -> np.ndarray:
    """Functionals (..., num_functionals) by profiles (..., 2, num_functionals)."""
    return (functionals - profiles[..., 0, :]) / np.exp(profiles[..., 1, :])
