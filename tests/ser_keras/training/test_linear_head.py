"""The linear head: against scikit-learn, its profiles against one by one, its unusual corpora."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ser_keras.settings import Optimiser
from ser_keras.training.linear_head import _of_neighbours, fit_linear_head
from ser_keras.voices.adapting import adapt
from ser_keras.voices.statistics import profile_of


def made(num_voices=6, of_each=24, size=15, emotions=(0, 1, 2), seed=0, clear=2.0):
    """Functionals, labels and voices: emotions and voices move them, each in its own way."""
    generator = np.random.default_rng(seed)
    effect = clear * generator.normal(size=(max(emotions) + 1, size))
    voice = generator.normal(size=(num_voices, size))
    voice[:, :5] *= 6
    labels = np.array([emotions[n % len(emotions)] for n in range(num_voices * of_each)])
    voices = np.repeat(np.arange(num_voices), of_each)
    rows = 3 + effect[labels] + voice[voices] + generator.normal(size=(len(labels), size))
    return rows.astype(np.float32), labels, [f"voice {v}" for v in voices]


def fitted(rows, labels, voices, num_emotions=3, **settings):
    return fit_linear_head(rows, labels, voices, num_emotions, Optimiser(**settings), seed=0)


def test_of_voices_that_nobody_can_tell_apart_it_is_scikit_learns_regression():
    """Without speakers no recording has a profile: both classifiers hear the same."""
    rows, labels, _ = made()
    head = fitted(rows, labels, [""] * len(rows), functionals_cost=0.01, voice_penalty=0.0)
    standard = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    np.testing.assert_allclose(head.standard(rows), standard, atol=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = LogisticRegression(C=0.01, class_weight="balanced", max_iter=60)
        plain.fit(standard, labels)
    own = head.logits(head.standard(rows), head.nobody)
    np.testing.assert_allclose(own, plain.decision_function(standard), atol=0.02)
    np.testing.assert_allclose(head.kernel[1], head.kernel[0], atol=1e-3)


def test_unheard_voices_are_answered_better_with_profiles_and_what_voices_differ_in_counts_less():
    rows, labels, voices = made(num_voices=14, clear=1.0)
    heard = np.array([int(v.split()[1]) < 8 for v in voices])
    names = np.array(voices)

    def right(head, told):
        standard, count = head.standard(rows), 0
        for voice in np.unique(names[~heard]):
            own = names == voice
            profile = profile_of(standard[own]) if told else head.nobody
            count += (head.logits(standard[own], profile).argmax(axis=1) == labels[own]).sum()
        return count / (~heard).sum()

    head = fitted(rows[heard], labels[heard], names[heard].tolist(), voice_penalty=10.0)
    careless = fitted(rows[heard], labels[heard], names[heard].tolist(), voice_penalty=0.0)
    assert right(head, told=True) > 0.9
    assert right(head, told=True) > right(head, told=False)
    # The functionals that voices differ in most count least.
    weights = np.abs(head.kernel[0]).mean(axis=1) / np.abs(careless.kernel[0]).mean(axis=1)
    assert weights[:5].mean() < weights[5:].mean()


@pytest.mark.parametrize("count", [1, 3, 6])
def test_statistics_of_the_next_recordings_are_those_of_each_one_by_one(count):
    own = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)
    found = _of_neighbours(own, count, 0.0)
    for row in range(7):
        others = own[[(row + 1 + step) % 7 for step in range(count)]]
        np.testing.assert_allclose(found[row], profile_of(others), atol=1e-5)


def test_two_emotions_and_one_that_nobody_speaks():
    rows, labels, voices = made(emotions=(0, 2))
    head = fitted(rows, labels, voices)
    logits = head.logits(head.standard(rows), head.nobody)
    assert (logits.argmax(axis=1) == labels).mean() > 0.9
    assert (logits[:, 1] < -100).all()


def test_a_single_voice_can_be_learnt_from():
    rows, labels, _ = made(num_voices=1)
    head = fitted(rows, labels, ["anna"] * len(rows))
    assert np.isfinite(head.kernel).all() and head.usual_spread == 1


@pytest.mark.parametrize("share", [0, 0.1])
def test_where_voices_hardly_tell_emotions_apart_a_profile_changes_nothing(share):
    """As in corpora that tie voices to emotions: the mean of a voice is that of its emotion."""
    rows, labels, voices = made(num_voices=45, clear=1.0)
    number = np.array([int(voice.split()[1]) for voice in voices])
    said = labels == number % 3
    said |= np.random.default_rng(1).random(len(labels)) < share
    head = fitted(rows[said], labels[said], np.array(voices)[said].tolist())
    for own in (rows[said & (number == 7)], rows[number == 7]):
        adapted = adapt(head, head.standard(own))
        assert adapted.mixed == 0 and not adapted.profile.any()


def test_where_half_of_a_voices_recordings_are_in_other_emotions_a_profile_helps():
    rows, labels, voices = made(num_voices=60, clear=1.0)
    number = np.array([int(voice.split()[1]) for voice in voices])
    said = (labels == number % 3) | (np.random.default_rng(1).random(len(labels)) < 0.5)
    heard = said & (number < 45)
    head = fitted(rows[heard], labels[heard], np.array(voices)[heard].tolist())
    right = np.zeros(2)
    for voice in range(45, 60):
        own = said & (number == voice)
        standard = head.standard(rows[own])
        told = adapt(head, standard).profile
        assert told.any()
        right += [
            (head.logits(standard, profile).argmax(axis=1) == labels[own]).sum()
            for profile in (head.nobody, told)
        ]
    assert right[1] > right[0]


def test_a_functional_that_never_changes_does_no_harm():
    rows, labels, voices = made()
    rows[:, 3] = 7.0
    head = fitted(rows, labels, voices)
    assert np.isfinite(head.kernel).all() and np.isfinite(head.standard(rows + 1e6)).all()
