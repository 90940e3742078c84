"""What a model has heard: found by recording and by voice, and not to be read from the file."""

import dataclasses
import json

import pytest

from data_pipeline.rows import UtteranceRow
from ser_keras.errors import SerError
from ser_keras.heard import HEARD_FILE, heard_in, look_up, read_heard, write_heard


def row(number, speaker, **more):
    return UtteranceRow(
        utterance_id=f"u{number}", speaker=speaker, emotion="sad", audio_sha256=f"{number}", **more
    )


HEARD = [row(1, "anna"), row(2, "anna"), row(3, "ben")]


def kinds(rows, corpus="mine", lists=None):
    return look_up(rows, corpus, lists or [heard_in(HEARD, "mine")])


def test_recordings_voices_and_strangers_are_told_apart():
    asked = [row(2, "anna"), row(7, "anna"), row(8, "cem"), row(3, "somebody"), row(9, "")]
    assert kinds(asked) == ["recording", "voice", "no", "recording", "no"]


def test_a_voice_is_known_by_its_corpus_and_however_it_is_spelt():
    assert kinds([row(7, "ANNA ")]) == ["voice"]
    assert kinds([row(7, "anna")], corpus="yours") == ["no"]
    # One of several folders: the name of the corpus is in front.
    assert kinds([row(7, "mine/anna", corpus="mine")], corpus="mine+yours") == ["voice"]
    assert kinds([row(7, "yours/anna", corpus="yours")], corpus="mine+yours") == ["no"]


def test_whoever_said_a_known_recording_is_a_known_voice_under_any_name():
    renamed = [row(1, "A."), row(7, "A."), row(8, "B.")]
    assert kinds(renamed, corpus="other") == ["recording", "voice", "no"]


def test_a_model_that_went_on_from_another_has_heard_what_both_have():
    lists = [heard_in(HEARD[:1], "mine"), heard_in([row(5, "cem")], "mine")]
    assert kinds([row(5, "x"), row(1, "y"), row(6, "cem")], lists=lists) == [
        *("recording", "recording", "voice")
    ]


def test_the_file_tells_nothing_of_recordings_or_names_and_reads_back(tmp_path):
    lists = (heard_in(HEARD, "mine"), heard_in([row(5, "cem")], "mine"))
    write_heard(lists, tmp_path)
    assert read_heard(tmp_path) == lists
    text = (tmp_path / HEARD_FILE).read_text()
    assert "anna" not in text and "mine" not in text
    again = heard_in(HEARD, "mine")  # another salt, so other sums of the same recordings
    assert not again.recordings & lists[0].recordings
    assert not again.speakers & lists[0].speakers
    content = json.loads(text)[0]
    assert len(content["recordings"]) == 3 and len(content["speakers"]) == 2
    assert content["recordings"] == sorted(content["recordings"])


def test_not_known_is_none_and_damaged_is_told(tmp_path):
    assert read_heard(tmp_path) is None
    (tmp_path / HEARD_FILE).write_text('[{"salt": "x"}]')
    with pytest.raises(SerError, match=r"heard.json: cannot be read .*train the fold again"):
        read_heard(tmp_path)


def test_samples_that_are_not_known_are_never_taken_for_unheard():
    unknown = dataclasses.replace(row(1, ""), audio_sha256="")
    assert heard_in([*HEARD, unknown], "mine") is None  # no list, rather than one with a gap
    assert kinds([unknown, dataclasses.replace(unknown, speaker="anna")]) == ["", "voice"]


def test_a_recording_anywhere_makes_its_voice_known_everywhere():
    """The look-up is over all of the data: the known recording may lie in another part."""
    renamed = [row(1, "A."), *(row(n, "A.") for n in range(10, 14)), row(20, "B.")]
    assert kinds(renamed, corpus="other")[1:] == ["voice"] * 4 + ["no"]
