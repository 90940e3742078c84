"""`python train.py`: the whole way on made-up speech, resumed, interrupted and refused."""

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_pipeline.__main__ import main as prepare_main
from train import main

ROOT = Path(__file__).parents[1]
SPEAKERS, EMOTIONS = ("anna", "ben", "cem"), ("angry", "sad")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """36 recordings of three speakers, two emotions that differ in level and tempo."""
    folder = tmp_path_factory.mktemp("speech")
    rng = np.random.default_rng(0)
    rows = []
    for speaker in SPEAKERS:
        for number in range(12):
            emotion = EMOTIONS[number % 2]
            seconds = rng.uniform(0.5, 0.7)
            time = np.arange(int(16000 * seconds)) / 16000
            loud, tempo = (0.4, 7) if emotion == "angry" else (0.05, 3)
            wave = loud * np.sin(2 * np.pi * tempo * time) ** 2 * rng.normal(0, 0.5, time.size)
            name = f"{speaker}_{number:02d}.wav"
            soundfile.write(folder / name, wave, 16000)
            rows.append((name, emotion, speaker))
    with (folder / "speech.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "emotion", "speaker"), *rows])
    out = folder / "prepared"
    arguments = ["--corpus", "manifest", "--root", folder / "speech.csv", "--out", out]
    assert prepare_main(["prepare", *map(str, arguments), "--workers", "1"]) == 0
    return out


def arguments(prepared, run_dir, *more):
    fixed = ["--data", prepared, "--run-dir", run_dir, "--export", run_dir / "saved"]
    # The demo's network is small; the code is the same for all presets.
    return [*map(str, fixed), "--preset", "demo", "--epochs", "2", "--batch-size", "8", *more]


def test_a_run_stands_alone_and_is_the_same_again_after_an_interruption(prepared, tmp_path, capsys):
    run = tmp_path / "run"
    assert main(arguments(prepared, run, "--fold")) == 0
    assert "protocol speaker, 3 of 3 folds" in capsys.readouterr().out
    first = {path.parent.name: path.read_bytes() for path in run.glob("fold_*/predictions.csv")}
    assert set(first) == {"fold_0", "fold_1", "fold_2"}
    tested = [line.split(b",")[1] for text in first.values() for line in text.splitlines()[1:]]
    assert len(tested) == 36

    result = json.loads((run / "fold_1" / "result.json").read_text())
    assert result["protocol"] == "speaker"
    assert result["held_out"] == "speaker ben"
    assert np.sum(result["confusion_matrix"]) == result["utterances"]["test"] == 12
    assert result["weighted_accuracy"] == np.trace(result["confusion_matrix"]) / 12
    assert 1 <= result["best_epoch"] <= result["last_epoch"] == 2
    history = list(csv.DictReader((run / "fold_1" / "history.csv").open()))
    scores = [float(row["val_unweighted_accuracy"]) for row in history]
    assert scores[result["best_epoch"] - 1] == max(scores)
    claimed = [float(row["optimistic_test_weighted_accuracy"]) for row in history]
    assert result["optimistic"]["weighted_accuracy"] == max(claimed)
    info = json.loads((run / "fold_1" / "model" / "info.json").read_text())
    for name in ("temperature", "unsure_below", "calibration"):
        assert info[name] == result[name]
    counts = {name: info["calibration"][name]["utterances"] for name in ("validation", "test")}
    assert counts == {name: result["utterances"][name] for name in counts}
    assert info["training_profile"]["recordings"] == result["utterances"]["train"]
    for split in ("train", "validation"):
        assert list((run / "fold_1" / split).glob("events.out.tfevents.*"))
    assert (run / "saved" / "1" / "saved_model.pb").exists()
    summary = (run / "summary.json").read_bytes()

    # As if the run had been killed in its second fold: what it left there is not kept.
    (run / "fold_1" / "result.json").unlink()
    (run / "fold_1" / "predictions.csv").write_text("half a file")
    assert main(arguments(prepared, run, "--fold", "all")) == 0
    assert capsys.readouterr().out.count("finished before, kept") == 2
    again = {path.parent.name: path.read_bytes() for path in run.glob("fold_*/predictions.csv")}
    assert again == first
    assert (run / "summary.json").read_bytes() == summary


def test_other_settings_are_refused_and_nothing_is_lost(prepared, tmp_path, capsys):
    run = tmp_path / "run"
    small = ["--fold", "0", "--variant", "base_1"]
    assert main(arguments(prepared, run, *small)) == 0
    before = (run / "fold_0" / "result.json").read_bytes()
    assert main(arguments(prepared, run, *small, "--seed", "7")) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and "seed: there 0, here 7" in error
    assert (run / "fold_0" / "result.json").read_bytes() == before


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--fold", "3"], "received --fold 3, expected 0 to 2"),
        (["--data", "nowhere"], "nowhere"),
        (["--data", "tests"], "metadata.json"),
    ],
)
def test_what_cannot_run_is_one_line_and_exit_code_1(prepared, tmp_path, capsys, more, message):
    assert main(arguments(prepared, tmp_path / "run", *more)) == 1
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1 and error[0].startswith("error: ") and message in error[0]


@pytest.mark.parametrize(
    "wrong",
    [["--fold", "x"], ["--epochs", "0"], ["--batch-size", "4"], ["--learning-rate", "-1"]],
)
def test_wrong_usage_exits_with_2(wrong, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(wrong)
    assert stopped.value.code == 2
    assert "expected" in capsys.readouterr().err


def test_ctrl_c_stops_tidily(prepared, tmp_path):
    command = [sys.executable, "-u", "train.py", *arguments(prepared, tmp_path / "run")]
    process = subprocess.Popen(
        [*command, "--variant", "base_1", "--epochs", "500"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts its background jobs with Ctrl-C ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    for line in process.stdout:
        if line.startswith("epoch   2"):
            process.send_signal(signal.SIGINT)
            break
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "stopped: finished folds are kept" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "run" / "fold_0" / "result.json").exists()
