"""Statistics against brute force, scipy and cases whose answer is known."""

import dataclasses
from itertools import product

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix

from ser_keras.errors import SerError
from ser_keras.scores import statistics
from ser_keras.scores.predictions import Predictions
from ser_keras.scores.statistics import (
    bootstrap_interval,
    compare,
    holm,
    matched_confusions,
    speaker_confusions,
)

NAMES = ("weighted_accuracy", "unweighted_accuracy")
SCORERS = dict(zip(NAMES, (accuracy_score, balanced_accuracy_score), strict=True))


def made_up_run(seed, num_speakers=6, per_speaker=15, accuracy=0.6, folds=3):
    """Predictions in folds; labels and speakers depend on the utterance alone, not on the seed."""
    draw = np.random.default_rng(seed)
    labels = np.random.default_rng(99).choice(3, num_speakers * per_speaker, p=[0.5, 0.3, 0.2])
    right = draw.random(len(labels)) < accuracy
    predicted = np.where(right, labels, (labels + draw.integers(1, 3, len(labels))) % 3)
    order = draw.permutation(len(labels))  # other folds, too, from run to run
    return [
        Predictions(
            utterance_ids=tuple(f"u{n}" for n in part),
            speakers=tuple(f"s{n % num_speakers}" for n in part),
            fold=number,
            emotions=("angry", "happy", "sad"),
            labels=labels[part],
            probabilities=np.eye(3, dtype=np.float32)[predicted[part]],
        )
        for number, part in enumerate(np.array_split(order, folds))
    ]


def flat(run):
    """utterance id -> (speaker, label, predicted)."""
    return {
        i: (s, int(y), int(p.argmax()))
        for part in run
        for i, s, y, p in zip(
            part.utterance_ids, part.speakers, part.labels, part.probabilities, strict=True
        )
    }


def test_speaker_confusions_are_those_of_scikit_learn():
    run = made_up_run(1)
    names, matrices = speaker_confusions(run)
    assert names == tuple(f"s{n}" for n in range(6))
    for name, matrix in zip(names, matrices, strict=True):
        pairs = [(y, p) for s, y, p in flat(run).values() if s == name]
        true, predicted = zip(*pairs, strict=True)
        np.testing.assert_array_equal(matrix, confusion_matrix(true, predicted, labels=range(3)))


@pytest.mark.parametrize("name", NAMES)
def test_interval_is_that_of_resampled_utterance_lists(name):
    """Brute force: draw speakers, put their utterances together, ask scikit-learn."""
    run = made_up_run(3, num_speakers=8)
    values = list(flat(run).values())
    groups = [[v for v in values if v[0] == f"s{n}"] for n in range(8)]
    draw = np.random.default_rng(5)
    scored = []
    for _ in range(1000):
        drawn = [v for n in draw.integers(0, 8, 8) for v in groups[n]]
        _, true, predicted = zip(*drawn, strict=True)
        scored.append(SCORERS[name](true, predicted))
    expected = np.percentile(scored, [2.5, 97.5])
    found = bootstrap_interval(speaker_confusions(run)[1], name)
    # Percentiles of 1,000 resamples are known to about a tenth of the interval.
    assert np.abs(np.subtract(found, expected)).max() < 0.15 * np.ptp(expected)
    assert found == bootstrap_interval(speaker_confusions(run)[1], name)


def test_interval_of_unequal_speakers_is_that_of_scipy():
    # One utterance a speaker: the cluster bootstrap is the ordinary one.
    matrices = np.zeros((40, 2, 2), int)
    right = np.arange(40) % 3 != 0
    matrices[np.arange(40), 0, np.where(right, 0, 1)] = 1
    expected = scipy.stats.bootstrap(
        (right.astype(float),), np.mean, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    found = bootstrap_interval(matrices, "weighted_accuracy")
    np.testing.assert_allclose(found, expected, atol=0.026)  # one utterance is 0.025


def simulated_speakers(draw, num_speakers=10, per_speaker=34):
    """(num_speakers, 2, 2): accuracies of speakers spread by 0.08 about 0.8, as on EmoDB."""
    accuracy = draw.beta(0.8 * 24, 0.2 * 24, num_speakers)
    right = draw.binomial(per_speaker, accuracy)
    matrices = np.zeros((num_speakers, 2, 2), int)
    matrices[:, 0, 0], matrices[:, 0, 1] = right, per_speaker - right
    return matrices


def coverage(to_clusters, num_speakers, trials=400):
    draw = np.random.default_rng(7)
    hits = 0
    for trial in range(trials):
        matrices = to_clusters(simulated_speakers(draw, num_speakers))
        low, high = bootstrap_interval(matrices, "weighted_accuracy", seed=trial)
        hits += low <= 0.8 <= high
    return hits / trials


def one_cluster_an_utterance(matrices):
    right, wrong = matrices[:, 0, 0].sum(), matrices[:, 0, 1].sum()
    return np.repeat([[[1, 0], [0, 0]], [[0, 1], [0, 0]]], [right, wrong], axis=0)


def test_coverage_is_what_the_documentation_says(monkeypatch):
    monkeypatch.setattr(statistics, "RESAMPLES", 500)
    # 4,000 trials of 1,000 resamples: 0.90 and 0.95; for resampled utterances 0.83.
    ten_speakers = coverage(lambda matrices: matrices, 10)
    assert 0.86 <= ten_speakers <= 0.94
    assert 0.92 <= coverage(lambda matrices: matrices, 60) <= 0.98
    assert coverage(one_cluster_an_utterance, 10, trials=150) < ten_speakers - 0.03


def test_too_few_speakers_have_no_interval():
    matrices = np.tile(np.diag([3, 2]), (4, 1, 1))
    assert bootstrap_interval(matrices, "weighted_accuracy") is None
    assert compare(matrices, matrices, "weighted_accuracy").interval is None


# --- Two systems ---


def swap_by_hand(first, second, scorer):
    """p by really exchanging predictions, for all subsets of speakers."""
    a, b = flat(first), flat(second)
    ids = sorted(a)
    true = [a[i][1] for i in ids]
    speakers = sorted({a[i][0] for i in ids})

    def difference(swapped):
        pairs = [(b[i][2], a[i][2]) if a[i][0] in swapped else (a[i][2], b[i][2]) for i in ids]
        one, other = zip(*pairs, strict=True)
        return scorer(true, one) - scorer(true, other)

    observed = difference(set())
    all_swaps = [
        difference({s for s, flag in zip(speakers, flags, strict=True) if flag})
        for flags in product([False, True], repeat=len(speakers))
    ]
    return observed, np.mean(np.abs(all_swaps) >= abs(observed) - 1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_swap_test_is_exact(name):
    first, second = made_up_run(1, accuracy=0.75), made_up_run(2, accuracy=0.6)
    observed, p_value = swap_by_hand(first, second, SCORERS[name])
    found = compare(*matched_confusions(first, second), name)
    assert found.difference == pytest.approx(observed)
    assert found.p_value == pytest.approx(p_value)
    low, high = found.interval
    assert low < observed < high


def test_swap_test_is_that_of_scipy():
    first, second = (made_up_run(seed, num_speakers=9) for seed in (5, 6))
    matrices = matched_confusions(first, second)
    gains = np.diagonal(matrices[0] - matrices[1], axis1=1, axis2=2).sum(axis=1)
    reference = scipy.stats.permutation_test(
        (gains, np.zeros(9)), lambda a, b: (a - b).sum(), permutation_type="samples"
    )
    found = compare(*matrices, "weighted_accuracy")
    assert found.p_value == pytest.approx(reference.pvalue)


def test_many_speakers_are_drawn_and_agree_with_all_swaps(monkeypatch):
    matrices = matched_confusions(made_up_run(1, 14, accuracy=0.7), made_up_run(2, 14))
    exact = compare(*matrices, "unweighted_accuracy")
    monkeypatch.setattr(statistics, "MAX_SPEAKERS_EXACT", 13)
    drawn = compare(*matrices, "unweighted_accuracy")
    # All swaps give a whole number of them; drawn ones have 100,001 below the line.
    assert exact.p_value * 2**14 == round(exact.p_value * 2**14)
    assert drawn.p_value * 100_001 == pytest.approx(round(drawn.p_value * 100_001))
    assert drawn.p_value == pytest.approx(exact.p_value, abs=0.01)


def test_known_p_values():
    # Better for each of ten speakers: only the swaps of nobody and of everybody are as extreme.
    better, worse = np.tile([[4, 0], [0, 4]], (10, 1, 1)), np.tile([[4, 0], [1, 3]], (10, 1, 1))
    found = compare(better, worse, "weighted_accuracy")
    assert found.p_value == pytest.approx(2 / 2**10)
    assert found.difference == pytest.approx(1 / 8)
    assert found.interval == pytest.approx((1 / 8, 1 / 8))
    assert compare(worse, better, "weighted_accuracy").difference == pytest.approx(-1 / 8)
    assert compare(better, better, "weighted_accuracy").p_value == 1.0


def test_false_alarms_are_as_rare_as_p_says():
    draw = np.random.default_rng(3)
    p_values = [
        compare(*(simulated_speakers(draw, 8) for _ in range(2)), "weighted_accuracy").p_value
        for _ in range(60)
    ]
    assert 0.3 < np.mean(np.array(p_values) < 0.5) < 0.7
    assert np.mean(np.array(p_values) < 0.05) < 0.15


def test_runs_are_compared_over_their_common_utterances():
    first, second = made_up_run(1), made_up_run(2)
    common = set(second[0].utterance_ids)
    one, other = matched_confusions(first, second[:1])
    assert one.sum() == other.sum() == len(common)
    right = sum(y == p for i, (_, y, p) in flat(first).items() if i in common)
    assert np.diagonal(one, axis1=1, axis2=2).sum() == right


def test_runs_that_do_not_match_are_refused():
    run = made_up_run(1)
    renamed = [
        dataclasses.replace(part, utterance_ids=tuple(f"x{i}" for i in part.utterance_ids))
        for part in run
    ]
    with pytest.raises(SerError, match="without a common test utterance"):
        matched_confusions(run, renamed)
    other_labels = [dataclasses.replace(part, labels=(part.labels + 1) % 3) for part in run]
    with pytest.raises(SerError, match="differ in emotion or speaker of 90 utterances"):
        matched_confusions(run, other_labels)
    with pytest.raises(SerError, match="different utterances"):
        compare(np.ones((5, 3, 3)), np.ones((6, 3, 3)), "weighted_accuracy")


def test_holm():
    # Worked by hand: 3 x 0.01, 2 x 0.02, 1 x 0.03 is raised to 0.04.
    assert holm([0.03, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []
