"""The nEMO reader on made-up tables and, where it is there, on the corpus."""

import os
from collections import Counter
from pathlib import Path

import pytest

from data_pipeline.corpora.nemo import LABELS, PUBLISHED, read_nemo
from data_pipeline.corpora.published import Published
from data_pipeline.errors import DataError

HEADER = "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage"
NOTHING = Published()


def line(speaker, emotion, sentence):
    """A line as published: a quotation mark that is not closed, and blanks before the speaker."""
    name = f"{speaker}_{emotion}_{sentence}.wav"
    return f'{name}\t{emotion}\tMówi: "Tak.\tmówi tak\t        {speaker}\tfemale\t27'


def write_table(root, lines, header=HEADER):
    (root / "samples").mkdir(exist_ok=True)
    (root / "data.tsv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return root


def published_lines(speakers=PUBLISHED.speakers, emotions=LABELS):
    """What is published, with the counts by speaker that are not known made up to the whole."""
    left = Counter(PUBLISHED.whole)
    for counts in PUBLISHED.speakers.values():
        left.subtract(counts)
    lines = []
    for speaker, counts in PUBLISHED.speakers.items():
        for emotion in PUBLISHED.whole:
            count = counts.get(emotion, min(90, left[emotion]))
            left[emotion] -= 0 if emotion in counts else count
            if speaker in speakers and emotion in emotions:
                lines += [line(speaker, emotion, number) for number in range(1, count + 1)]
    return lines


def test_a_line_gives_speaker_sentence_and_emotion(tmp_path):
    write_table(tmp_path, [line("SM0", "anger", 23), line("EB0", "fear", 4)])
    corpus = read_nemo(tmp_path, strict=True, expected=NOTHING)

    (utterance,) = corpus.utterances
    assert utterance.utterance_id == "SM0_anger_23"
    assert utterance.path == tmp_path / "samples" / "SM0_anger_23.wav"
    assert (utterance.speaker, utterance.emotion, utterance.text) == ("SM0", "angry", "23")
    assert corpus.left_out == {"fear": 1}
    assert corpus.emotions == ("angry", "happy", "neutral", "sad")
    assert (corpus.name, corpus.group_by, corpus.notes) == ("nemo", "speaker", ())


def test_the_whole_corpus_has_nothing_to_note(tmp_path):
    corpus = read_nemo(write_table(tmp_path, published_lines()), strict=True)

    assert corpus.notes == ()
    assert len(corpus.utterances) + sum(corpus.left_out.values()) == 4481
    assert corpus.left_out == {"fear": 736, "surprised": 669}
    assert len({utterance.speaker for utterance in corpus.utterances}) == 9


def test_a_part_of_the_corpus_passes_strict_and_says_what_is_missing(tmp_path):
    speakers = set(PUBLISHED.speakers) - {"IC0", "MP0"}
    lines = published_lines(speakers, set(LABELS) - {"fear"})
    corpus = read_nemo(write_table(tmp_path, lines), strict=True)

    assert corpus.notes == (
        "a part of the corpus, without 2 of 9 speakers (IC0, MP0) and without all files of fear",
    )


def test_a_count_of_one_speaker_is_noted(tmp_path):
    lines = [one for one in published_lines({"EB0", "SM0"}) if not one.startswith("EB0_sadness_7.")]
    write_table(tmp_path, lines)

    assert read_nemo(tmp_path).notes[0] == (
        "counts are not the expected ones: speaker EB0 has sadness 89 instead of 90"
    )
    with pytest.raises(DataError, match="EB0 has sadness 89 instead of 90"):
        read_nemo(tmp_path, strict=True)


def test_what_no_speaker_counts_are_known_of_is_compared_with_the_whole(tmp_path):
    lines = [one for one in published_lines() if not one.startswith("IC0_anger_7.")]
    write_table(tmp_path, lines)

    assert read_nemo(tmp_path).notes == (
        "counts are not the expected ones: the corpus has anger 748 instead of 749",
    )


def test_other_speakers_and_emotions_are_named(tmp_path):
    write_table(tmp_path, [*published_lines(), line("XX1", "anger", 1), line("EB0", "joy", 1)])
    corpus = read_nemo(tmp_path)

    assert corpus.left_out["joy"] == 1
    assert "emotions that the corpus does not have: joy" in corpus.notes
    assert "speakers that the corpus does not have: XX1" in corpus.notes
    with pytest.raises(DataError, match="joy"):
        read_nemo(tmp_path, strict=True)


@pytest.mark.parametrize(
    ("lines", "header", "message"),
    [
        ([], HEADER.replace("speaker_id", "speaker"), "has no column speaker_id, found file_id"),
        ([line("   ", "anger", 1)], HEADER, "line 2: speaker_id is empty"),
        (["only.wav"], HEADER, "line 2: emotion, speaker_id is empty"),
    ],
)
def test_another_table_is_refused(tmp_path, lines, header, message):
    with pytest.raises(DataError, match=message):
        read_nemo(write_table(tmp_path, lines, header))


def test_a_folder_without_the_table_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"data\.tsv: No such file.*give the folder that holds"):
        read_nemo(tmp_path)


@pytest.mark.skipif("SER_NEMO_ROOT" not in os.environ, reason="SER_NEMO_ROOT is not set")
def test_real_part_of_the_corpus_passes_strict():
    corpus = read_nemo(Path(os.environ["SER_NEMO_ROOT"]), strict=True)

    emotions = Counter(u.emotion for u in corpus.utterances)
    assert emotions == {"angry": 540, "happy": 539, "neutral": 539, "sad": 540}
    assert {u.speaker for u in corpus.utterances} == {"EB0", "KD0", "MK0", "SM0", "TP0", "WR0"}
    assert all(utterance.path.is_file() for utterance in corpus.utterances)
    assert corpus.notes == (
        "a part of the corpus, without 3 of 9 speakers (IC0, KS0, MP0) and without all files of "
        "fear, surprised",
    )
