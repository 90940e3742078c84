"""The same recording in two rows: two emotions are an error, equal labels are counted."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_pipeline.audio.reading import load_waveform
from data_pipeline.audio.waveform import audio_sha256
from data_pipeline.corpora.ravdess import read_ravdess
from data_pipeline.errors import DataError
from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.copies import check_copies, find_copies


def make_row(name, emotion="sad", speaker="anna", sha="1"):
    return UtteranceRow(utterance_id=name, speaker=speaker, emotion=emotion, audio_sha256=sha)


def test_rows_of_other_recordings_say_nothing():
    rows = [
        make_row("a", sha="1"),
        make_row("b", sha="2"),
        make_row("c", sha=""),
        make_row("d", sha=""),
    ]
    assert find_copies(rows) == []
    assert check_copies(rows, strict=True) == ""


@pytest.mark.parametrize("strict", [False, True])
def test_equal_labels_are_counted_and_never_an_error(strict):
    rows = [make_row("a"), make_row("b"), make_row("c", sha="2")]
    assert check_copies(rows, strict=strict) == (
        "1 utterance is a copy of another recording with the same emotion, kept: a = b"
    )
    rows += [make_row(f"{n}{take}", sha=f"n{n}") for n in range(4) for take in "xy"]
    assert check_copies(rows, strict=strict) == (
        "5 utterances are copies of another recording with the same emotion, kept: "
        "a = b, 0x = 0y, 1x = 1y, and 2 more"
    )


@pytest.mark.parametrize("strict", [False, True])
def test_two_emotions_are_an_error_that_names_both(strict):
    rows = [make_row("a"), make_row("b"), make_row("c\n", emotion="joy")]
    with pytest.raises(DataError, match=r"different emotions \(a sad = c\\n joy\), expected one"):
        check_copies(rows, strict=strict)


def test_two_speakers_are_told_and_an_error_under_strict():
    rows = [make_row("a"), make_row("b", speaker="ben")]
    assert check_copies(rows).endswith("; one recording has two speakers: a anna = b ben")
    with pytest.raises(DataError, match=r"different speakers \(a anna = b ben\), expected one"):
        check_copies(rows, strict=True)


def test_a_recording_is_the_same_in_two_containers(tmp_path):
    samples = np.random.default_rng(0).normal(scale=3000, size=8000).astype(np.int16)
    rows = []
    for name, emotion in (("a.wav", "sad"), ("b.flac", "joy")):
        soundfile.write(tmp_path / name, samples, 16000)
        sha = audio_sha256(load_waveform(tmp_path / name))
        rows.append(make_row(name, emotion=emotion, sha=sha))
    with pytest.raises(DataError, match=r"a\.wav sad = b\.flac joy"):
        check_copies(rows)


@pytest.mark.skipif("SER_RAVDESS_ROOT" not in os.environ, reason="SER_RAVDESS_ROOT is not set")
def test_the_pair_that_ravdess_is_published_with_is_no_error():
    corpus = read_ravdess(Path(os.environ["SER_RAVDESS_ROOT"]), strict=True)
    rows = [
        make_row(
            utterance.utterance_id,
            emotion=utterance.emotion,
            speaker=utterance.speaker,
            sha=audio_sha256(load_waveform(utterance.path)),
        )
        for utterance in corpus.utterances
    ]
    assert check_copies(rows, strict=True) == (
        "1 utterance is a copy of another recording with the same emotion, kept: "
        "03-01-03-01-02-01-07 = 03-01-03-01-02-02-07"
    )
