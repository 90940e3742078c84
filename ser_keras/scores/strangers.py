"""When to say "unsure" to voices that nobody has heard: learnt from answers to such voices.

Each fold of a run tests voices that its model never heard. Put together, these answers say what the
recipe does to strangers. What they promise is measured by turns: temperature and threshold of a
fold come from the answers of the others.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_softmax, softmax
from scipy.stats import beta

from data_pipeline.splits.fold import UNHEARD
from ser_keras.scores.calibration import MIN_CONFIDENCE, TARGET_ACCURACY, fit_temperature
from ser_keras.scores.predictions import Predictions

# The threshold is one at which so many are right with this confidence, not just as it happened.
CONFIDENCE = 0.9
TINY = 1e-12

# Labels (num_utterances,) and probabilities (num_utterances, num_emotions), not calibrated.
Answers = tuple[ArrayLike, ArrayLike]


def calibrate_for_strangers(folds: Sequence[Answers]) -> dict[str, Any]:
    """Temperature and threshold from all folds, and what those of the others do to each.

    Args:
        folds: the answers of each fold to voices that its model never heard; two or more.

    Returns:
        temperature, unsure_below and target_reached of all together; and "cross_fitted": the
        utterances, how many were answered, how many of these were right, the lower end of a
        one-sided interval of that share (Clopper and Pearson, 90 %), and in how many folds the
        promise was kept.
    """
    temperature, unsure_below, reached = _fitted(folds)
    return {
        "temperature": temperature,
        "unsure_below": unsure_below,
        "target_accuracy": TARGET_ACCURACY,
        "target_reached": reached,
        "cross_fitted": _cross_fitted(folds),
    }


def _cross_fitted(folds: Sequence[Answers]) -> dict[str, Any]:
    utterances = answered = right = kept = 0
    for number, own in enumerate(folds):
        others = [fold for n, fold in enumerate(folds) if n != number]
        temperature, unsure_below, _ = _fitted(others)
        confidence, correct = _confidence(*own, temperature)
        told = confidence >= unsure_below
        utterances, answered = utterances + len(told), answered + int(told.sum())
        right += int(correct[told].sum())
        kept += int(not told.any() or correct[told].mean() >= TARGET_ACCURACY)
    return {
        "utterances": utterances,
        "answered": answered,
        "right": right,
        "lower_bound": lower_bound(right, answered),
        "folds": len(folds),
        "folds_that_kept_it": kept,
    }


def lower_bound(right: int, answered: int) -> float:
    """What share is right at least, with CONFIDENCE, when so many of so many were."""
    if not right:
        return 0.0
    return float(beta.ppf(1 - CONFIDENCE, right, answered - right + 1))


def _fitted(folds: Sequence[Answers]) -> tuple[float, float, bool]:
    """Temperature, threshold, and whether the target was reached."""
    labels = np.concatenate([np.asarray(labels) for labels, _ in folds])
    probabilities = np.concatenate([np.asarray(p, np.float64) for _, p in folds])
    temperature = fit_temperature(labels, _logits(probabilities))
    confidence, correct = _confidence(labels, probabilities, temperature)
    order = np.argsort(-confidence, kind="stable")
    right = np.cumsum(correct[order]).tolist()
    bounds = np.array(
        [lower_bound(*pair) for pair in zip(right, range(1, len(order) + 1), strict=True)]
    )
    enough = np.flatnonzero((bounds >= TARGET_ACCURACY) & (confidence[order] >= MIN_CONFIDENCE))
    if not len(enough):
        return temperature, TARGET_ACCURACY, False
    return temperature, float(confidence[order][enough[-1]]), True


def _confidence(
    labels: ArrayLike, probabilities: ArrayLike, temperature: float
) -> tuple[np.ndarray, np.ndarray]:
    calibrated = softmax(_logits(probabilities) / temperature, axis=1)
    return calibrated.max(axis=1), calibrated.argmax(axis=1) == np.asarray(labels)


def _logits(probabilities: ArrayLike) -> np.ndarray:
    """What gives these probabilities, of which more than the last digit is known."""
    return log_softmax(np.log(np.asarray(probabilities, np.float64) + TINY), axis=1)


def strangers_of_folds(
    results: Sequence[Mapping[str, Any]], predictions: Sequence[Predictions]
) -> dict[str, Any]:
    """When to be unsure of voices never heard, without a profile and with one, of a whole run.

    Args:
        results: result.json of every fold.
        predictions: of the same folds.

    Returns:
        `calibrate_for_strangers` of both; empty where the protocol tests voices that were heard, or
        the system takes no profiles.
    """
    told = [kept for result in results for kept in _kept(result)]
    is_unheard = all(result["protocol"] in UNHEARD for result in results)
    if not is_unheard or len(told) != len(results) or len(results) < 2:
        return {}
    return {
        "without_profile": calibrate_for_strangers(
            [(p.labels, p.probabilities) for p in predictions]
        ),
        "with_profile": calibrate_for_strangers(told),
    }


def _kept(result: Mapping[str, Any]) -> Iterator[Answers]:
    """The answers with profiles that a result keeps, if any."""
    for part in result.get("adapted", {}).values():
        if "probabilities" in part:
            yield part["labels"], part["probabilities"]
