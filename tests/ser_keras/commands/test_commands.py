"""`python -m ser_keras`: what people and programs read from it, and its exit codes."""

import csv
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_pipeline.features.level import TrainingProfile
from ser_keras.__main__ import main
from ser_keras.commands.export import find_fold
from ser_keras.errors import SerError
from ser_keras.models.variants import build_model
from ser_keras.settings import Network, Settings
from ser_keras.training.model_files import save_model

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two recordings and a text file that calls itself one."""
    folder = tmp_path_factory.mktemp("speech")
    noise = np.random.default_rng(1).normal(0, 0.1, 16000)
    soundfile.write(folder / "first, take 2.wav", noise, 16000)
    soundfile.write(folder / "second.flac", noise[:8000], 16000)
    (folder / "third.wav").write_text("no audio at all")
    return folder


def predict(capsys, model_dir, *arguments):
    """Exit code and standard output of a prediction."""
    code = main(["predict", "--model", str(model_dir), *map(str, arguments)])
    return code, capsys.readouterr().out


def test_json_is_an_object_a_line_with_the_same_keys(capsys, tiny_saved_model, tiny_info, folder):
    code, output = predict(capsys, tiny_saved_model, folder, "--format", "json")
    rows = [json.loads(line) for line in output.splitlines()]
    assert code == 1  # the third file
    assert [Path(row["file"]).name for row in rows] == [
        "first, take 2.wav",
        "second.flac",
        "third.wav",
    ]
    keys = ("file", "emotion", "unsure", "probabilities", "warnings", "error")
    assert {tuple(row) for row in rows} == {keys}
    for row in rows[:2]:
        assert row["emotion"] == max(row["probabilities"], key=row["probabilities"].get)
        assert sum(row["probabilities"].values()) == pytest.approx(1)
    assert rows[2]["emotion"] == "" and rows[2]["error"]


def test_csv_has_a_header_and_survives_commas(capsys, tiny_saved_model, tiny_info, folder):
    code, output = predict(capsys, tiny_saved_model, folder, "--format", "csv")
    header, *rows = csv.reader(io.StringIO(output))
    columns = [f"probability_{emotion}" for emotion in tiny_info.emotions]
    assert header == ["file", "emotion", "unsure", *columns, "warnings", "error"]
    assert [Path(row[0]).name for row in rows][0] == "first, take 2.wav"
    assert sum(map(float, rows[0][3:7])) == pytest.approx(1)
    assert rows[2][1:8] == [""] * 7 and rows[2][8]


def test_text_shows_a_bar_for_each_emotion(capsys, tiny_saved_model, tiny_info, folder):
    code, output = predict(capsys, tiny_saved_model, folder / "second.flac")
    first, *bars = output.splitlines()
    assert code == 0
    assert first.startswith(f"{folder / 'second.flac'}: ")
    assert [bar.split()[0] for bar in bars] == list(tiny_info.emotions)
    for bar in bars:
        assert bar.count("#") == round(30 * float(bar.split()[1]))


def test_an_unsure_answer_and_its_warnings_are_said_in_every_form(
    capsys, tiny_saved_model, tiny_info, copy_with_info, folder
):
    profile = TrainingProfile(
        recordings=9,
        duration_seconds=(0.1, 0.5, 1.0),
        level_dbfs=(-8.0, -4.0, -2.0),
        silent_share=(0.0, 0.0, 0.1),
    )
    info = replace(tiny_info, unsure_below=1.1, training_profile=profile)
    version_dir = copy_with_info(tiny_saved_model, info)
    output = predict(capsys, version_dir, folder / "second.flac", "--format", "json")[1]
    row = json.loads(output)
    [warning] = row["warnings"]
    assert row["unsure"] is True and warning.startswith("12 dB quieter")
    output = predict(capsys, version_dir, folder / "second.flac")[1]
    first, *_, last = output.splitlines()
    assert first.endswith(f": unsure (perhaps {row['emotion']})")
    assert last == f"  warning: {warning}"
    output = predict(capsys, version_dir, folder / "second.flac", "--format", "csv")[1]
    [cells] = csv.DictReader(io.StringIO(output))
    assert (cells["unsure"], cells["warnings"]) == ("unsure", warning)


@pytest.mark.parametrize("form", ["text", "json", "csv"])
def test_timeline_prints_what_it_writes(capsys, served, tiny_saved_model, folder, tmp_path, form):
    options = ["--timeline", "--out", tmp_path / "out", "--window", "0.5", "--format", form]
    code, output = predict(capsys, tiny_saved_model, folder, *options)
    assert code == 1  # the third file
    written = json.loads((tmp_path / "out" / "second.flac.json").read_text())
    assert (written["window_seconds"], written["hop_seconds"]) == (0.5, 0.25)
    lines = output.splitlines()
    if form == "json":
        assert json.loads(lines[1]) == written
    elif form == "csv":
        table = (tmp_path / "out" / "second.flac.csv").read_text().splitlines()
        assert lines[0] == table[0] and set(table) < set(lines)
    else:
        heads = [line for line in lines if not line.startswith(" ")]
        assert heads[0].endswith("first, take 2.wav: 1.0 s, windows of 0.5 s every 0.25 s")
        assert "third.wav: error: " in heads[2]


def test_text_names_the_bad_file_on_its_line(capsys, tiny_saved_model, folder):
    code, output = predict(capsys, tiny_saved_model, folder / "third.wav")
    assert code == 1
    assert output.startswith(f"{folder / 'third.wav'}: error: ")
    assert output.count("\n") == 1


def test_a_process_of_its_own_prints_results_and_nothing_else(tiny_saved_model, folder):
    command = [sys.executable, "-m", "ser_keras", "predict", "--format", "json"]
    command += ["--model", str(tiny_saved_model.parent), str(folder / "second.flac")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["emotion"]
    assert done.stderr == ""


def test_reader_that_leaves_early_gets_no_traceback(tiny_saved_model, folder, monkeypatch):
    reading_end, writing_end = os.pipe()
    os.close(reading_end)
    with open(writing_end, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert main(["predict", "--model", str(tiny_saved_model), str(folder)]) == 1


def test_file_name_that_is_no_text_is_printed_with_escapes(capsys, tiny_saved_model, folder):
    name = os.fsdecode(b"\xff.wav")
    code, output = predict(capsys, tiny_saved_model, folder / name)
    assert code == 1
    assert r"\udcff.wav: error: " in output


def test_missing_model_is_one_line_and_exit_code_1(capsys, tmp_path):
    assert main(["predict", "--model", str(tmp_path / "gone"), "a.wav"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {tmp_path / 'gone'}: no SavedModel there")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["predict", "--model", "saved_models/ser"],
        ["predict", "--model", "saved_models/ser", "--format", "xml", "a.wav"],
        ["predict", "--model", "saved_models/ser", "--timeline", "a.wav"],
        ["predict", "--model", "saved_models/ser", "--window", "2", "a.wav"],
        ["predict", "--model", "m", "--timeline", "--out", "o", "--window", "0.01", "a.wav"],
        ["predict", "--model", "m", "--timeline", "--out", "o", "--hop", "soon", "a.wav"],
        ["export", "runs/demo"],
        ["export", "runs/demo", "--out", "saved_models/ser", "--fold", "first"],
    ],
)
def test_wrong_usage_exits_with_2(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: python -m ser_keras" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("window", "hop", "message"),
    [
        ("1", "2", "received a hop of 2 s, expected the window's 1 s or less"),
        ("61", "2", "received a window of 61 s, expected 60 s or less"),
    ],
)
def test_windows_that_leave_gaps_or_are_too_long_are_refused(
    capsys, tiny_saved_model, window, hop, message
):
    options = ["--timeline", "--out", "o", "--window", window, "--hop", hop]
    with pytest.raises(SystemExit) as caught:
        main(["predict", "--model", str(tiny_saved_model), "a.wav", *options])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("command", ["predict", "export"])
def test_help_shows_an_example(capsys, command):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert f"examples:\n  python -m ser_keras {command}" in capsys.readouterr().out


@pytest.fixture
def run_dir(tmp_path):
    """A run with two finished folds, without models, and one under way."""
    for fold in (0, 3, 12):
        (tmp_path / f"fold_{fold}").mkdir()
    for fold in (0, 12):
        (tmp_path / f"fold_{fold}" / "result.json").write_text("{}")
    return tmp_path


def test_fold_is_found_in_a_run_or_named_itself(run_dir):
    assert find_fold(run_dir, 12) == run_dir / "fold_12"
    assert find_fold(run_dir / "fold_0", None) == run_dir / "fold_0"
    assert find_fold(run_dir / "fold_0", 0) == run_dir / "fold_0"


@pytest.mark.parametrize(
    ("name", "fold", "message"),
    [
        (".", None, "has several folds; there are 0, 12: name one, as in "),
        (".", 3, "no finished fold 3; there are 0, 12: name one"),
        ("fold_0", 1, "no finished fold 1; there are 0: name one"),
        ("fold_3", None, "no finished fold there"),
        ("gone", 0, "no finished fold there"),
        pytest.param("a" * 300, 0, "no finished fold there", id="name too long"),
    ],
)
def test_fold_that_cannot_be_meant_is_refused(run_dir, name, fold, message):
    with pytest.raises(SerError, match=message):
        find_fold(run_dir / name, fold)


def test_export_writes_a_trained_fold_that_predict_reads(
    capsys, run_dir, folder, tiny_info, tmp_path
):
    settings = Settings(network=Network(units=3, filters=(2, 2)))
    model = build_model("base_6", settings.network, 4, num_frames=(30, 24))
    inputs = ("mfcc", "num_mfcc_frames", "mel_narrow")
    info = replace(tiny_info, variant="base_6", num_frames=(30, 24), inputs=inputs)
    save_model(model, settings, info, run_dir / "fold_12" / "model")

    arguments = [str(run_dir), "--fold", "12", "--out", str(tmp_path / "served")]
    assert main(["export", *arguments]) == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'served' / '1'}: written; reloaded")
    code, output = predict(capsys, tmp_path / "served", folder / "second.flac", "--format", "json")
    assert code == 0
    assert json.loads(output)["emotion"] in tiny_info.emotions


def test_export_of_a_fold_without_its_model_is_one_line(capsys, run_dir, tmp_path):
    assert main(["export", str(run_dir / "fold_0"), "--out", str(tmp_path / "served")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert not (tmp_path / "served").exists()
