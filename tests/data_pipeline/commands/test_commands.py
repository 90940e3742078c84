import shutil
import subprocess
import sys

import pytest

from data_pipeline.__main__ import main


@pytest.fixture
def table(make_corpus, tmp_path):
    """A manifest of twelve recordings, one of which is empty."""
    corpus = make_corpus(12)
    corpus.utterances[3].path.write_bytes(b"")
    rows = [f"{u.path},{u.emotion},{u.speaker}" for u in corpus.utterances]
    path = tmp_path / "recordings.csv"
    path.write_text("\n".join(["path,emotion,speaker", *rows]))
    return path


def prepare_arguments(table, out, *more):
    arguments = ["prepare", "--corpus", "manifest", "--root", str(table), "--out", str(out)]
    return [*arguments, "--mfcc", "tensorflow", *more]


def test_prepare_describe_verify(table, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(prepare_arguments(table, out)) == 0
    captured = capsys.readouterr()
    assert "11 utterances" in captured.out and "1 rejected" in captured.out
    assert f"train.py --data {out}" in captured.out
    assert "x real time" in captured.err

    assert main(["describe", str(out)]) == 0
    text = capsys.readouterr().out
    assert "11 kept, 1 rejected" in text
    assert "protocol random: 5 folds" in text
    assert "protocol speaker: 4 folds" in text
    assert text.count("leakage audit") == 2
    table_lines = [line.split() for line in text.splitlines()]
    assert ["all", "6", "5", "11"] in table_lines
    assert ["speaker", "s1", "2", "1", "3"] in table_lines

    assert main(["verify", str(out)]) == 0
    assert "11 records" in capsys.readouterr().out
    damaged = next(out.glob("records-*"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert main(["verify", str(out)]) == 1
    assert "checksum" in capsys.readouterr().err


def test_strict_exits_with_1_and_names_the_file(table, tmp_path, capsys):
    assert main(prepare_arguments(table, tmp_path / "out", "--strict")) == 1
    assert "utt003.wav" in capsys.readouterr().err


def test_one_recording_with_two_emotions_is_an_error(table, tmp_path, capsys):
    recordings = sorted((tmp_path / "recordings").glob("*.wav"))
    shutil.copy(recordings[0], recordings[5])
    for _ in range(2):
        assert main(prepare_arguments(table, tmp_path / "out")) == 1
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith("error: received the same recording with different emotions (")
        assert "utt000.wav angry = " in error and "utt005.wav sad" in error
    assert not (tmp_path / "out" / "metadata.json").exists()


def test_identical_recordings_on_both_sides_are_told(table, tmp_path, capsys):
    recordings = sorted((tmp_path / "recordings").glob("*.wav"))
    for number, path in enumerate(recordings[2:]):  # of equal emotions
        shutil.copy(recordings[number % 2], path)
    assert main(prepare_arguments(table, tmp_path / "out", "--strict")) == 1
    assert "the same recording with different speakers (" in capsys.readouterr().err
    assert main(prepare_arguments(table, tmp_path / "out")) == 0
    assert "note: 10 utterances are copies of another recording" in capsys.readouterr().err
    assert main(["describe", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    assert "protocol speaker: not possible here: fold 0: the same recordings" in text
    assert "note         10 utterances are copies of another recording" in text
    assert ["recordings", "2", "of", "2", "2", "of", "2"] in [t.split() for t in text.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prepare", "--corpus", "emodb", "--root", "nowhere", "--out", "x"], "nowhere"),
        (["describe", "nowhere"], "nowhere: no such folder"),
        (["verify", "nowhere"], "nowhere: no such folder"),
        (["prepare", "--corpus", "manifest", "--root", "nowhere.csv", "--out", "x"], "nowhere.csv"),
    ],
)
def test_faults_are_one_line_and_exit_code_1(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["prepare", "--corpus", "emodb", "--out", "x"],
        ["prepare", "--corpus", "sheep", "--root", "x", "--out", "x"],
        ["prepare", "--corpus", "demo", "--out", "x", "--workers", "0"],
        ["prepare", "--corpus", "demo", "--out", "x", "--n-fft", "512", "256"],
        ["prepare", "--corpus", "demo", "--out", "x", "--n-fft", "100", "256"],
        ["prepare", "--corpus", "demo", "--out", "x", "--n-fft", "wide", "256"],
        ["prepare", "--corpus", "demo", "--out", "x", "--n-fft", "256", "1024"],
    ],
)
def test_wrong_usage_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(arguments)
    assert exit_info.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--n-fft", "256", "1024"], "the wide window must be twice the narrow one: 256 512"),
        (
            ["--n-fft", "wide", "512"],
            "--n-fft: received 'wide', expected a power of two from 64 to 4096",
        ),
        (["--workers", "many"], "--workers: received 'many', expected a whole number, 1 or more"),
    ],
)
def test_wrong_value_is_told_with_what_is_expected(option, message, capsys):
    with pytest.raises(SystemExit):
        main(["prepare", "--corpus", "demo", "--out", "x", *option])
    assert message in capsys.readouterr().err


def imports_of(*arguments):
    """Run the program; its output, and the names of everything that it imported."""
    command = [sys.executable, "-X", "importtime", "-m", "data_pipeline", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return done.stdout + done.stderr, {line.split("|")[-1].strip() for line in lines}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["prepare", "--help"], "python -m data_pipeline prepare --corpus emodb --root"),
        (["describe", "--help"], "python -m data_pipeline describe build/emodb"),
        (["verify", "--help"], "python -m data_pipeline verify build/emodb"),
        (["--help"], "read a prepared folder through and check every record"),
        (["prepare", "--corpus", "emodb", "--out", "x"], "--corpus emodb needs --root"),
        (
            ["prepare", "--corpus", "demo", "--out", "x", "--n-fft", "256", "256"],
            "twice the narrow",
        ),
        (["verify"], "the following arguments are required: DIR"),
    ],
)
def test_help_and_usage_errors_wait_for_no_library(arguments, expected):
    output, imported = imports_of(*arguments)
    assert expected in output
    assert "data_pipeline.command_line" in imported
    assert not imported & {"numpy", "tensorflow", "librosa", "sklearn", "soundfile", "tqdm"}
