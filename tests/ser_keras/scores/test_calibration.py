"""Calibration against brute force, on made-up validation parts of known certainty."""

import numpy as np
import pytest

from ser_keras.scores.calibration import (
    MIN_ANSWERED,
    MIN_CONFIDENCE,
    TARGET_ACCURACY,
    TEMPERATURE_RANGE,
    calibrate,
    choose_unsure_below,
    expected_calibration_error,
    fit_temperature,
)


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def made_up_part(size, certainty, seed):
    """Labels drawn from softmax(scores), and logits `certainty` times too large."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 2, (size, 4))
    labels = np.array([rng.choice(4, p=row) for row in softmax(scores)])
    return labels, (certainty * scores).astype(np.float32)


def best_temperature_by_trying(labels, logits):
    """Of many temperatures the one with the least loss: N parts truth, 1 part shared by all."""
    tried = np.exp(np.linspace(*np.log(TEMPERATURE_RANGE), 4001))
    losses = []
    for temperature in tried:
        surprise = -np.log(softmax(logits.astype(float) / temperature))
        own = surprise[np.arange(len(labels)), labels]
        losses.append((len(labels) * own + surprise.mean(axis=1)).mean())
    return tried[np.argmin(losses)]


@pytest.mark.parametrize("certainty", [0.4, 1.0, 3.0])
def test_temperature_is_the_one_that_trying_all_finds(certainty):
    labels, logits = made_up_part(60, certainty, seed=1)
    expected = best_temperature_by_trying(labels, logits)
    assert fit_temperature(labels, logits) == pytest.approx(expected, rel=2e-3)


def test_temperature_undoes_what_made_the_logits_too_large():
    assert fit_temperature(*made_up_part(20000, 3.0, seed=2)) == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize(("size", "excess"), [(30, 0.05), (300, 0.01)])
def test_more_utterances_bring_the_temperature_closer(size, excess):
    """docs/predict.md says how close, in likelihood loss on utterances not fitted on."""
    labels, logits = made_up_part(4000, 3.0, seed=7)

    def loss(temperature):
        return -np.log(softmax(logits / temperature)[np.arange(4000), labels]).mean()

    fitted = [fit_temperature(*made_up_part(size, 3.0, seed)) for seed in range(100, 120)]
    assert np.mean([loss(temperature) for temperature in fitted]) - loss(3.0) < excess


@pytest.mark.parametrize("size", [20, 400])
def test_a_part_without_an_error_is_no_certainty(size):
    labels = np.arange(size) % 4
    logits = 2.0 * np.eye(4)[labels]
    probabilities = softmax(logits / fit_temperature(labels, logits))
    assert probabilities.max(axis=1) == pytest.approx((size + 1 / 4) / (size + 1), rel=1e-3)


def test_a_model_that_is_always_wrong_is_flattened():
    logits = 5.0 * np.eye(4)[np.arange(40) % 4]
    temperature = fit_temperature((np.arange(40) + 1) % 4, logits)
    assert temperature == pytest.approx(TEMPERATURE_RANGE[1], rel=0.01)


def error_by_loop(labels, probabilities):
    """Guo et al., equation 3, as it is printed."""
    confidence, predicted = probabilities.max(1), probabilities.argmax(1)
    error = 0.0
    for m in range(15):
        members = [i for i, c in enumerate(confidence) if m / 15 < c <= (m + 1) / 15]
        if members:
            accuracy = np.mean([predicted[i] == labels[i] for i in members])
            error += len(members) / len(labels) * abs(accuracy - confidence[members].mean())
    return error


def test_calibration_error_is_that_of_the_equation():
    labels, logits = made_up_part(200, 2.0, seed=3)
    probabilities = softmax(logits)
    expected = error_by_loop(labels, probabilities)
    assert expected > 0.05
    assert expected_calibration_error(labels, probabilities) == pytest.approx(expected)
    certain = np.eye(4)
    assert expected_calibration_error(np.arange(4), certain) == 0
    assert expected_calibration_error([1, 2, 3, 0], certain) == 1


def lowest_threshold_by_trying(labels, probabilities):
    """The lowest of many confidences that keeps the promise, None where none does."""
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    for threshold in np.linspace(MIN_CONFIDENCE, 1, 5001):
        kept = correct[confidence >= threshold]
        if len(kept) >= MIN_ANSWERED and kept.mean() >= TARGET_ACCURACY:
            return threshold
    return None


@pytest.mark.parametrize("seed", range(5))
def test_threshold_answers_as_many_as_the_target_allows(seed):
    labels, logits = made_up_part(90, 1.0, seed)
    probabilities = softmax(logits)
    expected = lowest_threshold_by_trying(labels, probabilities)
    threshold, reached = choose_unsure_below(labels, probabilities)
    assert reached and expected is not None
    confidence = probabilities.max(1)
    assert ((confidence >= threshold) == (confidence >= expected)).all()


def test_a_good_model_is_still_unsure_below_a_half():
    probabilities = np.tile([0.45, 0.3, 0.25], (50, 1))
    probabilities[:30] = [0.9, 0.05, 0.05]
    assert choose_unsure_below(np.zeros(50, int), probabilities) == (MIN_CONFIDENCE, True)


def test_without_enough_or_good_enough_answers_the_target_itself_is_the_threshold():
    few = np.tile([0.9, 0.1], (MIN_ANSWERED - 1, 1))
    assert choose_unsure_below(np.zeros(len(few), int), few) == (TARGET_ACCURACY, False)
    wrong = np.tile([0.9, 0.1], (100, 1))
    half = np.arange(100) % 2
    assert choose_unsure_below(half, wrong) == (TARGET_ACCURACY, False)


def test_the_test_part_is_measured_and_nothing_is_fitted_on_it():
    validation, test = made_up_part(80, 3.0, seed=5), made_up_part(400, 3.0, seed=6)
    result = calibrate(validation, test).to_json()
    others = calibrate(validation, (test[0][::-1], test[1])).to_json()
    assert others["calibration"].pop("test") != result["calibration"]["test"]
    measured = result["calibration"].pop("test")
    assert others == result == calibrate(validation, None).to_json()
    assert list(result) == ["temperature", "unsure_below", "calibration"]
    assert list(result["calibration"]) == ["target_accuracy", "target_reached", "validation"]

    confidence = softmax(test[1] / result["temperature"]).max(1)
    answered = confidence >= result["unsure_below"]
    hits = (test[1].argmax(1) == test[0])[answered]
    assert measured["utterances"] == 400 and measured["answered"] == answered.sum()
    assert measured["answered_accuracy"] == pytest.approx(hits.mean())
    for moment, temperature in [("before", 1.0), ("after", result["temperature"])]:
        probabilities = softmax(test[1].astype(float) / temperature)
        surprise = -np.log(probabilities[np.arange(400), test[0]])
        assert measured[moment] == pytest.approx(
            {
                "negative_log_likelihood": surprise.mean(),
                "expected_calibration_error": error_by_loop(test[0], probabilities),
            }
        )
    assert (
        measured["after"]["negative_log_likelihood"] < measured["before"]["negative_log_likelihood"]
    )
