"""Names of emotions, and the choice among them."""

from pathlib import Path

import pytest

from data_pipeline.contract import EMOTIONS
from data_pipeline.corpora.corpus import Utterance
from data_pipeline.corpora.emotions import (
    NO_CHOICE,
    SPELLINGS,
    Choice,
    UnknownEmotionError,
    as_asked,
    emotion_name,
    read_mapping,
)
from data_pipeline.corpora.reading import build_corpus
from data_pipeline.errors import DataError

LABELS = {"A": "angry", "C": "calm", "E": "excited", "N": "neutral", "S": "sad"}
DEFAULT = {"A": "angry", "N": "neutral"}


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Fear", "fearful"),
        ("Surprise", "surprised"),
        ("boredem", "bored"),
        ("Neutral", "neutral"),
        ("neutral", "neutral"),
        ("JOY", "happy"),
        (" Disgust ", "disgusted"),
        ("disappointment, disapproval", "disappointment, disapproval"),
        ("UnKnown", "unknown"),
    ],
)
def test_a_label_has_one_name(label, name):
    assert emotion_name(label) == name


def test_our_names_are_in_order_and_are_nobodys_other_spelling():
    assert list(EMOTIONS) == sorted(EMOTIONS)
    assert not set(EMOTIONS) & set(SPELLINGS)
    assert set(SPELLINGS.values()) - {"excited"} <= set(EMOTIONS)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (NO_CHOICE, DEFAULT),
        (Choice(emotions=("all",)), LABELS),
        (Choice(emotions=("sad", "calm")), {"C": "calm", "S": "sad"}),
        (Choice(mapped={"calm": "neutral"}), {"A": "angry", "C": "neutral", "N": "neutral"}),
        (Choice(mapped={"excited": "happy"}), {**DEFAULT, "E": "happy"}),
        (
            Choice(emotions=("happy", "neutral"), mapped={"excited": "happy", "calm": "neutral"}),
            {"C": "neutral", "E": "happy", "N": "neutral"},
        ),
        (Choice(emotions=("all",), mapped={"calm": "neutral"}), LABELS | {"C": "neutral"}),
        (Choice(emotions=("angry",), mapped={"calm": "neutral"}), {"A": "angry"}),
    ],
)
def test_a_choice_gives_a_label_map(choice, expected):
    assert choice.label_map(LABELS, DEFAULT) == expected


@pytest.mark.parametrize(
    ("choice", "unknown"),
    [
        (Choice(emotions=("angry", "fear")), "fear"),
        (Choice(emotions=("happy",)), "happy"),
        (Choice(mapped={"bored": "calm"}), "bored"),
        (Choice(mapped={"calm": "neutrl"}), "neutrl"),
    ],
)
def test_an_unknown_name_is_refused_with_what_there_is(choice, unknown):
    with pytest.raises(
        UnknownEmotionError,
        match=f"received the emotion {unknown}, expected of this corpus angry, calm, excited, neu",
    ):
        choice.label_map(LABELS, DEFAULT)


def corpus_of(choice, emotions):
    label_map = choice.label_map(LABELS, DEFAULT)
    utterances = [
        Utterance(utterance_id=f"u{n}", path=Path(f"u{n}.wav"), emotion=emotion, speaker="a")
        for n, emotion in enumerate(emotions)
    ]
    return build_corpus("made_up", Path("x"), label_map, utterances, {}, group_by="speaker")


def test_all_is_what_there_is_and_the_choice_is_kept():
    choice = Choice(emotions=("all",), mapped={"calm": "neutral"})
    corpus = as_asked(corpus_of(choice, ["sad", "angry", "neutral"]), choice)

    assert corpus.emotions == ("angry", "neutral", "sad")
    assert corpus.label_map == {"A": "angry", "C": "neutral", "N": "neutral", "S": "sad"}
    assert corpus.options == {"emotions": ["all"], "mapped": {"calm": "neutral"}}
    assert Choice(**corpus.options).label_map(LABELS, DEFAULT) == choice.label_map(LABELS, DEFAULT)


def test_an_emotion_that_was_asked_for_and_is_not_there_is_named():
    choice = Choice(emotions=("angry", "sad", "calm"))
    with pytest.raises(DataError, match="no recording of calm, which was asked for; it has angry"):
        as_asked(corpus_of(choice, ["sad", "angry"]), choice)


def test_nothing_asked_changes_nothing():
    corpus = corpus_of(NO_CHOICE, ["angry"])
    assert as_asked(corpus, NO_CHOICE) is corpus
    assert corpus.emotions == ("angry", "neutral")


def test_pairs_of_the_command_line():
    assert read_mapping(["excited=happy", "calm=neutral"]) == {
        "excited": "happy",
        "calm": "neutral",
    }


@pytest.mark.parametrize("pairs", [["calm"], ["=x"], ["calm="], ["a=b=c"], ["a=b", "a=c"]])
def test_other_pairs_are_refused(pairs):
    with pytest.raises(ValueError, match="expected NAME=NAME"):
        read_mapping(pairs)
