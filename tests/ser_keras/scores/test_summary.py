"""Summaries against scikit-learn and the statistics module."""

import statistics

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from ser_keras.errors import SerError
from ser_keras.runs.folder import summary_in_words
from ser_keras.scores.accuracies import score_predictions
from ser_keras.scores.summary import summarise, summarise_untested

EMOTIONS = ("angry", "happy", "neutral", "sad")


def random_predictions(seed, size, emotions=range(4)):
    rng = np.random.default_rng(seed)
    labels = rng.choice(list(emotions), size)
    return labels, rng.dirichlet(np.ones(4), size).astype(np.float32)


def fold_result(fold, labels, probabilities):
    """A made-up result.json: the optimistic part is another prediction of the same labels."""
    _, other = random_predictions(100 + fold, len(labels))
    result = score_predictions(labels, probabilities, EMOTIONS).to_json()
    lucky = score_predictions(labels, other, EMOTIONS).to_json()
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


def test_a_fold_without_all_emotions_is_named_summary_in_words(folds):
    results = [fold_result(fold, *predictions) for fold, predictions in folds.items()]
    assert "fold 2 tests no sad: its UA" in summary_in_words(summarise(results, num_folds=3))
    assert "tests no" not in summary_in_words(summarise(results[:2], num_folds=3))


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


def test_what_one_fold_did_not_look_at_is_not_claimed(folds):
    results = [fold_result(fold, *predictions) for fold, predictions in folds.items()]
    whole = summarise(results, num_folds=3)
    results[1]["optimistic"] = None
    part = summarise(results, num_folds=3)
    assert part.pop("optimistic") is None and whole.pop("optimistic")
    assert part == whole


def untested_result(fold, accuracy, **changes):
    validation = {"weighted_accuracy": accuracy, "unweighted_accuracy": accuracy / 2, "loss": 1.0}
    result = {"fold": fold, "protocol": "speaker", "emotions": list(EMOTIONS), "tested": False}
    return result | {"validation": validation} | changes


def test_untested_folds_are_summed_up_by_their_validation_parts():
    values = [0.5, 0.75, 0.9]
    summary = summarise_untested([untested_result(*item) for item in enumerate(values)], 5)
    assert (summary["tested"], summary["protocol"]) == (False, "speaker")
    assert (summary["folds_finished"], summary["folds_total"]) == (3, 5)
    assert not summary.keys() & {"weighted_accuracy", "unweighted_accuracy", "confusion_matrix"}
    for name, factor in (("weighted_accuracy", 1), ("unweighted_accuracy", 0.5)):
        scaled = [factor * value for value in values]
        assert summary["validation"][name] == pytest.approx(
            {
                "mean": statistics.fmean(scaled),
                "sample_standard_deviation": statistics.stdev(scaled),
            }
        )
    one = summarise_untested([untested_result(0, 0.5)], 5)
    assert one["validation"]["weighted_accuracy"]["sample_standard_deviation"] is None


def test_untested_folds_that_do_not_belong_together_are_refused():
    with pytest.raises(SerError, match="none twice"):
        summarise_untested([untested_result(0, 0.5)] * 2, 5)
    with pytest.raises(SerError, match="different protocols or emotions"):
        summarise_untested([untested_result(0, 1), untested_result(1, 1, emotions=["sad"])], 5)
