"""How sure a figure is, and whether two systems differ: statistics that count speakers.

Utterances of one speaker are alike, so they are not independent draws: an interval that resamples
utterances is too narrow. Everything here resamples or swaps whole speakers. All functions take
the confusion matrices of the speakers, (num_speakers, num_emotions, num_emotions), rows true,
columns predicted, and need only NumPy.

With few speakers a percentile interval is itself too narrow. Where speakers differ by a standard
deviation of 8 points, a 95 % interval over ten of them holds the true value in 90 % of simulated
corpora, over 60 of them in 95 %; resampling the utterances of the ten would reach 83 %. Ten
speakers also allow no p-value below 2 / 2**10. What no interval here counts: another training of
the same system would score a little differently.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ser_keras.errors import SerError
from ser_keras.scores.accuracies import WEIGHTED, accuracies
from ser_keras.scores.predictions import Predictions

LEVEL = 0.95
RESAMPLES = 10_000
# Four speakers have only 35 different resamples, five have 126. Under five there is no interval: it
# would look sure and say nothing.
MIN_SPEAKERS = 5
# Up to here every one of the 2**n swaps is tried; beyond it, SWAPS of them are drawn.
MAX_SPEAKERS_EXACT = 16
SWAPS = 100_000
SWAPS_AT_ONCE = 1_000  # bounds the memory, whatever the number of speakers
# Sums of the same terms in another order differ in the last bits; they are still equal.
ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two systems on the same utterances.

    Attributes:
        difference: accuracy of the first minus that of the second, all utterances together.
        interval: its bootstrap interval over speakers; None under `MIN_SPEAKERS`.
        p_value: two-sided, of the swap test over speakers.
        num_utterances, num_speakers: that both were tested on.
    """

    difference: float
    interval: tuple[float, float] | None
    p_value: float
    num_utterances: int
    num_speakers: int


# --- From predictions to confusion matrices of speakers ---


def speaker_confusions(
    predictions: Sequence[Predictions],
) -> tuple[tuple[str, ...], np.ndarray]:
    """Confusion matrix of each speaker over the test parts of one or more folds.

    Returns:
        Names of the speakers, sorted, and counts (num_speakers, num_emotions, num_emotions).
    """
    speakers = [speaker for part in predictions for speaker in part.speakers]
    names, index = np.unique(speakers, return_inverse=True)
    labels = np.concatenate([part.labels for part in predictions])
    predicted = np.concatenate([part.probabilities.argmax(axis=-1) for part in predictions])
    num_emotions = len(predictions[0].emotions)
    counts = np.zeros((len(names), num_emotions, num_emotions), np.int64)
    np.add.at(counts, (index, labels, predicted), 1)
    return tuple(names.tolist()), counts


def matched_confusions(
    first: Sequence[Predictions], second: Sequence[Predictions]
) -> tuple[np.ndarray, np.ndarray]:
    """Confusion matrices of two systems over the utterances that both were tested on.

    Utterances are matched by their ids; which fold they were in does not matter.

    Raises:
        SerError: no utterance in common, or one with two labels or two speakers.
    """
    ids = {i for part in first for i in part.utterance_ids}
    common = ids & {i for part in second for i in part.utterance_ids}
    if not common:
        raise SerError("received two runs without a common test utterance, expected some")
    kept = [[_select(part, common) for part in run] for run in (first, second)]
    known = [_labels_by_id(run) for run in kept]
    differing = sorted(i for i in common if known[0][i] != known[1][i])
    if differing:
        raise SerError(
            f"received two runs that differ in emotion or speaker of {len(differing)} utterances, "
            f"first {differing[0]!r}, expected the same: compare runs of one prepared corpus"
        )
    return speaker_confusions(kept[0])[1], speaker_confusions(kept[1])[1]


def _select(part: Predictions, ids: set[str]) -> Predictions:
    keep = [n for n, utterance_id in enumerate(part.utterance_ids) if utterance_id in ids]
    return replace(
        part,
        utterance_ids=tuple(part.utterance_ids[n] for n in keep),
        speakers=tuple(part.speakers[n] for n in keep),
        labels=part.labels[keep],
        probabilities=part.probabilities[keep],
    )


def _labels_by_id(run: Sequence[Predictions]) -> dict[str, tuple[str, str]]:
    return {
        utterance_id: (part.emotions[label], speaker)
        for part in run
        for utterance_id, label, speaker in zip(
            part.utterance_ids, part.labels, part.speakers, strict=True
        )
    }


# --- Intervals ---


def bootstrap_interval(
    confusions: np.ndarray, name: str, seed: int = 0
) -> tuple[float, float] | None:
    """95 % percentile interval of a pooled accuracy; resamples speakers with all they said.

    Args:
        confusions: (num_speakers, num_emotions, num_emotions).
        name: as for `accuracies`. An emotion that a resample lacks is left out of its UA.
        seed: of the `RESAMPLES` resamples.

    Returns:
        Lower and upper end, or None under `MIN_SPEAKERS` speakers.
    """
    if len(confusions) < MIN_SPEAKERS:
        return None
    return _percentiles(accuracies(_resampled(confusions, seed), name))


def difference_interval(
    first: np.ndarray, second: np.ndarray, name: str, seed: int = 0
) -> tuple[float, float] | None:
    """95 % percentile interval of the difference of two groups of speakers that share none.

    Args:
        first: (num_speakers, num_emotions, num_emotions); the speakers of each group are resampled
            by themselves.
        second: the same of the other group.
        name: as for `accuracies`.
        seed: of the resamples of the first; the second has the next one.

    Returns:
        Lower and upper end of first minus second, or None where a group has fewer than
        `MIN_SPEAKERS` speakers.
    """
    if min(len(first), len(second)) < MIN_SPEAKERS:
        return None
    draws = (accuracies(_resampled(m, seed + n), name) for n, m in enumerate((first, second)))
    return _percentiles(np.subtract(*draws))


def _resampled(confusions: np.ndarray, seed: int) -> np.ndarray:
    """Summed matrices of resampled speakers: (RESAMPLES, num_emotions, num_emotions)."""
    num_speakers = len(confusions)
    generator = np.random.default_rng(seed)
    # How often each speaker is drawn: the same as drawing indices, and one product sums up.
    times = generator.multinomial(num_speakers, np.full(num_speakers, 1 / num_speakers), RESAMPLES)
    return np.tensordot(times, confusions, axes=1)


def _percentiles(values: np.ndarray) -> tuple[float, float]:
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


# --- Two systems on the same utterances ---


def compare(first: np.ndarray, second: np.ndarray, name: str, seed: int = 0) -> Comparison:
    """Difference of two systems, its interval and the p-value of a swap test over speakers.

    The test asks: if the two systems were the same, how often would swapping all predictions of
    some speakers between them give a difference at least as large as the one found?

    Args:
        first: confusion matrices of the speakers, (num_speakers, num_emotions, num_emotions).
        second: the same of another system on the same utterances, as `matched_confusions` gives
            both.
        name: as for `accuracies`.
        seed: of the resamples, and of the swaps where there are too many to try them all.

    Raises:
        SerError: the two do not hold the same utterances.
    """
    if first.shape != second.shape or (first.sum(axis=-1) != second.sum(axis=-1)).any():
        raise SerError("received matrices of different utterances, expected matched ones")
    difference = accuracies(first.sum(axis=0), name) - accuracies(second.sum(axis=0), name)
    interval = None
    if len(first) >= MIN_SPEAKERS:
        # The same seed draws the same speakers for both.
        pairs = (accuracies(_resampled(matrices, seed), name) for matrices in (first, second))
        interval = _percentiles(np.subtract(*pairs))
    p_value = _swap_test(_contributions(first, second, name), seed)
    return Comparison(
        difference=float(difference),
        interval=interval,
        p_value=p_value,
        num_utterances=int(first.sum()),
        num_speakers=len(first),
    )


def _contributions(first: np.ndarray, second: np.ndarray, name: str) -> np.ndarray:
    """What each speaker adds to the difference (num_speakers,); swapping turns its sign.

    Both accuracies are sums over speakers: the number of utterances of each emotion, below the
    line, is the same whoever is swapped.
    """
    gains = np.diagonal(first - second, axis1=-2, axis2=-1)  # (num_speakers, num_emotions)
    occurrences = first.sum(axis=(0, 2))  # (num_emotions,)
    if name == WEIGHTED:
        return gains.sum(axis=-1) / occurrences.sum()
    present = occurrences > 0
    return (gains[:, present] / occurrences[present]).mean(axis=-1)


def _swap_test(contributions: np.ndarray, seed: int) -> float:
    num_speakers = len(contributions)
    observed = abs(contributions.sum()) - ROUNDING
    if num_speakers <= MAX_SPEAKERS_EXACT:
        swapped = np.arange(2**num_speakers)[:, None] >> np.arange(num_speakers) & 1
        return float((abs((1 - 2 * swapped) @ contributions) >= observed).mean())
    generator, extreme = np.random.default_rng(seed), 0
    for _ in range(SWAPS // SWAPS_AT_ONCE):
        signs = generator.choice([-1.0, 1.0], (SWAPS_AT_ONCE, num_speakers))
        extreme += int((abs(signs @ contributions) >= observed).sum())
    # The swap of nobody is one of all, so p is never 0.
    return (1 + extreme) / (1 + SWAPS)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number by Holm's method, in the order given.

    Where no system differs, the chance that any adjusted value is under 0.05 is at most 0.05.
    """
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable").tolist()):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted
