"""Folders are searched: no recording is lost without a word."""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_keras.__main__ import main
from ser_keras.predict.files import predict_files
from ser_keras.predict.searching import search

NOISE = np.random.default_rng(0).normal(0, 0.1, 16000)


def record(path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, NOISE, 16000, **options)
    return path


def found_below(folder):
    """Names of what a search finds, as they lie below the folder, and its note."""
    files, passed_over = search([folder])
    return [str(path.relative_to(folder)) for path in files], passed_over.in_words()


@pytest.fixture
def closed(tmp_path):
    """Function that closes folders in a folder of another place, where root is nobody meanwhile."""
    user = os.geteuid()
    # Not in tmp_path: nobody may not even look into the folders above it.
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        modes = {}

        def close(path, mode):
            modes[path] = path.stat().st_mode
            path.chmod(mode)
            if user == 0:
                os.seteuid(65534)

        yield Path(name), close
        os.seteuid(user)
        for path, mode in modes.items():
            path.chmod(mode)


def test_folders_behind_links_are_searched_and_circles_end(served, tmp_path):
    record(tmp_path / "elsewhere/session/b.wav")
    record(tmp_path / "in/a.wav")
    (tmp_path / "in/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/c.wav").symlink_to(tmp_path / "elsewhere/session/b.wav")
    (tmp_path / "in/deep").mkdir()
    (tmp_path / "in/deep/up").symlink_to("..")
    (tmp_path / "elsewhere/session/self").symlink_to(".")
    (tmp_path / "elsewhere/in").symlink_to(tmp_path / "in")
    names, note = found_below(tmp_path / "in")
    assert names == ["a.wav", "c.wav", "linked/session/b.wav"]
    assert note.startswith("passed over: 3 links to folders that were searched already")
    answers = list(predict_files(served, search([tmp_path / "in"])[0]))
    assert all(one.emotion and not one.error for one in answers)


def test_what_lies_in_the_folder_keeps_its_own_name(tmp_path):
    record(tmp_path / "z/a.wav")
    (tmp_path / "a").symlink_to("z")
    assert found_below(tmp_path)[0] == ["z/a.wav"]


@pytest.mark.parametrize("target", ["gone", "loop"])
def test_a_link_that_leads_nowhere_is_named(served, tmp_path, target):
    record(tmp_path / "a.wav")
    (tmp_path / "loop").symlink_to(target)
    files = search([tmp_path])[0]
    assert [path.name for path in files] == ["a.wav", "loop"]
    good, broken = predict_files(served, files)
    assert good.emotion and not good.error
    assert broken.error.startswith(f"a link to {target}, which is not there or cannot be reached")


@pytest.mark.parametrize("mode", [0o000, 0o111])
def test_a_folder_that_cannot_be_read_is_named(served, closed, mode):
    folder, close = closed
    record(folder / "open/a.wav")
    secret = record(folder / "closed/b.wav").parent
    close(secret, mode)
    files = search([folder])[0]
    assert files == [secret, folder / "open/a.wav"]
    no_answer, answer = predict_files(served, files)
    reason = "a folder that cannot be read (Permission denied); check its rights"
    assert (no_answer.file, no_answer.error) == (str(secret), reason)
    assert answer.emotion
    assert search([secret])[0] == [secret]  # named itself


def test_a_folder_behind_a_closed_one_is_named(served, closed):
    folder, close = closed
    record(folder / "a.wav")
    record(folder / "closed/inner/b.wav")
    (folder / "link").symlink_to("closed/inner")
    close(folder / "closed", 0o000)
    files = search([folder])[0]
    assert [path.name for path in files] == ["a.wav", "closed", "link"]
    assert [bool(one.error) for one in predict_files(served, files)] == [False, True, True]


def test_every_audio_suffix_is_answered_or_gets_its_reason(served, tmp_path):
    decodable = {
        "a.opus": {"format": "OGG", "subtype": "OPUS"},
        "b.OGA": {"format": "OGG", "subtype": "VORBIS"},
        "c.Wave": {"format": "WAV"},
        "d.WAV": {"format": "WAV"},
    }
    for name, options in decodable.items():
        record(tmp_path / name, **options)
    others = ["e.m4a", "f.aac", "g.wma", "h.webm", "i.amr", "j.3gp", "k.mp2"]
    for name in others:
        (tmp_path / name).write_bytes(b"not what it says" * 100)
    record(tmp_path / "l.aiff", format="AIFF")
    record(tmp_path / "m.au", format="AU")
    record(tmp_path / "n.caf", format="CAF")
    record(tmp_path / "o.w64", format="W64")
    files = search([tmp_path])[0]
    assert len(files) == 15
    results = {Path(one.file).name: one for one in predict_files(served, files)}
    for name in decodable:
        assert results[name].emotion, results[name].error
    for name in others:
        assert results[name].error and "\n" not in results[name].error


def test_what_is_passed_over_is_counted_on_stderr(tmp_path, tiny_saved_model, capsys):
    record(tmp_path / "a.wav")
    shutil.copy(record(tmp_path / "b.wav"), tmp_path / "._b.wav")
    (tmp_path / ".git").mkdir()
    for name in ("notes.txt", "list.txt", "table.csv", "README"):
        (tmp_path / name).touch()
    assert main(["predict", "--model", str(tiny_saved_model), str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.err == (
        "passed over: 4 files without an audio suffix (.txt 2, .csv 1, no suffix 1), "
        "2 hidden names; name a file itself to have it tried\n"
    )
    assert said.out.count(".wav: ") == 2


def test_nothing_is_said_where_nothing_is_passed_over(tmp_path, tiny_saved_model, capsys):
    record(tmp_path / "deep/er/a.wav")
    assert main(["predict", "--model", str(tiny_saved_model), str(tmp_path)]) == 0
    assert capsys.readouterr().err == ""
