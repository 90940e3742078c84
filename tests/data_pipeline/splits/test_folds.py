"""Folds on made-up rows: what each protocol keeps apart, and what it refuses."""

import random
import warnings
from collections import Counter
from dataclasses import replace

import pytest
from sklearn.model_selection import StratifiedKFold

from data_pipeline.errors import DataError
from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.fold import Fold
from data_pipeline.splits.folds import assert_speaker_disjoint, assign_folds, folds_key

EMOTIONS = ("angry", "happy", "neutral", "sad")
# Unequal, as in real corpora.
WEIGHTS = (4, 2, 5, 3)


def make_rows(num_speakers, per_speaker=30, speakers_a_session=0, tied=False):
    """Rows in a mixed order; `tied`: each speaker has one emotion only."""
    draw = random.Random(num_speakers)
    rows = []
    for speaker in range(num_speakers):
        session = f"Session{speaker // speakers_a_session + 1}" if speakers_a_session else ""
        for take in range(per_speaker):
            drawn = draw.choices(EMOTIONS, WEIGHTS)[0]
            emotion = EMOTIONS[speaker % len(EMOTIONS)] if tied else drawn
            rows.append(
                UtteranceRow(
                    utterance_id=f"s{speaker:02d}_{take:03d}",
                    speaker=f"s{speaker:02d}",
                    session=session,
                    emotion=emotion,
                )
            )
    draw.shuffle(rows)
    return rows


IEMOCAP_LIKE = make_rows(10, speakers_a_session=2)
CASES = {
    "random": (make_rows(10), "random", "speaker"),
    "random, sessions": (IEMOCAP_LIKE, "random", "session"),
    "sessions": (IEMOCAP_LIKE, "speaker", "session"),
    "3 speakers": (make_rows(3), "speaker", "speaker"),
    "10 speakers": (make_rows(10), "speaker", "speaker"),
    "11 speakers": (make_rows(11), "speaker", "speaker"),
    "24 speakers": (make_rows(24), "speaker", "speaker"),
    "tied, 8 speakers": (make_rows(8, tied=True), "speaker", "speaker"),
    "tied, 24 speakers": (make_rows(24, tied=True), "speaker", "speaker"),
}
SPEAKER_CASES = {name: case for name, case in CASES.items() if case[1] == "speaker"}


# Of the folds that version 0.1 gave with seed 3: who trained on them finds them again.
KEYS = {
    "random": "7a0333968af43df12201d9d616b8e507187ec947871cba6f353dbdf87dfde965",
    "sessions": "f0bbe5da47ea4f708d17d7e36e776243423005133f150a5156cae732f7236176",
    "10 speakers": "eed68c397562cfde9833bf0f715ea6a905db9aff79e48ff7c47a0e65d7dae04d",
    "24 speakers": "632811cde00413240e60c86f0861fa7bd77124ac97d71864998af6f1b9f23768",
}


@pytest.mark.parametrize("name", KEYS)
def test_folds_are_those_of_earlier_versions(name):
    assert folds_key(assign_folds(*CASES[name], seed=3)) == KEYS[name]


def by_id(rows, name):
    return {row.utterance_id: getattr(row, name) for row in rows}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_parts_are_disjoint_and_whole_and_everybody_is_tested_once(case):
    rows = case[0]
    ids = [row.utterance_id for row in rows]
    folds = assign_folds(*case, seed=3)

    assert [fold.number for fold in folds] == list(range(len(folds)))
    assert Counter(i for fold in folds for i in fold.test) == Counter(ids)
    for fold in folds:
        assert sorted(fold.train + fold.validation + fold.test) == sorted(ids)
        for part in (fold.train, fold.validation, fold.test):
            assert part
            assert list(part) == [i for i in ids if i in set(part)], "not in the order given"


@pytest.mark.parametrize("case", SPEAKER_CASES.values(), ids=SPEAKER_CASES)
def test_no_speaker_is_in_two_parts(case):
    speaker_of = by_id(case[0], "speaker")
    for seed in range(3):
        for fold in assign_folds(*case, seed=seed):
            train, validation, test = (
                {speaker_of[i] for i in part} for part in (fold.train, fold.validation, fold.test)
            )
            assert not (train & validation or train & test or validation & test)


def test_random_folds_are_stratified_as_scikit_learn_does():
    rows = make_rows(10)
    emotion_of = by_id(rows, "emotion")
    labels = [row.emotion for row in sorted(rows, key=lambda row: row.utterance_id)]
    counts = [
        Counter(labels[i] for i in test) for _, test in StratifiedKFold(5).split(labels, labels)
    ]
    folds = assign_folds(rows, "random", "speaker", seed=0)

    assert len(folds) == 5
    for emotion in EMOTIONS:
        ours = sorted(sum(emotion_of[i] == emotion for i in fold.test) for fold in folds)
        assert ours == sorted(count[emotion] for count in counts)
    assert {fold.held_out for fold in folds} == {"random fifth"}


def test_random_validation_is_a_stratified_15_percent_of_the_rest():
    rows = make_rows(10)
    emotion_of = by_id(rows, "emotion")
    for fold in assign_folds(rows, "random", "speaker", seed=0):
        rest = fold.train + fold.validation
        for emotion in EMOTIONS:
            expected = 0.15 * sum(emotion_of[i] == emotion for i in rest)
            assert abs(sum(emotion_of[i] == emotion for i in fold.validation) - expected) <= 1


def test_sessions_are_held_out_whole():
    session_of = by_id(IEMOCAP_LIKE, "session")
    folds = assign_folds(IEMOCAP_LIKE, "speaker", "session", seed=0)

    assert [fold.held_out for fold in folds] == [f"session Session{n}" for n in range(1, 6)]
    for number, fold in enumerate(folds, start=1):
        assert {session_of[i] for i in fold.test} == {f"Session{number}"}


def test_up_to_ten_speakers_each_is_a_fold():
    folds = assign_folds(make_rows(10), "speaker", "speaker", seed=0)

    assert [fold.held_out for fold in folds] == [f"speaker s{n:02d}" for n in range(10)]
    for n, fold in enumerate(folds):
        assert {i[:3] for i in fold.test} == {f"s{n:02d}"}


def test_beyond_ten_speakers_there_are_five_even_groups():
    rows = make_rows(24)
    emotion_of = by_id(rows, "emotion")
    folds = assign_folds(rows, "speaker", "speaker", seed=0)

    assert len(folds) == 5
    share_of_all = Counter(emotion_of.values())
    for number, fold in enumerate(folds, start=1):
        speakers = {i[:3] for i in fold.test}
        assert len(speakers) in (4, 5)
        assert fold.held_out == f"group {number} of 5, {len(speakers)} speakers"
        for emotion in EMOTIONS:
            share = sum(emotion_of[i] == emotion for i in fold.test) / len(fold.test)
            assert abs(share - share_of_all[emotion] / len(rows)) < 0.07


def test_speaker_validation_is_about_a_fifth_of_the_speakers():
    for fold in assign_folds(make_rows(24), "speaker", "speaker", seed=0):
        train = {i[:3] for i in fold.train}
        validation = {i[:3] for i in fold.validation}
        assert 0.1 < len(validation) / len(train | validation) < 0.3


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_order_of_rows_changes_nothing_but_the_order(case):
    rows, protocol, group_by = case
    folds = assign_folds(rows, protocol, group_by, seed=5)
    again = assign_folds(list(rows), protocol, group_by, seed=5)
    turned = assign_folds(rows[::-1], protocol, group_by, seed=5)

    assert folds == again
    for fold, other in zip(folds, turned, strict=True):
        assert fold.train == other.train[::-1]
        assert fold.validation == other.validation[::-1]
        assert fold.test == other.test[::-1]


@pytest.mark.parametrize("protocol", ["random", "speaker"])
def test_seed_changes_what_is_drawn(protocol):
    rows = make_rows(24)
    first, second = (assign_folds(rows, protocol, "speaker", seed) for seed in (0, 1))

    assert [fold.test for fold in first] != [fold.test for fold in second]
    assert [fold.validation for fold in first] != [fold.validation for fold in second]


def unequal_rows(sizes, emotions_of=lambda speaker: EMOTIONS):
    """A speaker for each size, with the emotions of `emotions_of` in turn."""
    return [
        UtteranceRow(
            utterance_id=f"{speaker}_{n:03d}",
            speaker=speaker,
            emotion=emotions_of(speaker)[n % len(emotions_of(speaker))],
        )
        for speaker, size in sizes.items()
        for n in range(size)
    ]


def test_the_speaker_with_most_utterances_trains():
    rows = unequal_rows({"me": 600} | {f"friend{n}": 30 for n in range(5)})
    for seed in range(3):
        for fold in assign_folds(rows, "speaker", "speaker", seed)[:5]:
            assert fold.held_out != "speaker me"
            assert any(i.startswith("me") for i in fold.train)


def test_the_only_speaker_of_an_emotion_trains():
    rows = unequal_rows(
        {f"s{n}": 40 for n in range(7)},
        lambda speaker: (*EMOTIONS, "fear") if speaker == "s0" else EMOTIONS,
    )
    emotion_of = by_id(rows, "emotion")
    for fold in assign_folds(rows, "speaker", "speaker", seed=0)[1:]:
        assert "fear" in {emotion_of[i] for i in fold.train}


def test_seed_and_fold_draw_the_speakers_that_validate():
    rows = unequal_rows({f"s{n}": 20 + 4 * n for n in range(10)})
    drawn = [
        tuple(frozenset(i[:2] for i in fold.validation) for fold in folds)
        for folds in (assign_folds(rows, "speaker", "speaker", seed) for seed in range(5))
    ]
    assert len(set(drawn)) == 5
    assert len(set(drawn[0])) > 3
    assert len({folds_key(assign_folds(rows, "speaker", "speaker", s)) for s in range(5)}) == 5


def test_smallest_corpus_that_is_taken():
    rows = [
        UtteranceRow(utterance_id=f"{emotion}{n}", speaker=f"s{n % 3}", emotion=emotion)
        for emotion in EMOTIONS
        for n in range(5)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for protocol, num_folds in (("random", 5), ("speaker", 3)):
            assert len(assign_folds(rows, protocol, "speaker", seed=0)) == num_folds


def test_leak_is_found():
    rows = make_rows(3, per_speaker=2)
    fold = Fold(
        number=1,
        train=("s00_000", "s01_000"),
        validation=("s01_001",),
        test=("s02_000", "s00_001"),
        held_out="speaker s02",
    )

    with pytest.raises(DataError, match=r"fold 1 .*s00, s01 in more than one part"):
        assert_speaker_disjoint(fold, rows)


def test_speaker_in_two_sessions_is_refused():
    rows = make_rows(6, speakers_a_session=2)
    rows = [replace(row, speaker="s00") if row.speaker == "s05" else row for row in rows]

    with pytest.raises(DataError, match="s00 in more than one part"):
        assign_folds(rows, "speaker", "session", seed=0)


@pytest.mark.parametrize(
    ("rows", "group_by"),
    [
        (make_rows(1, 60), "speaker"),
        (make_rows(2, 60), "speaker"),
        (make_rows(2, 60, speakers_a_session=1), "session"),
        (make_rows(4, 60, speakers_a_session=4), "session"),
        (make_rows(4, 60, speakers_a_session=3), "session"),
    ],
)
def test_too_few_speakers_are_refused_with_a_remedy(rows, group_by):
    with pytest.raises(DataError, match="add speakers or take protocol random"):
        assign_folds(rows, "speaker", group_by, seed=0)
    assert len(assign_folds(rows, "random", group_by, seed=0)) == 5


def test_rare_emotion_is_refused_by_name():
    rows = make_rows(5)
    rows[:4] = [replace(row, emotion="fear") for row in rows[:4]]

    for protocol in ("random", "speaker"):
        with pytest.raises(DataError, match=r"\(fear 4\): expected 5 or more"):
            assign_folds(rows, protocol, "speaker", seed=0)


def test_an_emotion_that_has_a_label_and_no_utterance_is_refused_by_name():
    rows = make_rows(5)
    for protocol in ("random", "speaker"):
        with pytest.raises(DataError, match=r"\(fear 0\): expected 5 or more"):
            assign_folds(rows, protocol, "speaker", seed=0, emotions=(*EMOTIONS, "fear"))
        folds = assign_folds(rows, protocol, "speaker", seed=0, emotions=EMOTIONS)
        assert folds == assign_folds(rows, protocol, "speaker", seed=0)


def test_too_few_utterances_for_the_speakers_are_refused():
    # Without s2, s3 or s4 six speakers and at most four utterances of an emotion are left.
    rows = [
        UtteranceRow(utterance_id=f"{emotion}{n}", speaker=f"s{n}", emotion=emotion)
        for emotion, speakers in (("angry", range(5)), ("sad", range(2, 7)))
        for n in speakers
    ]

    with pytest.raises(DataError, match="no emotion has more than 4 .*take protocol random"):
        assign_folds(rows, "speaker", "speaker", seed=0)


@pytest.mark.parametrize("rows", [[], [row for row in make_rows(5) if row.emotion == "sad"]])
def test_fewer_than_two_emotions_are_refused(rows):
    with pytest.raises(DataError, match="expected two or more"):
        assign_folds(rows, "random", "speaker", seed=0)


def test_unknown_protocol_is_refused():
    with pytest.raises(
        DataError, match="'sesion' is not known; choose one of speaker, random, given, corpus"
    ):
        assign_folds(make_rows(5), "sesion", "speaker", seed=0)
