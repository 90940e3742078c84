"""When to be unsure of strangers: the promise on planted answers, and the bound against scipy."""

import numpy as np
import pytest
from scipy.stats import binom

from ser_keras.scores.strangers import calibrate_for_strangers, lower_bound


def answers(generator, count, skill, sharpness):
    """Answers that are right as often as they say, but for how sharply they say it."""
    labels = generator.integers(4, size=count)
    logits = generator.normal(size=(count, 4)) + skill * np.eye(4)[labels]
    scaled = np.exp(sharpness * logits)
    return labels, scaled / scaled.sum(axis=1, keepdims=True)


def test_the_lower_bound_is_the_share_at_which_so_many_are_right_one_time_in_ten():
    for right, answered in ((8, 10), (80, 100), (339, 400)):
        bound = lower_bound(right, answered)
        assert binom.sf(right - 1, answered, bound) == pytest.approx(0.1, abs=1e-6)
    assert lower_bound(0, 10) == lower_bound(0, 0) == 0
    assert lower_bound(10, 10) == pytest.approx(0.1 ** (1 / 10))


def test_folds_of_strangers_keep_the_promise_that_the_others_made():
    generator = np.random.default_rng(0)
    folds = [answers(generator, 200, 2.0, 3.0) for _ in range(10)]
    found = calibrate_for_strangers(folds)
    assert found["temperature"] > 1 and found["target_reached"]
    measured = found["cross_fitted"]
    assert measured["utterances"] == 2000 and measured["folds"] == 10
    assert measured["answered"] > 1000
    assert measured["right"] / measured["answered"] >= 0.8
    assert measured["lower_bound"] >= 0.78


def test_a_fold_is_judged_by_the_others_alone():
    """A fold of wrong answers that says it is certain is answered: the others knew no better."""
    generator = np.random.default_rng(0)
    good = [answers(generator, 300, 4.0, 1.0) for _ in range(4)]
    labels, probabilities = answers(generator, 300, 4.0, 1.0)
    found = calibrate_for_strangers([*good, ((labels + 1) % 4, probabilities)])["cross_fitted"]
    assert found["folds_that_kept_it"] == 4
    assert found["right"] / found["answered"] < 0.9


def test_who_is_never_good_enough_is_unsure_below_the_target_itself():
    generator = np.random.default_rng(0)
    found = calibrate_for_strangers([answers(generator, 50, 0.0, 1.0) for _ in range(3)])
    assert found["unsure_below"] == 0.8 and not found["target_reached"]
    certain = np.tile([[1.0, 0.0, 0.0, 0.0]], (5, 1))
    edge = calibrate_for_strangers([(np.zeros(5, int), certain)] * 2)
    assert np.isfinite(edge["temperature"])
