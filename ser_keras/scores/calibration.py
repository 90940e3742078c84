"""How far a model's confidence can be trusted: temperature scaling, and when to say "unsure".

Guo, Pleiss, Sun, Weinberger: "On Calibration of Modern Neural Networks", ICML 2017. Everything is
fitted on the validation part of a fold, at the epoch that was chosen on it; the test part is only
measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

# Where the temperature is looked for; a model that knows nothing ends at the upper end.
TEMPERATURE_RANGE = (0.05, 20.0)
# Bins of equal width, as in Guo et al.
NUM_BINS = 15

# Answers that are not called unsure shall be right this often on the validation part.
TARGET_ACCURACY = 0.8
# Fewer answers say nothing about a share of 0.8.
MIN_ANSWERED = 20
# Below this an answer is, by its own calibrated probability, more likely wrong than right.
MIN_CONFIDENCE = 0.5


def fit_temperature(labels: ArrayLike, logits: ArrayLike) -> float:
    """The temperature T > 0 whose softmax(logits / T) makes the labels most likely.

    One T for all emotions: it changes how certain a model is, never which emotion it names. Each
    label is smoothed by the weight of one more utterance, shared by all emotions: otherwise a
    part without an error would ask for T = 0, which is certainty.

    Args:
        labels: integers (num_utterances,), at least one.
        logits: (num_utterances, num_emotions), finite, before the softmax.

    Returns:
        T, within TEMPERATURE_RANGE. Above 1 the model was too certain, below 1 too careful.
    """
    logits = np.asarray(logits, np.float64)
    num_utterances, num_emotions = logits.shape
    targets = np.eye(num_emotions)[np.asarray(labels)] * num_utterances + 1 / num_emotions

    def cross_entropy(log_temperature: float) -> float:
        log_probabilities = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -(targets * log_probabilities).sum()

    # Convex in 1 / T, so there is a single minimum.
    found = minimize_scalar(cross_entropy, bounds=np.log(TEMPERATURE_RANGE), method="bounded")
    return float(np.exp(found.x))


def expected_calibration_error(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean distance of confidence and accuracy, weighted by the bins' sizes (Guo et al., eq. 3).

    Confidence is the highest probability. With few utterances it comes out above 0 even for a
    perfectly calibrated model: compare it with others over the same utterances only.

    Args:
        labels: integers (num_utterances,), at least one.
        probabilities: (num_utterances, num_emotions), finite.

    Returns:
        A number in [0, 1]; 0 where accuracy equals confidence in each of NUM_BINS bins.
    """
    confidence, correct = _confidence_and_correct(labels, probabilities)
    # Bins are open on the left, as in Guo et al.: (0, 1/15], (1/15, 2/15], ...
    bins = np.ceil(confidence * NUM_BINS).astype(int)
    excess = np.bincount(bins, weights=correct - confidence)
    return float(np.abs(excess).sum() / len(confidence))


def _confidence_and_correct(
    labels: ArrayLike, probabilities: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    probabilities = np.asarray(probabilities, np.float64)
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == np.asarray(labels)


def choose_unsure_below(labels: ArrayLike, probabilities: ArrayLike) -> tuple[float, bool]:
    """The confidence below which an answer is called unsure.

    The lowest one, MIN_CONFIDENCE or above, at which the utterances of that confidence or more
    are MIN_ANSWERED or more and TARGET_ACCURACY of them are right. Where there is no such
    confidence, because the model is not that good or the validation part too small, it is
    TARGET_ACCURACY itself: then the calibrated probability is all there is to go by.

    Args:
        labels: integers (num_utterances,).
        probabilities: (num_utterances, num_emotions), calibrated.

    Returns:
        The confidence, and whether the target was reached by counting.
    """
    confidence, correct = _confidence_and_correct(labels, probabilities)
    candidates = confidence[confidence > MIN_CONFIDENCE]
    for threshold in (MIN_CONFIDENCE, *np.sort(candidates).tolist()):
        answered = confidence >= threshold
        if answered.sum() >= MIN_ANSWERED and correct[answered].mean() >= TARGET_ACCURACY:
            return threshold, True
    return TARGET_ACCURACY, False


@dataclass(frozen=True)
class Calibration:
    """What a fold keeps of its calibration.

    Attributes:
        temperature: what the logits are divided by before the softmax.
        unsure_below: the confidence below which an answer is called unsure.
        details: target_accuracy with target_reached (see `choose_unsure_below`), and what both
            numbers do on "validation" and, where it was scored, on "test" (see `answers`).
    """

    temperature: float
    unsure_below: float
    details: Mapping[str, object]

    def to_json(self) -> dict[str, object]:
        """Ready for `info.json` and `result.json`."""
        return {
            "temperature": self.temperature,
            "unsure_below": self.unsure_below,
            "calibration": dict(self.details),
        }


# Labels (num_utterances,) and logits (num_utterances, num_emotions), finite.
LabelsAndLogits = tuple[ArrayLike, ArrayLike]


def calibrate(validation: LabelsAndLogits, test: LabelsAndLogits | None) -> Calibration:
    """Fit a temperature and a threshold, and measure what they do.

    Args:
        validation: labels and logits of the validation part: everything is fitted on it.
        test: the same of the test part, which is only measured; None where it is not scored.
    """
    labels, logits = validation
    temperature = fit_temperature(labels, logits)
    unsure_below, reached = choose_unsure_below(labels, _probabilities(logits, temperature))
    parts = {"validation": validation} | ({} if test is None else {"test": test})
    details = {
        "target_accuracy": TARGET_ACCURACY,
        "target_reached": reached,
        **{name: answers(*part, temperature, unsure_below) for name, part in parts.items()},
    }
    return Calibration(temperature, unsure_below, details)


def answers(
    labels: ArrayLike, logits: ArrayLike, temperature: float, unsure_below: float
) -> dict[str, object]:
    """What a calibration does to some part of a corpus; nothing is fitted.

    Args:
        labels: integers (num_utterances,) of that part.
        logits: (num_utterances, num_emotions) of that part.
        temperature: as `calibrate` gives it.
        unsure_below: as `calibrate` gives it.

    Returns:
        utterances and answered (counts; answered are those not called unsure),
        answered_accuracy (None where none is answered), and under "before" (with temperature 1)
        and "after" the negative_log_likelihood (nats an utterance: the lower, the better) and
        the expected_calibration_error.
    """
    confidence, correct = _confidence_and_correct(labels, _probabilities(logits, temperature))
    answered = confidence >= unsure_below
    return {
        "utterances": len(confidence),
        "answered": int(answered.sum()),
        "answered_accuracy": float(correct[answered].mean()) if answered.any() else None,
        "before": _errors(labels, logits, 1.0),
        "after": _errors(labels, logits, temperature),
    }


def _errors(labels: ArrayLike, logits: ArrayLike, temperature: float) -> dict[str, float]:
    log_probabilities = log_softmax(np.asarray(logits, np.float64) / temperature, axis=1)
    of_labels = log_probabilities[np.arange(len(log_probabilities)), np.asarray(labels)]
    return {
        "negative_log_likelihood": float(-of_labels.mean()),
        "expected_calibration_error": expected_calibration_error(labels, np.exp(log_probabilities)),
    }


def _probabilities(logits: ArrayLike, temperature: float) -> np.ndarray:
    return softmax(np.asarray(logits, np.float64) / temperature, axis=1)
