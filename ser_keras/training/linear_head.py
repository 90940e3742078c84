"""The linear head over functionals: fitted once, before the other heads are trained.

Logistic regression with a strong decay, by scikit-learn.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from ser_keras.settings import Optimiser
from ser_keras.voices.adapting import spread
from ser_keras.voices.linear_head import LIMIT, LinearHead
from ser_keras.voices.statistics import (
    MEAN_COUNTS_AS,
    VARIANCE_COUNTS_AS,
    measure_effects,
    normalised,
    numbered,
    profile_of,
)

# Each training recording is heard once by the statistics of so many other recordings of its voice:
# by the classifier of voices that nothing is known of, and by that of voices with a profile.
ALL = None
OF_NOBODY, OF_KNOWN = (0, 3), (3, 20, ALL)
# Groups of voices that are held out by turns, to know how answers to unheard voices vary.
GROUPS_HELD_OUT = 3
# It is stopped here, converged or not: the same recordings give the same head.
MAX_ITERATIONS = 60


def fit_linear_head(
    functionals: np.ndarray,
    labels: np.ndarray,
    voices: Sequence[str],
    num_emotions: int,
    optimiser: Optimiser,
    seed: int,
) -> LinearHead:
    """Fit the head on training recordings.

    Args:
        functionals: float32 (num_recordings, num_functionals).
        labels: integers (num_recordings,); emotions that nobody speaks are never answered.
        voices: who speaks; recordings whose speaker is not known ("") are each of their own voice.
        num_emotions: of the model.
        optimiser: its `functionals_cost` and `voice_penalty`; with its other settings nothing is
            done here.
        seed: of the recordings that a voice is told by.
    """
    mean, deviation = functionals.mean(axis=0), functionals.std(axis=0)
    deviation = np.where(deviation > 1e-6, deviation, 1.0).astype(np.float32)
    standard = np.clip((functionals - mean) / deviation, -LIMIT, LIMIT).astype(np.float32)
    voice = numbered(voices)
    effects = measure_effects(standard, labels, voice, num_emotions)
    heard = {
        count: normalised(standard, _profiles(standard, effects, labels, voice, count, seed))
        for count in {*OF_NOBODY, *OF_KNOWN}
    }

    def fitted(counts: tuple, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The classifier of these recordings, each by profiles of so many others."""
        hearings = [heard[count][chosen] for count in counts]
        without_emotion = (rows - effects[labels[chosen]] for rows in hearings)
        scale = _scale(without_emotion, voice[chosen], optimiser.voice_penalty)
        known = np.tile(labels[chosen], len(counts))
        cost = optimiser.functionals_cost / len(counts)
        return _fitted(np.concatenate(hearings), known, scale, num_emotions, cost)

    everything = np.arange(len(labels))
    kernels, biases = zip(
        *(fitted(counts, everything) for counts in (OF_NOBODY, OF_KNOWN)), strict=True
    )
    usual = _usual_spread(fitted, standard, labels, voice)
    return LinearHead(
        mean=mean,
        deviation=deviation,
        effects=effects,
        usual_spread=np.array(usual, np.float32),
        kernel=np.stack(kernels),
        bias=np.stack(biases),
    )


def _scale(hearings: Iterable[np.ndarray], voice: np.ndarray, penalty: float) -> np.ndarray:
    """What each functional is multiplied by: the less, the more it differs between voices.

    Args:
        hearings: the recordings (num_recordings, num_functionals) as they are heard, without what
            their emotions do; once for each number of others that tell of the voice.
        voice: numbers (num_recordings,).
        penalty: `optimiser.voice_penalty`.
    """
    between = [
        np.var([rows[voice == one].mean(axis=0) for one in np.unique(voice)], axis=0)
        for rows in hearings
    ]
    return (1 / np.sqrt(1 + penalty * np.mean(between, axis=0))).astype(np.float32)


def _fitted(
    rows: np.ndarray, labels: np.ndarray, scale: np.ndarray, num_emotions: int, cost: float
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel (num_functionals, num_emotions) and bias of a logistic regression on scaled rows."""
    fitted = LogisticRegression(C=cost, max_iter=MAX_ITERATIONS, class_weight="balanced")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted.fit(rows * scale, labels)
    kernel = np.zeros((rows.shape[1], num_emotions), np.float32)
    bias = np.full(num_emotions, -1e3, np.float32)  # of what nobody speaks
    coefficients, intercepts = fitted.coef_, fitted.intercept_
    if len(fitted.classes_) == 2:  # scikit-learn has one row for both
        coefficients = np.concatenate([-coefficients, coefficients]) / 2
        intercepts = np.concatenate([-intercepts, intercepts]) / 2
    kernel[:, fitted.classes_] = (coefficients * scale).T
    bias[fitted.classes_] = intercepts
    return kernel, bias


def _usual_spread(
    fitted: Callable[[tuple, np.ndarray], tuple[np.ndarray, np.ndarray]],
    standard: np.ndarray,
    labels: np.ndarray,
    voice: np.ndarray,
) -> float:
    """How far answers to recordings of a voice that was held out are from each other.

    Infinite where a profile would take the emotion for the voice, because training voices hardly
    tell the one from the other: none speaks in two emotions, or a profile of the others of its
    voice turns right answers to a held-out recording wrong more often than wrong ones right, by
    more than a standard error.
    """
    if len(set(zip(voice, labels, strict=True))) == len(np.unique(voice)):
        return np.inf
    found, gains = [], []
    groups = min(GROUPS_HELD_OUT, len(np.unique(voice)))
    folds = GroupKFold(groups).split(standard, labels, voice) if groups > 1 else ()
    for train, held_out in folds:
        if len(np.unique(labels[train])) < 2:
            continue
        of_nobody, of_known = fitted(OF_NOBODY, train), fitted(OF_KNOWN, train)
        for one in np.unique(voice[held_out]):
            its = held_out[voice[held_out] == one]
            if len(its) > 1:
                own = standard[its]
                found.append(spread(_answers(normalised(own, profile_of(own)), of_known)))
                by_others = normalised(own, _of_neighbours(own, len(own) - 1, 0.0))
                answers = _answers(own, of_nobody), _answers(by_others, of_known)
                before, after = (each.argmax(axis=1) == labels[its] for each in answers)
                gains.extend(after.astype(int) - before)
    if np.sum(gains) < -np.sqrt(np.count_nonzero(gains)):
        return np.inf
    return float(np.mean(found)) if found else 1.0


def _answers(rows: np.ndarray, classifier: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Logits (num_recordings, num_emotions) of a kernel and a bias."""
    kernel, bias = classifier
    return rows @ kernel + bias


# --- Statistics of other recordings of a voice ---


def _profiles(
    standard: np.ndarray,
    effects: np.ndarray,
    labels: np.ndarray,
    voice: np.ndarray,
    count: int | None,
    seed: int,
) -> np.ndarray:
    """Profiles of all recordings (num_recordings, 2, num_functionals), by so many others.

    Of every second recording the voice is told without what the emotions of the others do to it:
    one head then serves both kinds of profiles.
    """
    order = np.random.default_rng(seed).permutation(len(voice))
    cleaned = standard - effects[labels]
    within = np.square(effects).mean(axis=0)
    profiles = np.zeros((len(standard), 2, standard.shape[1]), np.float32)
    for one in np.unique(voice) if count != 0 else ():
        own = order[voice[order] == one]
        told_by = len(own) - 1 if count is ALL else min(count, len(own) - 1)
        if told_by:
            profiles[own] = _of_neighbours(standard[own], told_by, 0.0)
            profiles[own[::2]] = _of_neighbours(cleaned[own], told_by, within)[::2]
    return profiles


def _of_neighbours(own: np.ndarray, count: int, within: np.ndarray | float) -> np.ndarray:
    """The profile of each recording of a voice from the next ones, in a circle.

    Args:
        own: functionals of the voice (num_recordings, num_functionals), in an order that is drawn.
        count: how many recordings, fewer than there are.
        within: variance that was taken out of each functional (num_functionals,).
    """
    total, squares = (_sums_of_next(values, count) for values in (own, np.square(own)))
    mean = total / (count + MEAN_COUNTS_AS)
    spread_of = squares - 2 * mean * total + count * np.square(mean) + count * within
    variance = (spread_of + VARIANCE_COUNTS_AS) / (count + VARIANCE_COUNTS_AS)
    return np.stack([mean, 0.5 * np.log(variance)], axis=1)


def _sums_of_next(values: np.ndarray, count: int) -> np.ndarray:
    """For each row the sum of the next `count` rows, in a circle."""
    size = len(values)
    circle = np.concatenate([values, values[: count + 1]]).astype(np.float64)
    sums = np.cumsum(circle, axis=0)
    return sums[count : count + size] - sums[:size]
