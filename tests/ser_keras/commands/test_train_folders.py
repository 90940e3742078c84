"""The folders of `train.py`: nothing of others is touched, nothing mixed, full disks are told."""

import json
import os
import shutil
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from format_2 import as_format_2
from made_speech import TINY_SETTINGS, arguments, prepare_speech, start

from ser_keras.__main__ import main as ser
from ser_keras.commands.train import main
from ser_keras.settings import PRESETS

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
QUICK = ("--variant", "base_1", "--fold", "0", "--epochs", "1")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The prepared folder of made-up speech."""
    return prepare_speech(tmp_path_factory.mktemp("speech"))


@pytest.fixture(scope="module")
def other_prepared(tmp_path_factory):
    """Other recordings of the same names, speakers and emotions."""
    return prepare_speech(tmp_path_factory.mktemp("other"), seed=1)


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch):
    """The code is the same for all presets: the demo's, but smaller."""
    monkeypatch.setitem(PRESETS, "demo", PRESETS["demo"].with_values(TINY_SETTINGS))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path_factory, monkeypatch):
    """A folder of its own to work in: what is exported by default is no litter in the tree."""
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))


@contextmanager
def small_disk(folder, size="400k"):
    """A file system of its own."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def only_error(capsys):
    """What a command that failed said, which is one line."""
    (error,) = capsys.readouterr().err.strip().splitlines()
    assert error.startswith("error: ")
    return error


# --- What others put there ---


def test_recordings_of_others_in_a_folder_that_is_called_like_a_fold_stay(
    prepared, tmp_path, capsys
):
    mine = tmp_path / "mine"
    for name in ("fold_0/take1.wav", "fold_0/train/take2.wav", "summary.json", "notes.txt"):
        (mine / name).parent.mkdir(parents=True, exist_ok=True)
        (mine / name).write_text(name)
    before = contents(mine)
    assert main(arguments(prepared, mine, *QUICK)) == 1
    assert f"{mine}: not empty and not a run folder (holds fold_0, notes.txt" in only_error(capsys)
    assert contents(mine) == before


def test_what_others_put_into_a_run_is_refused_by_name_before_training(prepared, tmp_path, capsys):
    run = tmp_path / "run"
    assert main(arguments(prepared, run, *QUICK)) == 0
    capsys.readouterr()
    take = run / "fold_1" / "take1.wav"
    take.parent.mkdir()
    take.write_text("mine")
    before = contents(run)
    assert main(arguments(prepared, run, "--variant", "base_1", "--epochs", "1")) == 1
    assert f"{take.parent}: holds take1.wav, which training did not write" in only_error(capsys)
    assert contents(run) == before  # fold 0 is kept, fold 2 was not begun


def test_a_run_folder_that_is_a_file_is_refused_before_any_work(prepared, tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("mine")
    for run_dir in (file, file / "run"):
        assert main(arguments(prepared, run_dir, *QUICK)) == 1
        printed = capsys.readouterr()
        assert printed.err == f"error: {file}: is a file; give another --run-dir\n"
        assert "leakage audit" not in printed.out
    assert main(arguments(prepared, file, "--variant", "all")) == 1  # a grid
    assert "is a file" in only_error(capsys)
    assert file.read_text() == "mine"


@NEEDS_ROOT
@pytest.mark.parametrize("option", ["--run-dir", "--export", None])
def test_a_place_that_is_read_only_is_found_out_before_training(
    prepared, tmp_path, capsys, monkeypatch, option
):
    monkeypatch.chdir(tmp_path)
    with small_disk(Path("saved_models")) as disk:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        run = disk / "run" if option == "--run-dir" else Path("run")
        place = ["--export", str(disk / "model")] if option == "--export" else []
        assert main([*arguments(prepared, run, *QUICK), *place]) == 1
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1 and str(disk) in printed.err
    assert "epoch   1" not in printed.out
    assert not Path("run").exists() or option == "--run-dir"


def test_the_model_does_not_go_into_the_way_of_the_run(prepared, tmp_path, capsys):
    """After training it would be refused there: the run folder is somebody else's to an export."""
    run = tmp_path / "a" / "run"
    for place in (run, run.parent, run / "fold_0" / "model"):
        command = [*arguments(prepared, run, *QUICK), "--export", str(place)]
        assert main(command) == 1
        assert "is in the way of the run" in only_error(capsys)
        assert not run.parent.exists()


# --- Whose model it is ---


def test_two_corpora_under_one_name_are_two_models_and_no_opponents(
    prepared, other_prepared, tmp_path, capsys
):
    commands = [
        arguments(data, tmp_path / parent / "run1", *QUICK)
        for parent, data in (("a", prepared), ("b", other_prepared))
    ]
    for command in commands:
        assert main(command) == 0
    models = sorted(Path("saved_models").iterdir())
    assert [sorted(p.name for p in m.glob("[0-9]*")) for m in models] == [["1"], ["1"]]
    capsys.readouterr()
    exports = contents(Path("saved_models"))
    for command, model in zip(commands, models, strict=True):
        assert main(command) == 0
        printed = capsys.readouterr().out
        assert "finished before, kept" in printed
        assert f"predict --model {model} FILE" in printed
        info = json.loads((model / "1" / "assets" / "info.json").read_text())
        config = json.loads((Path(command[3]) / "config.json").read_text())
        assert info["run"]["data_key"] == config["data_key"]
    assert contents(Path("saved_models")) == exports

    runs = [command[3] for command in commands]
    keys = [json.loads((Path(run) / "config.json").read_text())["recordings_key"] for run in runs]
    assert keys[0] != keys[1] and all(keys)
    assert ser(["report", *runs, "--out", str(tmp_path / "report")]) == 0
    text = (tmp_path / "report" / "report.md").read_text()
    assert "stand by themselves: the recordings, their speakers or emotions differ" in text
    assert "### System against system" not in text
    capsys.readouterr()
    assert main([*commands[1], "--export", str(models[0])]) == 1
    assert "another run made" in only_error(capsys)
    assert contents(Path("saved_models")) == exports


def test_a_folder_is_called_as_it_is_called_elsewhere(prepared, tmp_path, monkeypatch, capsys):
    run = tmp_path / "thesis"
    (run / "empty").mkdir(parents=True)
    monkeypatch.chdir(run / "empty")
    assert main(arguments(prepared, "..", *QUICK)) == 1  # it holds a folder
    (run / "empty").rename(tmp_path / "empty")
    assert [path.name for path in run.iterdir()] == []
    monkeypatch.chdir(run)
    assert main(arguments(prepared, ".", *QUICK)) == 0
    assert [path.name for path in (run / "saved_models").iterdir()] == ["thesis"]
    assert "predict --model saved_models/thesis FILE" in capsys.readouterr().out


def test_names_that_are_not_utf_8(prepared, tmp_path, capsys):
    latin = {name: tmp_path / os.fsdecode(f"{name}_M\xfcller".encode("latin-1")) for name in "drm"}
    prepared_there = latin["d"]
    prepared_there.symlink_to(prepared)
    command = arguments(prepared_there, latin["r"], *QUICK, "--export", str(latin["m"]))
    assert main(command) == 0
    assert r"_M\udcfcller" in capsys.readouterr().out
    assert (latin["r"] / "fold_0" / "model" / "model.weights.h5").exists()
    assert list((latin["r"] / "fold_0" / "train").glob("events.out.tfevents.*"))
    assert (latin["m"] / "1" / "saved_model.pb").exists()
    assert ser(["report", str(latin["r"]), "--out", str(latin["m"] / "report")]) == 0
    assert ser(["pack", str(latin["r"]), "--out", str(tmp_path / "packed")]) == 0


# --- All folds before the first ---


@pytest.fixture(scope="module")
def one_sad_speaker(prepared, tmp_path_factory):
    """The same speech, but only anna is ever sad: whoever tests her has nobody sad to train on."""
    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("one") / "prepared")
    metadata = json.loads((as_format_2(folder) / "metadata.json").read_text())
    for row in metadata["utterances"]:
        row["emotion"] = row["emotion"] if row["speaker"] == "anna" else "angry"
    (folder / "metadata.json").write_text(json.dumps(metadata))
    return folder


def test_a_fold_that_cannot_be_trained_ends_it_before_the_first_is(
    one_sad_speaker, tmp_path, capsys
):
    run = tmp_path / "run"
    command = arguments(one_sad_speaker, run, "--variant", "base_1", "--epochs", "1")
    assert main(command) == 1
    assert "fold 0 (speaker anna) has only angry to train on" in only_error(capsys)
    classical = ["classical", "--data", str(one_sad_speaker), "--run-dir", str(run)]
    assert ser(classical) == 1
    assert "fold 0 (speaker anna) has only angry to train on" in only_error(capsys)
    assert not run.exists()


# --- Two at once, and full disks ---


def test_the_same_command_twice_at_once_is_refused_and_the_first_goes_on(
    prepared, tmp_path, capsys
):
    run = tmp_path / "run"
    endless = arguments(prepared, run, "--variant", "base_1", "--epochs", "500")
    first = start(endless, "epoch   2")
    try:
        for second in (endless, [*endless, "--fold", "2"]):  # what is yet to be trained, too
            assert main(second) == 1
            assert "another process is training this fold; wait" in only_error(capsys)
        assert first.poll() is None
        assert next(line for line in first.stdout if line.startswith("epoch "))
        for name in ("checkpoint.npz", "history.csv"):
            assert (run / "fold_0" / name).exists()
    finally:
        first.send_signal(signal.SIGKILL)
        first.communicate()
    once = arguments(prepared, run, "--variant", "base_1", "--epochs", "500", "--fold", "7")
    assert main(once) == 1
    assert "received --fold 7" in only_error(capsys)  # the lock went with its process


@NEEDS_ROOT
def test_a_full_disk_is_one_line_and_training_keeps_its_epochs(prepared, tmp_path, capsys):
    with small_disk(tmp_path / "disk", "600k") as disk:
        run = disk / "run"
        command = arguments(prepared, run, "--variant", "base_1", "--epochs", "12", "--fold", "0")
        command += ["--export", str(tmp_path / "model")]
        process = start(command, "epoch   2")
        with (disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError):
            while True:
                filler.write(bytes(1 << 14))
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 1
        assert errors.count("\n") == 1
        assert errors.startswith(f"error: {run / 'fold_0'}")
        assert "cannot be written (No space left on device); make room" in errors
        assert not list(run.rglob(".*"))  # half a file is not left
        (disk / "filler").unlink()
        assert main(command) == 0
        goes_on = [x for x in capsys.readouterr().out.splitlines() if x.startswith("goes on after")]
        assert len(goes_on) == 1
        assert (run / "fold_0" / "result.json").exists()
