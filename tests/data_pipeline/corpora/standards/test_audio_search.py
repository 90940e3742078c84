"""Recordings are found below a folder, whatever the folders above them are called."""

import pytest

from data_pipeline.corpora.standards.audio_search import find_recordings, missing_notes
from data_pipeline.errors import DataError


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize(
    "place", ["audio/speech/Actor_01/a.wav", "Actor_01/a.wav", "a.wav", "deep/er/Actor_01/a.wav"]
)
def test_leading_folders_are_dropped_while_it_is_not_found(tmp_path, place):
    touch(tmp_path, place)
    found = find_recordings(tmp_path, ["audio/speech/Actor_01/a.wav"])
    assert found == {"audio/speech/Actor_01/a.wav": tmp_path / place}


def test_the_longest_ending_decides(tmp_path):
    touch(tmp_path, "mine/Actor_01/a.wav", "other/a.wav")
    assert find_recordings(tmp_path, ["x/Actor_01/a.wav"]) == {
        "x/Actor_01/a.wav": tmp_path / "mine/Actor_01/a.wav"
    }


def test_two_files_that_fit_are_an_error(tmp_path):
    touch(tmp_path, "one/a.wav", "two/a.wav")
    with pytest.raises(DataError, match=r"x/a\.wav may be one/a\.wav or two/a\.wav; keep one"):
        find_recordings(tmp_path, ["x/a.wav"])


def test_a_missing_file_is_not_taken_for_another_of_the_same_name(tmp_path):
    touch(tmp_path, "anna/sad/201.wav", "anna/angry/201.wav", "ben/angry/201.wav")
    names = [f"{who}/{how}/201.wav" for who in ("anna", "ben") for how in ("sad", "angry")]
    found = find_recordings(tmp_path, names)

    assert found == {name: tmp_path / name for name in names if name != "ben/sad/201.wav"}


def test_a_name_that_another_ends_in_is_found_in_its_own_place(tmp_path):
    touch(tmp_path, "s1/a.wav", "old/s1/a.wav")
    found = find_recordings(tmp_path, ["s1/a.wav", "old/s1/a.wav"])
    assert found == {name: tmp_path / name for name in ("s1/a.wav", "old/s1/a.wav")}


def test_hidden_files_and_folders_are_passed_over(tmp_path):
    touch(tmp_path, ".trash/a.wav", "b/a.wav")
    assert find_recordings(tmp_path, ["a.wav"]) == {"a.wav": tmp_path / "b/a.wav"}


def test_capitals_and_forms_of_letters_do_not_matter(tmp_path):
    touch(tmp_path, "Wa\u0308rme/A.WAV")
    found = find_recordings(tmp_path, ["x/w\u00e4rme/a.wav"])
    assert found == {"x/w\u00e4rme/a.wav": tmp_path / "Wa\u0308rme/A.WAV"}


def test_no_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        find_recordings(tmp_path / "none", ["a.wav"])


def test_what_is_missing_is_counted_and_listed(tmp_path):
    names = [f"{number}.wav" for number in range(8)]
    (note,) = missing_notes(names, {"3.wav": tmp_path / "3.wav"}, tmp_path)
    assert note.startswith("7 recordings that the metadata names are not below")
    assert note.endswith(": 0.wav, 1.wav, 2.wav, 4.wav, 5.wav, ...")
    assert missing_notes(["3.wav"], {"3.wav": tmp_path}, tmp_path) == []
