"""`python train.py`: the whole way on made-up speech, resumed, interrupted and refused."""

import argparse
import csv
import json
import platform
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from format_2 import as_format_2
from made_speech import ROOT, TINY, TINY_SETTINGS, arguments, prepare_speech, start
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from data_pipeline.records.prepared import load_prepared
from ser_keras.commands.folds import data
from ser_keras.commands.train import main, plan_runs, print_audits
from ser_keras.commands.train_options import add_arguments, order_of
from ser_keras.runs.grid import jobs_in_order
from ser_keras.settings import PRESETS, VARIANTS
from ser_keras.training.model_files import load_model


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The prepared folder of made-up speech."""
    return prepare_speech(tmp_path_factory.mktemp("speech"))


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch):
    """The code is the same for all presets: the demo's, but smaller."""
    monkeypatch.setitem(PRESETS, "demo", PRESETS["demo"].with_values(TINY_SETTINGS))


def order(*options):
    """What a command line asks for."""
    parser = argparse.ArgumentParser()
    parser.set_defaults(usage_error=parser.error)
    add_arguments(parser)
    return order_of(parser.parse_args([str(option) for option in options]))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path_factory, monkeypatch):
    """A folder of its own to work in: what is exported by default is no litter in the tree."""
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))


def test_a_run_stands_alone_and_is_the_same_again_after_an_interruption(prepared, tmp_path, capsys):
    run, saved = tmp_path / "run", tmp_path / "saved"
    single = arguments(prepared, run, "--variant", "base_1", "--export", str(saved), "--fold")
    assert main(single) == 0
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
    history = list(csv.DictReader((run / "fold_1" / "history.csv").read_text().splitlines()))
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
    assert (saved / "1" / "saved_model.pb").exists()
    summary = (run / "summary.json").read_bytes()

    # As if the run had been killed in its second fold: what it left there is not kept.
    (run / "fold_1" / "result.json").unlink()
    (run / "fold_1" / "predictions.csv").write_text("half a file")
    assert main([*single, "all"]) == 0
    assert capsys.readouterr().out.count("finished before, kept") == 2
    again = {path.parent.name: path.read_bytes() for path in run.glob("fold_*/predictions.csv")}
    assert again == first
    assert (run / "summary.json").read_bytes() == summary


def test_a_grid_has_a_folder_a_run_and_goes_on_where_it_was_stopped(prepared, tmp_path, capsys):
    grid = arguments(
        prepared, tmp_path, "--variant", "base_1", "--protocol", "all", "--epochs", "1"
    )
    grid += ["--fold", "0"]
    own = "batch_size=8-epochs=1"
    names = [f"speech-base_1-demo-{protocol}-seed0-{own}" for protocol in ("speaker", "random")]
    assert main(grid) == 0
    printed = capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert [line for line in printed.splitlines() if line.startswith("left to train: ")]
    assert "exported" not in printed
    table = printed.split("\n\n")[-1].splitlines()
    for name, row in zip(names, table[2:], strict=True):
        summary = json.loads((tmp_path / name / "summary.json").read_text())
        assert row.split()[:4] == [name, "1", "of", str(summary["folds_total"])]
        for scores, cells in (
            (summary, row.split()[4:6]),
            (summary["optimistic"], row.split()[6:]),
        ):
            means = [scores[f"{kind}_accuracy"]["mean"] for kind in ("weighted", "unweighted")]
            assert cells == [f"{mean:.1%}" for mean in means]

    results = [tmp_path / name / "fold_0" / "result.json" for name in names]
    first = [json.loads(path.read_text()) for path in results]
    assert [result["protocol"] for result in first] == ["speaker", "random"]
    results[1].unlink()
    assert main(grid) == 0
    assert capsys.readouterr().out.count("finished before, kept") == 1
    again = json.loads(results[1].read_text())
    assert again["validation"] == first[1]["validation"]


def test_a_grid_goes_fold_by_fold_through_all_systems(prepared, tmp_path):
    grid = arguments(prepared, tmp_path, "--variant", "all", "--protocol", "all", "--repeats", "2")
    runs = plan_runs(order(*grid), load_prepared(prepared))
    assert len({run.directory for run in runs}) == len(runs) == 8 * 2 * 2
    jobs = [
        (run.config.protocol, run.config.seed, fold.number, run.config.variant)
        for run, fold in jobs_in_order(runs)
    ]
    expected = [
        (protocol, seed, number, variant)
        for protocol, num_folds in (("speaker", 3), ("random", 5))
        for seed in (0, 1)
        for number in range(num_folds)
        for variant in VARIANTS
    ]
    assert jobs == expected


@pytest.mark.parametrize(
    ("named", "protocols"),
    [
        ((), ("speaker",)),
        (("given",), ("given",)),
        (("all",), ("speaker", "random")),
        (("all", "given"), ("speaker", "random", "given")),
        (("random", "given", "random"), ("random", "given")),
    ],
)
def test_all_protocols_are_those_that_every_corpus_has(named, protocols):
    asked = ("--protocol", *named) if named else ()
    assert order(*asked).protocols == protocols


def test_given_folds_of_a_corpus_that_has_none_are_one_line(prepared, tmp_path, capsys):
    assert main(arguments(prepared, tmp_path, "--protocol", "given")) == 1
    said = capsys.readouterr().err
    assert "error: the corpus brings no folds of its own" in said
    assert "take protocol speaker or random" in said


def test_both_forms_of_the_gate_have_runs_of_their_own(prepared, tmp_path):
    before = ["--gate-norm", "before_sigmoid"]

    def name_of(*more):
        (run,) = plan_runs(order("--preset", "demo", *more), load_prepared(prepared))
        assert run.directory.parent == Path("runs")
        return run.directory.name

    name = "speech-dual_level-demo-speaker-seed0"
    assert name_of() == name_of("--gate-norm", "after_sigmoid") == name
    assert name_of(*before) == f"{name}-gate_norm=before_sigmoid"

    quick = ["--fold", "0", "--epochs", "1", "--export", str(tmp_path / "saved")]
    assert main(arguments(prepared, tmp_path, *before, *quick)) == 0
    fold = tmp_path / "fold_0"
    for settings in (
        json.loads((fold / "result.json").read_text())["settings"],
        json.loads((fold / "model" / "config.json").read_text()),
    ):
        assert settings["gate_norm"] == "before_sigmoid"
    model, _ = load_model(fold / "model")
    assert model.get_layer("ds_lstm_1").get_config()["gate_norm"] == "before_sigmoid"


def test_a_setting_of_its_own_becomes_part_of_the_name(prepared):
    def name_of(*more):
        (run,) = plan_runs(order("--preset", "demo", *more), load_prepared(prepared))
        return run.directory.name.removeprefix("speech-dual_level-demo-speaker-seed0")

    assert name_of("--set", "optimiser.learning_rate=3e-4", "network.filters=32,16") == (
        "-filters=32,16-learning_rate=0.0003"
    )
    assert name_of("--learning-rate", "3e-4") == "-learning_rate=0.0003"
    assert name_of("--set", "optimiser.halve_at=") == "-halve_at="
    # What is set to what the preset has already is no difference.
    assert name_of("--set", "optimiser.epochs=16", "--batch-size", "16") == ""


def test_a_folder_of_the_older_name_with_equal_settings_goes_on(prepared, capsys):
    """Epochs and batch size had no place in the name, so its folder holds what is asked for."""
    older = Path("runs/speech-base_1-demo-speaker-seed0")
    small = ["--data", str(prepared), "--preset", "demo", "--batch-size", "8", "--fold", "0"]
    small += ["--variant", "base_1"]
    assert main([*small, "--epochs", "1", "--run-dir", str(older)]) == 0
    capsys.readouterr()
    assert main([*small, "--epochs", "1"]) == 0
    assert "finished before, kept" in capsys.readouterr().out
    assert main([*small, "--epochs", "2"]) == 0
    folders = sorted(path.name for path in Path("runs").iterdir())
    assert folders == [older.name, f"{older.name}-batch_size=8-epochs=2"]


def test_a_field_that_was_not_known_when_a_run_began_is_no_other_setting(prepared, tmp_path):
    small = arguments(prepared, tmp_path, "--fold", "0", "--variant", "base_1")
    assert main(small) == 0
    for name in ("config.json", "fold_0/result.json", "fold_0/model/config.json"):
        content = json.loads((tmp_path / name).read_text())
        settings = content.get("settings", content)
        assert settings.pop("aligned_frames") == 2  # as if it were newer than this run
        (tmp_path / name).write_text(json.dumps(content))
    assert main(small) == 0
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(
        json.dumps(config | {"settings": config["settings"] | {"aligned_frames": 3}})
    )
    assert main(small) == 1


def figures(fold):
    """What a fold found out but for what every process measures anew."""
    result = json.loads((fold / "result.json").read_text())
    for name in ("seconds_per_epoch", "optimistic"):
        result.pop(name)
    return result, (fold / "predictions.csv").read_bytes()


def test_without_its_test_part_a_fold_is_trained_alike_and_tested_later(
    prepared, tmp_path, capsys, monkeypatch
):
    blind, seeing = tmp_path / "blind", tmp_path / "seeing"
    small = ("--variant", "base_1", "--fold", "0")
    read = []
    make_dataset = data.make_dataset
    monkeypatch.setattr(
        data,
        "make_dataset",
        lambda prepared, ids, **how: read.extend(ids) or make_dataset(prepared, ids, **how),
    )
    command = arguments(prepared, blind, *small)
    assert main([*command, "--no-test"]) == 0
    printed = capsys.readouterr().out
    assert "the test part was not read" in printed and "test WA" not in printed
    assert all("anna" not in utterance_id for utterance_id in read)  # fold 0 tests anna
    assert read
    fold = blind / "fold_0"
    result = json.loads((fold / "result.json").read_text())
    assert result["tested"] is False
    assert set(result["validation"]) == {"weighted_accuracy", "unweighted_accuracy", "loss"}
    for name in ("weighted_accuracy", "confusion_matrix", "optimistic", "per_class_recall"):
        assert name not in result
    assert "test" not in result["calibration"]
    assert not (fold / "predictions.csv").exists()
    assert "optimistic" not in (fold / "history.csv").read_text()
    assert json.loads((fold / "model" / "info.json").read_text()).get("weighted_accuracy") is None
    weights = (fold / "model" / "model.weights.h5").read_bytes()

    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "scored now" in printed and "epoch   1 of" not in printed
    cards = sorted(Path("saved_models/blind").glob("*/assets/model_card.md"))
    assert ["not scored" in card.read_text() for card in cards] == [True, False]
    assert (fold / "model" / "model.weights.h5").read_bytes() == weights
    assert main(arguments(prepared, seeing, *small)) == 0
    assert figures(fold) == figures(seeing / "fold_0")
    assert json.loads((fold / "result.json").read_text())["optimistic"] is None
    infos = [json.loads((runs / "fold_0/model/info.json").read_text()) for runs in (blind, seeing)]
    assert infos[0] == infos[1]
    assert main([*command, "--no-test"]) == 0  # what is tested stays tested
    assert json.loads((fold / "result.json").read_text())["tested"] is True


def test_results_say_which_libraries_made_them(prepared, tmp_path):
    assert main(arguments(prepared, tmp_path, "--fold", "0", "--variant", "base_1")) == 0
    versions = json.loads((tmp_path / "fold_0" / "result.json").read_text())["versions"]
    assert versions["keras"] == keras.__version__
    assert versions["python"] == platform.python_version()
    assert {"tensorflow", "numpy", "scikit-learn", "opensmile", "librosa"} <= versions.keys()


def test_other_settings_are_refused_and_nothing_is_lost(prepared, tmp_path, capsys):
    small = arguments(prepared, tmp_path, "--fold", "0", "--variant", "base_1")
    assert main(small) == 0
    before = (tmp_path / "fold_0" / "result.json").read_bytes()
    longer = arguments(prepared, tmp_path, "--fold", "0", "--variant", "base_1", "--epochs", "3")
    assert main(longer) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and "settings.epochs: there 2, here 3" in error
    assert (tmp_path / "fold_0" / "result.json").read_bytes() == before


def test_what_the_folds_share_is_said_and_ends_training_under_speaker(prepared, tmp_path, capsys):
    leaky = shutil.copytree(prepared, tmp_path / "leaky")
    metadata = json.loads((as_format_2(leaky) / "metadata.json").read_text())
    for row in metadata["utterances"][10:20]:  # the same recording, by anna and by ben
        row["audio_sha256"] = "0" * 64
    (leaky / "metadata.json").write_text(json.dumps(metadata))

    small = ("--fold", "0", "--variant", "base_1", "--epochs", "1")
    assert main(arguments(leaky, tmp_path / "runs", *small, "--protocol", "all")) == 1
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1 and "the same recordings are in test and train" in error[0]
    assert not (tmp_path / "runs").exists()

    planned = order(*arguments(leaky, tmp_path, "--protocol", "random"))
    print_audits(plan_runs(planned, load_prepared(leaky)), load_prepared(leaky))
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "recordings" in line]
    assert line.split()[1:3] == ["1", "of"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--fold", "3"], "received --fold 3, expected 0 to 2"),
        (["--data", "nowhere"], "nowhere"),
        (["--data", "."], "metadata.json"),
    ],
)
def test_what_cannot_run_is_one_line_and_exit_code_1(prepared, tmp_path, capsys, more, message):
    assert main(arguments(prepared, tmp_path / "run", *more)) == 1
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1 and error[0].startswith("error: ") and message in error[0]


def test_damaged_records_are_one_line(prepared, tmp_path, capsys):
    damaged = tmp_path / "damaged"
    shutil.copytree(prepared, damaged)
    for shard in damaged.glob("*.tfrecord"):
        content = bytearray(shard.read_bytes())
        content[len(content) // 2] ^= 1
        shard.write_bytes(content)
    assert main(arguments(damaged, tmp_path / "run", "--variant", "base_1", "--fold", "0")) == 1
    (error,) = capsys.readouterr().err.strip().splitlines()
    assert error.startswith(f"error: {damaged}: the records are damaged")


@pytest.mark.parametrize(
    "wrong",
    [
        ["--fold", "x"],
        ["--epochs", "0"],
        ["--seed", "-1"],
        ["--seed", str(2**31)],
        ["--batch-size", "4"],
        ["--learning-rate", "-1"],
        ["--variant", "all", "--gate-norm", "before_sigmoid"],
        ["--variant", "base_1", "base_2", "--export", "saved"],
    ],
)
def test_wrong_usage_exits_with_2(wrong, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(wrong)
    assert stopped.value.code == 2
    assert "expected" in capsys.readouterr().err


def start_and_signal(arguments, line_start, signal_number):
    """Train in a process of its own; send it a signal at a line of its output."""
    process = start(arguments, line_start)
    process.send_signal(signal_number)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def test_ctrl_c_stops_tidily(prepared, tmp_path):
    endless = arguments(prepared, tmp_path, "--variant", "base_1", "--epochs", "500")
    code, errors = start_and_signal(endless, "epoch   2", signal.SIGINT)
    assert code == 1
    assert "stopped: finished epochs are kept" in errors
    assert "Traceback" not in errors
    assert not list(tmp_path.rglob("result.json"))


def without_seconds(fold):
    """What a fold found out: result.json and history.csv but for the times, and predictions.csv."""
    result = json.loads((fold / "result.json").read_text())
    history = list(csv.DictReader((fold / "history.csv").read_text().splitlines()))
    assert result.pop("seconds_per_epoch") > 0
    assert all(float(row.pop("seconds")) > 0 for row in history)
    return result, history, (fold / "predictions.csv").read_bytes()


def test_kill_9_loses_at_most_the_epoch_under_way(prepared, tmp_path, capsys):
    small = ("--variant", "base_1", "--fold", "0", "--epochs", "8")
    fold = "fold_0"
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    code, _ = start_and_signal(arguments(prepared, killed, *small), "epoch   3", signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert not (killed / fold / "result.json").exists()

    export = ["--export", str(tmp_path / "saved")]
    assert main([*arguments(prepared, killed, *small), *export]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "goes on after" in line]
    assert 3 <= int(line.split()[4]) < 8
    assert main([*arguments(prepared, whole, *small), *export]) == 0
    assert "goes on after" not in capsys.readouterr().out
    assert without_seconds(killed / fold) == without_seconds(whole / fold)
    names = [sorted(path.name for path in (runs / fold).iterdir()) for runs in (killed, whole)]
    assert names[0] == names[1]  # nor is anything left: no checkpoint, no half files
    assert "checkpoint.npz" not in names[0]
    events = EventAccumulator(str(killed / fold / "validation")).Reload()
    steps = {event.step for event in events.Tensors("epoch_unweighted_accuracy")}
    assert steps == set(range(1, 9))


def test_a_long_grid_frees_its_memory_by_starting_the_process_again(prepared, tmp_path):
    grid = ["--fold", "0", "--epochs", "1", "--variant", "base_1", "--repeats", "2"]
    one_each = TINY.replace("commands.train import main", "commands import train")
    one_each = one_each.replace(
        "sys.exit(main", "train.TRAININGS_A_PROCESS = 1\nsys.exit(train.main"
    )
    command = [sys.executable, "-c", one_each, *arguments(prepared, tmp_path, *grid)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    results = [json.loads(path.read_text()) for path in tmp_path.rglob("result.json")]
    assert {result["seed"] for result in results} == {0, 1}
    assert done.stdout.count("finished before, kept") == 1
    assert done.stdout.count("best epoch on test") == 1
    assert "retracing" not in done.stderr
