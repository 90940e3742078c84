"""Scores by group: those of scikit-learn, and gaps that resample the speakers of each group."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from ser_keras.scores.accuracies import METRIC_NAMES
from ser_keras.scores.groups import decade, groups_of, largest_gap, score_group
from ser_keras.scores.predictions import Predictions

SEXES = ("female", "male", "")
NAMES = ("angry", "neutral", "sad")


@pytest.fixture(scope="module")
def predictions():
    """Two folds of 150 utterances by 30 speakers; the sex of some is not known."""
    rng = np.random.default_rng(3)
    parts = []
    for fold in range(2):
        speakers = rng.integers(0, 15, 150) + 15 * fold
        labels = rng.integers(0, 3, 150)
        probabilities = rng.dirichlet([1, 1, 1], 150).astype(np.float32)
        women_are_easy = (speakers % 3 == 0) & (rng.random(150) < 0.8)
        probabilities[women_are_easy] = np.eye(3, dtype=np.float32)[labels[women_are_easy]]
        parts.append(
            Predictions(
                utterance_ids=tuple(f"{fold}-{n}" for n in range(150)),
                speakers=tuple(f"s{s}" for s in speakers),
                fold=fold,
                emotions=NAMES,
                labels=labels,
                probabilities=probabilities,
                groups={"sex": tuple(SEXES[s % 3] for s in speakers)},
            )
        )
    return parts


def test_a_group_scores_what_scikit_learn_says(predictions):
    groups = groups_of(predictions, "sex")
    assert sorted(groups) == ["", "female", "male"]
    for sex, parts in groups.items():
        true, named = [], []
        for part in predictions:
            own = np.array(part.groups["sex"]) == sex
            true += part.labels[own].tolist()
            named += part.probabilities[own].argmax(axis=1).tolist()
        score = score_group(parts, METRIC_NAMES)
        assert score.num_utterances == len(true)
        assert score.num_speakers == 10
        assert score.scores["weighted_accuracy"] == pytest.approx(accuracy_score(true, named))
        recall = balanced_accuracy_score(true, named)
        assert score.scores["unweighted_accuracy"] == pytest.approx(recall)
        low, high = score.intervals["unweighted_accuracy"]
        assert low < score.scores["unweighted_accuracy"] < high


def test_the_largest_gap_is_between_the_best_and_the_worst_group(predictions):
    groups = groups_of(predictions, "sex")
    gap = largest_gap(groups, "unweighted_accuracy")
    scores = {
        s: score_group(p, METRIC_NAMES).scores["unweighted_accuracy"] for s, p in groups.items()
    }
    assert (gap.high, gap.low) == ("female", "male")  # what is not known is no group
    assert gap.difference == pytest.approx(scores["female"] - scores["male"])
    # Resampling each group's speakers by hand gives an interval of that width.
    rng = np.random.default_rng(0)
    draws = [difference_of_a_draw(predictions, rng) for _ in range(400)]
    assert gap.interval == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=0.04)


def difference_of_a_draw(predictions, rng):
    scores = []
    for sex in ("female", "male"):
        utterances = {}
        for part in predictions:
            named = part.probabilities.argmax(axis=1)
            for n, speaker in enumerate(part.speakers):
                if part.groups["sex"][n] == sex:
                    utterances.setdefault(speaker, []).append((part.labels[n], named[n]))
        drawn = rng.choice(sorted(utterances), len(utterances))
        pairs = np.array([pair for speaker in drawn for pair in utterances[speaker]])
        scores.append(np.mean([(pairs[pairs[:, 0] == k, 1] == k).mean() for k in range(3)]))
    return scores[0] - scores[1]


def test_one_group_has_no_gap_and_few_speakers_have_no_interval(predictions):
    assert largest_gap(groups_of(predictions, "language"), "weighted_accuracy") is None
    few = {
        sex: [rows_of(parts[0], SPEAKERS_OF_FOLD_0[sex][:4])]
        for sex, parts in groups_of(predictions, "sex").items()
    }
    gap = largest_gap(few, "weighted_accuracy")
    assert gap.interval is None and gap.difference > 0


# Of each sex in the first fold.
SPEAKERS_OF_FOLD_0 = {sex: [f"s{s}" for s in range(15) if SEXES[s % 3] == sex] for sex in SEXES}


def rows_of(part, speakers):
    """The predictions of a few speakers."""
    kept = [n for n, speaker in enumerate(part.speakers) if speaker in speakers]
    return dataclasses.replace(
        part,
        utterance_ids=tuple(part.utterance_ids[n] for n in kept),
        speakers=tuple(part.speakers[n] for n in kept),
        labels=part.labels[kept],
        probabilities=part.probabilities[kept],
        groups={},
    )


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        ("24", "20-29"),
        ("30", "30-39"),
        ("7", "0-9"),
        ("31.5", "30-39"),
        ("adult", "adult"),
        ("", ""),
    ],
)
def test_ages_are_decades(age, expected):
    assert decade(age) == expected
