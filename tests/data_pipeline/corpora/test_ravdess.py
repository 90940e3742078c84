"""The RAVDESS reader on made-up trees of the same layout."""

import os
from collections import Counter
from pathlib import Path

import pytest

from data_pipeline.corpora.emotions import Choice
from data_pipeline.corpora.published import Published
from data_pipeline.corpora.ravdess import read_ravdess
from data_pipeline.errors import DataError

# Emotion code -> what the corpus means by it.
MEANING = {"01": "neutral", "03": "happy", "04": "sad", "05": "angry"}
EMOTION_CODES = [f"{code:02d}" for code in range(1, 9)]


def write_actor(folder, actor, channel="01"):
    """All takes of an actor: neutral has no strong intensity, as published."""
    folder = folder / f"Actor_{actor:02d}"
    folder.mkdir(parents=True, exist_ok=True)
    for code in EMOTION_CODES:
        for intensity in ("01",) if code == "01" else ("01", "02"):
            for statement in ("01", "02"):
                for repetition in ("01", "02"):
                    take = f"{code}-{intensity}-{statement}-{repetition}-{actor:02d}"
                    (folder / f"03-{channel}-{take}.wav").touch()


@pytest.mark.parametrize("below", ["", "Audio_Speech_Actors_01-24"])
def test_published_corpus_is_read_from_either_level(tmp_path, below):
    for actor in range(1, 25):
        write_actor(tmp_path / below, actor)
    corpus = read_ravdess(tmp_path, strict=True)

    assert len(corpus.utterances) + sum(corpus.left_out.values()) == 1440
    assert corpus.left_out == {"02": 192, "06": 192, "07": 192, "08": 192}
    emotions = Counter(u.emotion for u in corpus.utterances)
    assert emotions == {"angry": 192, "happy": 192, "neutral": 96, "sad": 192}
    assert {u.speaker for u in corpus.utterances} == {f"{n:02d}" for n in range(1, 25)}
    assert corpus.group_by == "speaker"


def test_a_take_that_is_missing_is_noted(tmp_path):
    for actor in range(1, 25):
        write_actor(tmp_path, actor)
    (tmp_path / "Actor_07" / "03-01-06-01-02-01-07.wav").unlink()
    assert read_ravdess(tmp_path).notes == (
        "counts are not the expected ones: speaker 07 has 06 7 instead of 8",
    )
    with pytest.raises(DataError, match="speaker 07 has 06 7 instead of 8"):
        read_ravdess(tmp_path, strict=True)


def test_a_part_of_the_corpus_passes_strict_and_says_who_is_missing(tmp_path):
    for actor in range(3, 25):
        write_actor(tmp_path, actor)
    assert read_ravdess(tmp_path, strict=True).notes == (
        "a part of the corpus, without 2 of 24 speakers (01, 02)",
    )


def test_all_gives_eight_emotions(tmp_path):
    write_actor(tmp_path, 1)
    corpus = read_ravdess(tmp_path, choice=Choice(emotions=("all",)))
    assert (len(corpus.emotions), len(corpus.utterances), corpus.left_out) == (8, 60, {})
    calm = Choice(mapped={"calm": "neutral"})
    neutral = [u for u in read_ravdess(tmp_path, choice=calm).utterances if u.emotion == "neutral"]
    assert len(neutral) == 12


@pytest.mark.skipif("SER_RAVDESS_ROOT" not in os.environ, reason="SER_RAVDESS_ROOT is not set")
def test_real_corpus_has_the_published_counts():
    corpus = read_ravdess(Path(os.environ["SER_RAVDESS_ROOT"]), strict=True)
    assert (len(corpus.utterances), corpus.notes) == (672, ())


def test_name_gives_speaker_statement_and_emotion(tmp_path):
    write_actor(tmp_path, 12)
    for utterance in read_ravdess(tmp_path).utterances:
        _, _, code, _, statement, _, actor = utterance.utterance_id.split("-")
        assert (utterance.emotion, utterance.text) == (MEANING[code], statement)
        assert utterance.speaker == actor == "12"
        assert utterance.path == tmp_path / "Actor_12" / f"{utterance.utterance_id}.wav"


def test_songs_are_counted_and_not_used(tmp_path):
    write_actor(tmp_path / "Audio_Speech_Actors_01-24", 1)
    write_actor(tmp_path / "Audio_Song_Actors_01-24", 1, channel="02")
    corpus = read_ravdess(tmp_path, strict=True, expected=Published())

    assert corpus.left_out["song"] == 60
    assert all(u.utterance_id.startswith("03-01-") for u in corpus.utterances)


def test_copy_one_level_below_is_not_read_twice(tmp_path):
    write_actor(tmp_path, 1)
    write_actor(tmp_path / "audio_speech_actors_01-24", 1)

    assert len(read_ravdess(tmp_path, strict=True, expected=Published()).utterances) == 28


def test_two_copies_one_level_below_are_refused(tmp_path):
    write_actor(tmp_path / "first", 1)
    write_actor(tmp_path / "second", 1)

    with pytest.raises(DataError, match="occurs twice, as .*first.* and .*second"):
        read_ravdess(tmp_path)


def test_other_names_are_counted_and_named(tmp_path):
    write_actor(tmp_path, 1)
    (tmp_path / "Actor_01" / "01-01-05-01-01-01-01.wav").touch()  # the sound of a video
    corpus = read_ravdess(tmp_path)

    assert corpus.left_out["unrecognised name"] == 1
    assert "01-01-05-01-01-01-01.wav" in corpus.notes[0]


def test_folder_without_actors_is_refused(tmp_path):
    (tmp_path / "video").mkdir()

    with pytest.raises(DataError, match=r"Actor_\*/\*\.wav or .*found video"):
        read_ravdess(tmp_path)
