"""Scores and summaries against scikit-learn and the statistics module."""

import statistics
import subprocess
import sys

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from ser_keras.errors import SerError
from ser_keras.runs.folder import in_words
from ser_keras.scores.accuracies import scores, summarise

EMOTIONS = ("angry", "happy", "neutral", "sad")


def random_predictions(seed, size, emotions=range(4)):
    rng = np.random.default_rng(seed)
    labels = rng.choice(list(emotions), size)
    return labels, rng.dirichlet(np.ones(4), size).astype(np.float32)


def test_scores_agree_with_scikit_learn():
    labels, probabilities = random_predictions(0, 83)
    predicted = probabilities.argmax(-1)
    result = scores(labels, probabilities, EMOTIONS)
    recalls = sklearn_metrics.recall_score(labels, predicted, average=None)
    assert result["weighted_accuracy"] == pytest.approx(
        sklearn_metrics.accuracy_score(labels, predicted)
    )
    assert result["unweighted_accuracy"] == pytest.approx(
        sklearn_metrics.balanced_accuracy_score(labels, predicted)
    )
    assert list(result["per_class_recall"]) == list(EMOTIONS)
    assert list(result["per_class_recall"].values()) == pytest.approx(recalls)
    matrix = sklearn_metrics.confusion_matrix(labels, predicted)
    assert result["confusion_matrix"] == matrix.tolist()
    assert result["absent_emotions"] == []


def test_absent_emotion_is_named_and_has_no_recall():
    labels, probabilities = random_predictions(1, 60, emotions=(0, 1, 2))
    result = scores(labels, probabilities, EMOTIONS)
    assert result["absent_emotions"] == ["sad"]
    assert result["per_class_recall"]["sad"] is None
    present = sklearn_metrics.recall_score(
        labels, probabilities.argmax(-1), labels=[0, 1, 2], average="macro"
    )
    assert result["unweighted_accuracy"] == pytest.approx(present)
    assert result["confusion_matrix"][3] == [0, 0, 0, 0]


def test_first_of_equal_probabilities_wins():
    result = scores([1], np.full((1, 4), 0.25, np.float32), EMOTIONS)
    assert result["confusion_matrix"][1] == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ([], np.zeros((0, 4)), "at least one utterance"),
        ([0, 1], np.zeros((2, 3)), r"shape \(2, 3\), expected \(num_utterances, 4\)"),
        ([0], np.zeros((2, 4)), "received 1 labels"),
        ([4], np.zeros((1, 4)), "labels from 4 to 4, expected 0 to 3"),
        ([-1], np.zeros((1, 4)), "labels from -1"),
        ([0, 0], [[0, 0, 0, 1], [np.nan] * 4], "not finite for 1 of 2"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_one_line(labels, probabilities, message):
    with pytest.raises(SerError, match=message) as caught:
        scores(labels, probabilities, EMOTIONS)
    assert "\n" not in str(caught.value)


def fold_result(fold, labels, probabilities):
    """A made-up result.json: the optimistic part is another prediction of the same labels."""
    _, other = random_predictions(100 + fold, len(labels))
    result = scores(labels, probabilities, EMOTIONS)
    lucky = scores(labels, other, EMOTIONS)
    optimistic = {
        "weighted_accuracy": lucky["weighted_accuracy"],
        "weighted_accuracy_epoch": 3,
        "weighted_accuracy_confusion_matrix": lucky["confusion_matrix"],
        "unweighted_accuracy": result["unweighted_accuracy"],
        "unweighted_accuracy_epoch": 5,
        "unweighted_accuracy_confusion_matrix": result["confusion_matrix"],
    }
    return {"fold": fold, "protocol": "speaker", **result, "optimistic": optimistic}


@pytest.fixture
def folds():
    # Unequal sizes, and no sad utterance in the last fold: mean and pooled scores differ.
    sizes = {0: (20, range(4)), 1: (35, range(4)), 2: (50, range(3))}
    return {fold: random_predictions(fold, *size) for fold, size in sizes.items()}


def test_summary_has_mean_deviation_and_pooled_scores(folds):
    results = [fold_result(fold, *predictions) for fold, predictions in folds.items()]
    summary = summarise(results, num_folds=5)
    labels, probabilities = (np.concatenate(parts) for parts in zip(*folds.values(), strict=True))
    predicted = probabilities.argmax(-1)
    pooled = {
        "weighted_accuracy": sklearn_metrics.accuracy_score(labels, predicted),
        "unweighted_accuracy": sklearn_metrics.balanced_accuracy_score(labels, predicted),
    }
    for name, expected in pooled.items():
        values = [result[name] for result in results]
        assert summary[name]["mean"] == pytest.approx(statistics.fmean(values))
        deviation = statistics.stdev(values)  # divides by n - 1
        assert summary[name]["sample_standard_deviation"] == pytest.approx(deviation)
        assert summary[name]["pooled"] == pytest.approx(expected)
        assert abs(summary[name]["mean"] - expected) > 1e-3
    matrix = sklearn_metrics.confusion_matrix(labels, predicted)
    assert summary["confusion_matrix"] == matrix.tolist()
    assert (summary["folds_finished"], summary["folds_total"]) == (3, 5)
    assert summary["protocol"] == "speaker"
    assert summary["absent_emotions"] == {"2": ["sad"]}


def test_optimistic_scores_pool_the_epochs_each_accuracy_chose(folds):
    results = [fold_result(fold, *predictions) for fold, predictions in folds.items()]
    optimistic = summarise(results, num_folds=3)["optimistic"]
    right = sum(
        int((random_predictions(100 + fold, len(labels))[1].argmax(-1) == labels).sum())
        for fold, (labels, _) in folds.items()
    )
    total = sum(len(labels) for labels, _ in folds.values())
    assert optimistic["weighted_accuracy"]["pooled"] == pytest.approx(right / total)
    unweighted = summarise(results, num_folds=3)["unweighted_accuracy"]
    assert optimistic["unweighted_accuracy"] == unweighted


def test_the_gap_is_what_the_choice_on_the_test_part_adds(folds):
    results = [fold_result(fold, *predictions) for fold, predictions in folds.items()]
    gap = summarise(results, num_folds=3)["optimistic"]["gap"]
    lucky = [result["optimistic"]["weighted_accuracy"] for result in results]
    gaps = [best - result["weighted_accuracy"] for best, result in zip(lucky, results, strict=True)]
    assert gap["weighted_accuracy"]["mean"] == pytest.approx(statistics.fmean(gaps))
    deviation = gap["weighted_accuracy"]["sample_standard_deviation"]
    assert deviation == pytest.approx(statistics.stdev(gaps))
    assert gap["unweighted_accuracy"] == {"mean": 0.0, "sample_standard_deviation": 0.0}


def test_a_fold_without_all_emotions_is_named_in_words(folds):
    results = [fold_result(fold, *predictions) for fold, predictions in folds.items()]
    assert "fold 2 tests no sad: its UA" in in_words(summarise(results, num_folds=3))
    assert "tests no" not in in_words(summarise(results[:2], num_folds=3))


def test_one_fold_has_no_deviation(folds):
    summary = summarise([fold_result(0, *folds[0])], num_folds=5)
    assert summary["weighted_accuracy"]["sample_standard_deviation"] is None
    assert summary["folds_finished"] == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"fold": 0}, "none twice"), ({"protocol": "random"}, "different protocols or emotions")],
)
def test_folds_that_do_not_belong_together_are_refused(folds, changes, message):
    results = [fold_result(0, *folds[0]), fold_result(1, *folds[1]) | changes]
    with pytest.raises(SerError, match=message):
        summarise(results, num_folds=5)


def test_no_result_is_refused():
    with pytest.raises(SerError, match="at least one"):
        summarise([], num_folds=5)


def test_scoring_loads_neither_tensorflow_nor_matplotlib():
    program = (
        "import sys, ser_keras.runs.files, ser_keras.scores.matrix_figure; "
        "print(sorted({'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)))"
    )
    child = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert child.stdout.strip() == "[]"
