"""The audit on made-up corpora whose leaks are known, and against scikit-learn and pandas."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.tree import DecisionTreeClassifier

from data_pipeline.errors import DataError
from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.fold import Fold
from data_pipeline.splits.folds import assign_folds
from data_pipeline.splits.guessing import guess_emotions
from data_pipeline.splits.leakage import audit
from data_pipeline.splits.wording import audit_in_words

EMOTIONS = ("angry", "happy", "sad")


def make_rows(tie=None, num_speakers=9, texts=5, takes=4, seed=0):
    """Every speaker says every text `takes` times; `tie` names the column that gives the label."""
    draw = np.random.default_rng(seed)
    rows = []
    for speaker, text, take in product(range(num_speakers), range(texts), range(takes)):
        tied = {"speaker": speaker, "text": text, None: draw.choice(3, p=[0.5, 0.3, 0.2])}[tie]
        name = f"s{speaker}_t{text}_{take}"
        rows.append(
            UtteranceRow(
                utterance_id=name,
                speaker=f"s{speaker}",
                text=f"t{text}",
                emotion=EMOTIONS[tied % 3],
                audio_sha256=name,
                num_frames_narrow=100 + 10 * speaker,
                num_frames_wide=50 + 5 * speaker,
            )
        )
    return rows


def audited(rows, protocol):
    return audit(rows, assign_folds(rows, protocol, "speaker", seed=1), protocol)


def guesses(found):
    return {guess.column: guess for guess in found.guesses}


def test_a_label_tied_to_the_speaker_is_guessed_under_random_and_not_under_speaker():
    rows = make_rows(tie="speaker")
    guess = guesses(audited(rows, "random"))["speaker"]
    assert guess.weighted_accuracy == guess.unweighted_accuracy == 1.0
    assert guess.fold_weighted_accuracy == (1.0,) * 5
    assert guesses(audited(rows, "speaker"))["speaker"].weighted_accuracy < 0.5


def test_a_label_tied_to_the_text_is_guessed_under_both_protocols():
    for protocol in ("random", "speaker"):
        found = guesses(audited(make_rows(tie="text"), protocol))
        assert found["text"].unweighted_accuracy == 1.0
        assert found["speaker"].unweighted_accuracy < 0.6


@pytest.mark.parametrize("column", [None, "speaker", "text"])
def test_guesses_score_as_scikit_learn_says(column):
    rows = make_rows()
    folds = assign_folds(rows, "random", "speaker", seed=1)
    guess = guesses(audit(rows, folds, "random"))[column]
    emotion_of = {row.utterance_id: row.emotion for row in rows}
    value_of = {row.utterance_id: getattr(row, column) if column else None for row in rows}
    values = sorted(set(value_of.values()), key=str)
    one_hot = {i: np.array([value == v for v in values]) for i, value in value_of.items()}
    truth, answers, weighted, unweighted = [], [], [], []
    for fold in folds:
        model = DecisionTreeClassifier() if column else DummyClassifier(strategy="most_frequent")
        known = (*fold.train, *fold.validation)
        true = np.array([emotion_of[i] for i in known])
        # Of equally frequent emotions the more frequent over all: a small bonus in the weights.
        bonus = [1 + 1e-6 * (true == emotion).sum() for emotion in true]
        model.fit([one_hot[i] for i in known], true, sample_weight=bonus)
        answer = model.predict([one_hot[i] for i in fold.test])
        true = [emotion_of[i] for i in fold.test]
        weighted.append(accuracy_score(true, answer))
        unweighted.append(balanced_accuracy_score(true, answer))
        truth, answers = truth + true, answers + list(answer)
    np.testing.assert_allclose(guess.fold_weighted_accuracy, weighted)
    np.testing.assert_allclose(guess.fold_unweighted_accuracy, unweighted)
    assert guess.weighted_accuracy == pytest.approx(accuracy_score(truth, answers))
    assert guess.unweighted_accuracy == pytest.approx(balanced_accuracy_score(truth, answers))


def test_ties_and_values_never_seen_go_to_the_more_frequent_emotion():
    pairs = [("a", "sad"), ("a", "happy"), ("b", "sad"), ("c", "happy"), ("c", "happy")]
    known = [
        UtteranceRow(utterance_id="", speaker=speaker, emotion=emotion)
        for speaker, emotion in pairs
    ]
    asked = [
        UtteranceRow(utterance_id="", speaker=speaker, emotion="not looked at")
        for speaker in ("a", "b", "c", "new", "")
    ]
    assert guess_emotions(known, asked, "speaker") == ["happy", "sad", "happy", "happy", "happy"]
    even = known[:2]
    assert guess_emotions(even, asked[:1], None) == ["happy"]


def test_what_is_shared_is_what_sets_say():
    rows = make_rows()
    rows[:2] = [replace(row, audio_sha256="the same") for row in rows[:2]]
    train = tuple(row.utterance_id for row in rows[2:60])
    validation = tuple(row.utterance_id for row in (rows[0], *rows[60:80]))
    test = tuple(row.utterance_id for row in (rows[1], *rows[80:]))
    fold = Fold(number=0, train=train, validation=validation, test=test, held_out="by hand")
    found = audit(rows, [fold], "random")
    shared = {(s.column, s.part): s for s in found.shared}
    assert shared["audio_sha256", "test"].values == ("the same",)
    assert shared["audio_sha256", "test"].total == len(test)
    assert shared["audio_sha256", "validation"].values == ()
    # Speakers 0 to 2 are in rows 0 to 59, 3 in 60 to 79, the others in the rest.
    assert shared["speaker", "test"].values == ("s0",)
    assert shared["speaker", "validation"].values == ("s0",)
    assert shared["text", "validation"].total == 5


def test_medians_are_those_of_the_training_parts():
    rows = make_rows()
    folds = assign_folds(rows, "speaker", "speaker", seed=1)
    frames = {row.utterance_id: row.num_frames_narrow for row in rows}
    medians = [int(np.median([frames[i] for i in fold.train])) for fold in folds]
    assert min(medians) < max(medians)
    assert audit(rows, folds, "speaker").lengths["narrow"] == (min(medians), max(medians), 140)


def test_protocol_speaker_refuses_a_speaker_or_a_recording_on_both_sides():
    rows = make_rows()
    ids = [row.utterance_id for row in rows]
    mixed = Fold(
        number=4,
        train=tuple(ids[:50]),
        validation=tuple(ids[60:80]),
        test=tuple(ids[80:] + ids[50:60]),
        held_out="by hand",
    )
    with pytest.raises(DataError, match=r"fold 4: the same speakers .*test and train.*\(s2\)"):
        audit(rows, [mixed], "speaker")
    audit(rows, [mixed], "random")

    rows[0] = replace(rows[0], audio_sha256=rows[-1].audio_sha256)
    with pytest.raises(DataError, match=r"recordings .*s0_t0_0.*s8_t4_3") as caught:
        audited(rows, "speaker")
    assert "\n" not in str(caught.value)


def test_one_speaker_under_two_names_is_counted_and_named():
    """Not refused: whoever prepared it without --strict was told."""
    rows = make_rows()
    rows[:10] = [replace(row, speaker="S00") for row in rows[:10]]  # the other ten are s0
    found = audited(rows, "speaker")
    fold = next(fold for fold in found.shared if fold.alike and fold.part == "test")
    assert (fold.column, fold.values, len(fold.alike), fold.total) == ("speaker", (), 1, 1)
    text = audit_in_words(found)
    assert "speakers of test are in train or validation under another spelling: S00" in text
    (line,) = (line for line in text.splitlines() if line.strip().startswith("speakers  "))
    assert line.split()[1:4] == ["1", "of", "1"]
    text = audit_in_words(audited(make_rows(), "speaker"))
    assert "spelling" not in text and "0 of 1" in text
    assert "on validation: the epoch" in text
    text = audit_in_words(audited(make_rows(), "speaker"), trained_on=("train", "validation"))
    assert "fitted on train and validation: weights" in text and "the epoch" not in text


def test_words_name_the_figures_and_what_is_not_known():
    text = audit_in_words(audited(make_rows(tie="speaker"), "random"))
    lines = {line.strip().split("  ")[0]: line.split() for line in text.splitlines()}
    assert lines["speakers"][1:] == ["9", "of", "9", "8", "of", "8"]
    assert lines["speaker alone"][2:] == ["100.0%", "(100.0%)"] * 2
    rows = [
        UtteranceRow(utterance_id=row.utterance_id, speaker=row.speaker, emotion=row.emotion)
        for row in make_rows()
    ]
    text = audit_in_words(audit(rows, assign_folds(rows, "random", "speaker", 0), "random"))
    assert text.count("not known") == 4 and "sentence alone" not in text


def test_an_emotion_that_only_the_tested_speaker_has_is_told():
    rows = make_rows()
    rows[:20] = [replace(row, emotion="fearful") for row in rows[:20]]  # all of speaker s0
    found = audited(rows, "speaker")
    held_out = assign_folds(rows, "speaker", "speaker", seed=1)[0]
    assert held_out.held_out == "speaker s0"
    assert found.untrained[0] == ["fearful"]
    assert "fold 0 trains on no fearful, so it cannot name it" in audit_in_words(found)
    assert not audited(make_rows(), "speaker").untrained
