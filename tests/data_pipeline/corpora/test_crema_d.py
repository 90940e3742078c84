"""The CREMA-D reader on made-up trees of the same layout."""

import pytest

from data_pipeline.corpora.crema_d import PUBLISHED, read_crema_d
from data_pipeline.corpora.published import Published
from data_pipeline.errors import DataError


def write_names(root, *names):
    (root / "AudioWAV").mkdir(exist_ok=True)
    for name in names:
        (root / "AudioWAV" / f"{name}.wav").touch()


def published_names():
    """As many names of every emotion as published, of all actors."""
    names = []
    for code, count in PUBLISHED.whole.items():
        actors = list(PUBLISHED.speakers)
        for number in range(count):
            actor, take = actors[number % 91], number // 91
            names.append(f"{actor}_A{chr(65 + take // 3)}A_{code}_{('LO', 'MD', 'HI')[take % 3]}")
    return names


def test_name_gives_actor_sentence_and_emotion(tmp_path):
    write_names(
        tmp_path, "1001_DFA_ANG_XX", "1002_IEO_HAP_HI", "1003_TIE_NEU_XX", "1091_WSI_SAD_LO",
        "1001_DFA_DIS_XX", "1001_IEO_FEA_MD", "1002_IEO_FEA_MD",
    )  # fmt: skip
    corpus = read_crema_d(tmp_path, strict=True, expected=Published())

    assert [(u.utterance_id, u.speaker, u.text, u.emotion) for u in corpus.utterances] == [
        ("1001_DFA_ANG_XX", "1001", "DFA", "angry"),
        ("1002_IEO_HAP_HI", "1002", "IEO", "happy"),
        ("1003_TIE_NEU_XX", "1003", "TIE", "neutral"),
        ("1091_WSI_SAD_LO", "1091", "WSI", "sad"),
    ]
    assert corpus.left_out == {"DIS": 1, "FEA": 2}
    assert (corpus.name, corpus.group_by) == ("crema_d", "speaker")


def test_the_one_name_published_with_a_short_level_is_read(tmp_path):
    write_names(tmp_path, "1040_ITH_SAD_X")

    assert read_crema_d(tmp_path, strict=True, expected=Published()).utterances[0].emotion == "sad"


def test_other_names_are_counted_and_named(tmp_path):
    write_names(tmp_path, "1001_DFA_ANG_XX", "1001_DFA_BOR_XX", "notes")
    corpus = read_crema_d(tmp_path)

    assert corpus.left_out == {"unrecognised name": 2}
    assert "1001_DFA_BOR_XX.wav" in corpus.notes[0]


def test_folder_without_audiowav_is_refused(tmp_path):
    (tmp_path / "AudioMP3").mkdir()

    with pytest.raises(DataError, match=r"no AudioWAV/\*\.wav in it, found AudioMP3"):
        read_crema_d(tmp_path)


def test_counts_that_differ_from_the_published_ones_are_noted(tmp_path):
    names = published_names()
    write_names(tmp_path, *names[1:])
    assert len(names) == sum(PUBLISHED.whole.values()) == 7442
    assert read_crema_d(tmp_path).notes == (
        "counts are not the expected ones: the corpus has ANG 1270 instead of 1271",
    )
    with pytest.raises(DataError, match="ANG 1270 instead of 1271"):
        read_crema_d(tmp_path, strict=True)
    write_names(tmp_path, names[0])
    assert read_crema_d(tmp_path, strict=True).notes == ()


def test_a_part_of_the_corpus_says_who_is_missing(tmp_path):
    write_names(tmp_path, *(name for name in published_names() if name < "1089"))
    assert read_crema_d(tmp_path, strict=True).notes == (
        "a part of the corpus, without 3 of 91 speakers (1089, 1090, 1091)",
    )
    assert "without 90 of 91 speakers (1001, 1002, 1003, 1004, 1005, ...)" in "".join(
        read_crema_d(write_one(tmp_path / "one")).notes
    )


def write_one(root):
    root.mkdir()
    write_names(root, "1091_DFA_ANG_XX")
    return root
