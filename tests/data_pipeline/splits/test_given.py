"""The protocol `given`: the folds of the corpus, taken as they are."""

from collections import Counter
from dataclasses import replace

import pytest

from data_pipeline.errors import DataError
from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.folds import assign_folds, folds_key
from data_pipeline.splits.leakage import audit
from data_pipeline.splits.wording import audit_in_words

EMOTIONS = ("angry", "happy", "neutral", "sad")


def make_rows(fold_of, speakers=6, each=20):
    """Rows of several speakers; `fold_of` gives each its fold by speaker and number."""
    return [
        UtteranceRow(
            utterance_id=f"s{speaker}_{number:02d}",
            speaker=f"s{speaker}",
            emotion=EMOTIONS[number % 4],
            fold=fold_of(speaker, number),
        )
        for speaker in range(speakers)
        for number in range(each)
    ]


BY_SPEAKER = make_rows(lambda speaker, _: str(speaker // 2 + 1))
ACROSS = make_rows(lambda _, number: str(number % 5 + 1))
UNKNOWN = [replace(row, speaker="") for row in ACROSS]
ONE = make_rows(lambda speaker, _: "test" if speaker == 5 else "train")
THREE_PARTS = make_rows(lambda speaker, _: ["train", "validation", "test"][speaker % 3])


def given(rows, seed=0):
    return assign_folds(rows, "given", "speaker", seed, source="EmoBox")


def speakers(rows, ids):
    return {row.speaker for row in rows if row.utterance_id in set(ids)}


def test_every_fold_tests_what_the_corpus_says():
    folds = given(BY_SPEAKER)
    assert [fold.held_out for fold in folds] == [f"fold {n} of EmoBox" for n in (1, 2, 3)]
    assert [fold.number for fold in folds] == [0, 1, 2]
    for fold in folds:
        tested = {row.utterance_id for row in BY_SPEAKER if row.fold == str(fold.number + 1)}
        assert set(fold.test) == tested
        parts = fold.train + fold.validation + fold.test
        assert Counter(parts) == Counter(row.utterance_id for row in BY_SPEAKER)


@pytest.mark.parametrize("rows", [BY_SPEAKER, ACROSS, ONE], ids=["by speaker", "across", "one"])
def test_a_fifth_validates_and_no_speaker_is_broken_up(rows):
    for fold in given(rows):
        rest = len(fold.train) + len(fold.validation)
        assert 0.15 <= len(fold.validation) / rest <= 0.3
        assert not speakers(rows, fold.train) & speakers(rows, fold.validation)


def test_without_speakers_a_fifth_of_each_emotion_validates():
    for fold in given(UNKNOWN):
        rest = len(fold.train) + len(fold.validation)
        assert len(fold.validation) == pytest.approx(rest / 5, abs=4)
        emotion_of = {row.utterance_id: row.emotion for row in UNKNOWN}
        assert set(map(emotion_of.get, fold.validation)) == set(EMOTIONS)


def test_a_validation_part_that_is_given_is_taken():
    (fold,) = given(THREE_PARTS)
    assert fold.held_out == "the test part of EmoBox"
    assert speakers(THREE_PARTS, fold.validation) == {"s1", "s4"}
    assert speakers(THREE_PARTS, fold.test) == {"s2", "s5"}


def test_more_than_nine_folds_are_in_the_order_of_their_numbers():
    rows = make_rows(lambda speaker, number: str(number % 12 + 1))
    assert [fold.held_out.split()[1] for fold in given(rows)] == [str(n) for n in range(1, 13)]


def test_the_seed_draws_the_validation_part_and_the_order_does_not_matter():
    for rows in (BY_SPEAKER, UNKNOWN):
        assert folds_key(given(rows)) == folds_key(given(rows[::-1]))
        keys = {folds_key(given(rows, seed)) for seed in range(6)}
        assert len(keys) > 1
        assert {tuple(f.test) for f in given(rows, 0)} == {tuple(f.test) for f in given(rows, 1)}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (make_rows(lambda *_: ""), "the corpus brings no folds of its own.*take protocol speaker"),
        (make_rows(lambda *_: "1"), "all utterances are in fold 1 of EmoBox, expected two"),
        (make_rows(lambda *_: "train"), "gives no utterance for test, found train"),
        (make_rows(lambda s, _: ("test", "validation")[s % 2]), "gives no utterance for train"),
        (make_rows(lambda s, _: ("1", "2", "")[s % 3]), "40 utterances are in no fold, such as s2"),
        (make_rows(lambda s, _: ("1", "test")[s % 2]), "expected numbers alone or the parts"),
    ],
)
def test_what_is_no_division_is_refused(rows, message):
    with pytest.raises(DataError, match=message):
        given(rows)


def test_a_rare_emotion_does_not_hinder_given_folds():
    rows = [*BY_SPEAKER, replace(BY_SPEAKER[0], utterance_id="x", emotion="calm")]
    assert len(given(rows)) == 3


# --- Where speakers are not known ---


@pytest.mark.parametrize("protocol", ["speaker", "random"])
def test_without_speakers_only_given_folds_are_offered(protocol):
    with pytest.raises(DataError, match="does not tell who speaks, so only its own folds"):
        assign_folds(UNKNOWN, protocol, "speaker", 0)


def test_without_speakers_and_folds_random_is_left():
    rows = [replace(row, fold="") for row in UNKNOWN]
    with pytest.raises(DataError, match="voices cannot be kept apart.*or take protocol random"):
        assign_folds(rows, "speaker", "speaker", 0)
    assert len(assign_folds(rows, "random", "speaker", 0)) == 5


# --- What the audit says of them ---


def words(rows):
    return audit_in_words(audit(rows, given(rows), "given"))


def test_the_audit_says_which_voices_are_heard_before():
    said = words(ACROSS)
    assert (
        "the given folds test speakers that are also trained or validated on: 6, in fold 0, 1, 2, "
        "3, 4" in said
    )
    assert "that are also trained" not in words(BY_SPEAKER)


def test_the_audit_says_that_voices_cannot_be_checked():
    assert "voices cannot be checked: the corpus does not tell who speaks" in words(UNKNOWN)


def test_a_shared_recording_is_said_and_is_an_error_under_speaker_alone():
    rows = [replace(row, audio_sha256=row.utterance_id) for row in BY_SPEAKER]
    rows[-1] = replace(rows[-1], audio_sha256=rows[0].audio_sha256)
    said = words(rows)
    assert "test recordings that are also trained or validated on: 1, in fold 0, 2" in said
    folds = given(rows)
    with pytest.raises(DataError, match="the same recordings are in test and train"):
        audit(rows, folds, "speaker")


def test_an_emotion_that_a_fold_lacks_is_a_note():
    rows = [row for row in BY_SPEAKER if row.fold != "2" or row.emotion != "sad"]
    assert "fold 1 tests no sad; its UA is of the others" in words(rows)
