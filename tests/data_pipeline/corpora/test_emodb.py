"""The EmoDB reader on made-up trees and, where it is there, on the corpus."""

import os
from collections import Counter
from pathlib import Path

import pytest

from data_pipeline.corpora.emodb import read_emodb
from data_pipeline.corpora.emotions import Choice
from data_pipeline.errors import DataError

NAMES = ("03a01Wa", "03a01Fa", "03b10Nc", "16a05Tb", "08a02Ab", "08a02Ea", "08a02La", "08a04La")


@pytest.fixture
def root(tmp_path):
    (tmp_path / "wav").mkdir()
    for name in NAMES:
        (tmp_path / "wav" / f"{name}.wav").touch()
    return tmp_path


def test_name_gives_speaker_text_and_emotion(root):
    corpus = read_emodb(root, strict=True)

    rows = {u.utterance_id: (u.speaker, u.text, u.emotion) for u in corpus.utterances}
    assert rows == {
        "03a01Fa": ("03", "a01", "happy"),
        "03a01Wa": ("03", "a01", "angry"),
        "03b10Nc": ("03", "b10", "neutral"),
        "16a05Tb": ("16", "a05", "sad"),
    }
    assert corpus.utterances[0].path == root / "wav" / "03a01Fa.wav"
    assert corpus.left_out == {"A": 1, "E": 1, "L": 2}
    assert corpus.emotions == ("angry", "happy", "neutral", "sad")
    assert corpus.listed == {"angry": 1, "happy": 1, "neutral": 1, "sad": 1}
    assert (corpus.name, corpus.group_by) == ("emodb", "speaker")


def test_other_names_are_counted_and_named(root):
    (root / "wav" / "03a01Xa.wav").touch()
    (root / "wav" / "mine.wav").touch()
    (root / "wav" / "._03a01Wa.wav").touch()
    corpus = read_emodb(root)

    assert corpus.left_out["unrecognised name"] == 2
    (note,) = corpus.notes
    assert "03a01Xa.wav" in note and "mine.wav" in note
    with pytest.raises(DataError, match=r"mine\.wav"):
        read_emodb(root, strict=True)


def test_an_emotion_that_nobody_speaks_is_counted(root):
    (root / "wav" / "16a05Tb.wav").unlink()
    assert read_emodb(root).listed == {"angry": 1, "happy": 1, "neutral": 1, "sad": 0}


def test_wav_folder_itself_is_refused_saying_what_was_found(root):
    with pytest.raises(DataError, match=r"no wav/\*\.wav in it, found 03a01Fa\.wav"):
        read_emodb(root / "wav")


def test_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="an empty folder"):
        read_emodb(tmp_path)


def test_relative_root_gives_absolute_paths(root, monkeypatch):
    monkeypatch.chdir(root.parent)
    corpus = read_emodb(root.relative_to(root.parent))

    assert all(u.path.is_absolute() and u.path.is_file() for u in corpus.utterances)


@pytest.mark.skipif("SER_EMODB_ROOT" not in os.environ, reason="SER_EMODB_ROOT is not set")
def test_real_corpus_has_the_published_counts():
    corpus = read_emodb(Path(os.environ["SER_EMODB_ROOT"]), strict=True)

    emotions = Counter(u.emotion for u in corpus.utterances)
    assert emotions == {"angry": 127, "happy": 71, "neutral": 79, "sad": 62}
    speakers = Counter(u.speaker for u in corpus.utterances)
    assert speakers == {
        "03": 39, "08": 42, "09": 30, "10": 21, "11": 35,
        "12": 22, "13": 36, "14": 41, "15": 34, "16": 39,
    }  # fmt: skip


def test_all_gives_seven_emotions(root):
    corpus = read_emodb(root, choice=Choice(emotions=("all",)))
    assert len(corpus.utterances) == 8 and corpus.left_out == {}
    assert {u.emotion for u in corpus.utterances} >= {"bored", "disgusted", "fearful"}
