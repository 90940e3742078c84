"""Scores against scikit-learn."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from ser_keras.errors import SerError
from ser_keras.scores.accuracies import accuracies, score_predictions

EMOTIONS = ("angry", "happy", "neutral", "sad")


def random_predictions(seed, size, emotions=range(4)):
    rng = np.random.default_rng(seed)
    labels = rng.choice(list(emotions), size)
    return labels, rng.dirichlet(np.ones(4), size).astype(np.float32)


def test_scores_agree_with_scikit_learn():
    labels, probabilities = random_predictions(0, 83)
    predicted = probabilities.argmax(-1)
    result = score_predictions(labels, probabilities, EMOTIONS).to_json()
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
    result = score_predictions(labels, probabilities, EMOTIONS).to_json()
    assert result["absent_emotions"] == ["sad"]
    assert result["per_class_recall"]["sad"] is None
    present = sklearn_metrics.recall_score(
        labels, probabilities.argmax(-1), labels=[0, 1, 2], average="macro"
    )
    assert result["unweighted_accuracy"] == pytest.approx(present)
    assert result["confusion_matrix"][3] == [0, 0, 0, 0]


def test_first_of_equal_probabilities_wins():
    result = score_predictions([1], np.full((1, 4), 0.25, np.float32), EMOTIONS).to_json()
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
        score_predictions(labels, probabilities, EMOTIONS).to_json()
    assert "\n" not in str(caught.value)


SCORERS = [
    ("weighted_accuracy", sklearn_metrics.accuracy_score),
    ("unweighted_accuracy", sklearn_metrics.balanced_accuracy_score),
]


@pytest.mark.parametrize(("name", "scorer"), SCORERS)
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_accuracies_are_those_of_scikit_learn(name, scorer):
    draw = np.random.default_rng(0)
    pairs = draw.integers(0, 3, (20, 2, 12))
    pairs[:5, 0] = pairs[:5, 0] % 2  # an emotion that does not occur
    matrices = np.array(
        [sklearn_metrics.confusion_matrix(*pair, labels=range(3)) for pair in pairs]
    )
    expected = [scorer(*pair) for pair in pairs]
    np.testing.assert_allclose(accuracies(matrices, name), expected)


def test_scoring_loads_neither_tensorflow_nor_matplotlib():
    program = (
        "import sys, ser_keras.runs.files, ser_keras.scores.matrix_figure; "
        "print(sorted({'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)))"
    )
    child = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert child.stdout.strip() == "[]"
