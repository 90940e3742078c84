"""`evaluate` and `train.py --init` on made-up speech: the whole way, and what is refused."""

import json

import numpy as np
import pytest
from made_speech import TINY_SETTINGS, prepare_speech
from made_speech import arguments as of_made_speech

from data_pipeline.__main__ import main as data_main
from data_pipeline.records.prepared import load_prepared
from ser_keras.__main__ import main as ser
from ser_keras.commands.evaluation import model_logits
from ser_keras.commands.train import main
from ser_keras.runs.files import read_predictions
from ser_keras.settings import PRESETS
from ser_keras.training.initialising import start_from
from ser_keras.training.model_files import build_from
from ser_keras.training.trained import open_trained


@pytest.fixture(scope="module")
def tiny():
    """The demo preset with a network that is quick to train."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "demo", PRESETS["demo"].with_values(TINY_SETTINGS))
        yield


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """Two prepared corpora of other recordings; a third has an emotion more."""
    folder = tmp_path_factory.mktemp("speech")
    for name, seed in (("mine", 0), ("yours", 1)):
        (folder / name).mkdir()
        prepare_speech(folder / name, seed)
    table = (
        (folder / "yours" / "speech.csv").read_text().replace("cem_00.wav,angry", "cem_00.wav,calm")
    )
    (folder / "yours" / "calm.csv").write_text(table.replace(",cem", ",dora"))
    assert prepare(folder / "yours" / "calm.csv", folder / "calm") == 0
    assert prepare(folder / "yours" / "speech.csv", folder / "other", "--name", "other") == 0
    return folder


def arguments(data, runs, *more):
    """Options of a quick training of a system that has no DS-LSTM to wait for."""
    return of_made_speech(data, runs, *more, "--variant", "base_6")


def prepare(table, out, *more):
    command = ["prepare", "--corpus", "manifest", "--root", table, "--out", out, *more]
    return data_main([*map(str, command), "--workers", "1"])


@pytest.fixture(scope="module")
def trained(speech, tiny, tmp_path_factory):
    """A run of fold 0, which tests anna, and its export."""
    folder = tmp_path_factory.mktemp("trained")
    options = arguments(speech / "mine" / "prepared", folder / "run", "--fold", "0")
    assert main([*options, "--export", str(folder / "saved" / "best")]) == 0
    return folder


def evaluate(model, data, run_dir, *more):
    command = ["evaluate", "--model", model, "--data", data, "--run-dir", run_dir, *more]
    return ser(list(map(str, command)))


def result_of(run_dir):
    return json.loads((run_dir / "fold_0" / "result.json").read_text())


def only_error(capsys):
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    return line


def test_an_export_is_the_model_of_its_run(trained, speech):
    run, export = open_trained(trained / "run" / "fold_0"), open_trained(trained / "saved" / "best")
    assert export.weights_sha256 == run.weights_sha256
    assert export.heard == run.heard and export.settings == run.settings
    prepared = load_prepared(speech / "other")
    rows = prepared.utterances[:9]
    logits = [model_logits(one, prepared, rows) for one in (run, export)]
    np.testing.assert_array_equal(*logits)


def test_its_own_corpus_is_told_apart_by_what_it_heard(trained, speech, tmp_path, capsys):
    assert evaluate(trained / "run", speech / "mine" / "prepared", tmp_path / "e") == 0
    printed = capsys.readouterr().out
    result = result_of(tmp_path / "e")
    trained_result = result_of(trained / "run")
    scores = result["heard"]["scores"]
    assert {kind: s["utterances"] for kind, s in scores.items()} == {"no": 12, "recording": 24}
    assert "12 recordings and voices that it has never heard" in printed
    # What it never heard is its test part, on which it scores what training said.
    for name in ("weighted_accuracy", "confusion_matrix"):
        assert scores["no"][name] == trained_result[name]
    assert (result["trained_on"], result["tested_on"]) == (["speech"], ["speech"])
    part = read_predictions(tmp_path / "e" / "fold_0" / "predictions.csv")
    anna = {
        kind for kind, s in zip(part.groups["heard"], part.speakers, strict=True) if s == "anna"
    }
    assert anna == {"no"}


def test_a_stranger_corpus_with_another_emotion_is_scored_and_reported(
    trained, speech, tmp_path, capsys
):
    run = tmp_path / "e"
    assert evaluate(trained / "saved" / "best", speech / "calm", run) == 0
    printed = capsys.readouterr().out
    assert "left out: 1 utterances of calm, which the model does not know" in printed
    result = result_of(run)
    assert result["left_out"] == {"calm": 1} and result["utterances"]["test"] == 35
    assert result["protocol"] == "evaluate"
    assert "  calibration: " in printed and "never heard" in printed
    assert evaluate(trained / "saved" / "best", speech / "calm", run) == 0  # the same again
    assert evaluate(trained / "saved" / "best", speech / "other", run) == 1
    assert "holds a run with other settings" in only_error(capsys)
    out = tmp_path / "report"
    assert ser(["report", str(run), str(trained / "run"), "--out", str(out)]) == 0
    text = (out / "report.md").read_text()
    assert "### Calibration" in text and "| best | 35 |" in text
    assert "## Trained models on calm" in text and "| best | speech | never heard | 35 |" in text


def test_other_features_and_no_common_emotion_are_one_line(trained, speech, tmp_path, capsys):
    table = speech / "yours" / "speech.csv"
    assert prepare(table, tmp_path / "wide", "--n-fft", "128", "256") == 0
    capsys.readouterr()
    assert evaluate(trained / "run", tmp_path / "wide", tmp_path / "e") == 1
    error = only_error(capsys)
    assert "spectrograms of 128 and 256 points, expected those of the model" in error
    assert error.endswith("with --mfcc opensmile --n-fft 256 512")
    renamed = ("--map", "angry=happy", "sad=calm")
    assert prepare(table, tmp_path / "renamed", *renamed) == 0
    capsys.readouterr()
    assert evaluate(trained / "run", tmp_path / "renamed", tmp_path / "e") == 1
    assert "expected one in common: prepare the corpus with --map" in only_error(capsys)
    assert evaluate(tmp_path, speech / "other", tmp_path / "e") == 1
    assert "no finished fold there" in only_error(capsys)
    assert not (tmp_path / "e").exists()


# --- --init ---


def test_training_goes_on_from_an_export_and_says_so(trained, speech, tmp_path, capsys):
    saved, runs = trained / "saved" / "best", tmp_path / "tuned"
    options = arguments(speech / "other", runs, "--fold", "1", "--epochs", "1")
    assert main([*options, "--init", str(saved), "--export", str(tmp_path / "next")]) == 0
    assert "begins with best: heads kept, statistics kept" in capsys.readouterr().out
    config = json.loads((runs / "config.json").read_text())
    weights = open_trained(saved).weights_sha256
    assert config["init"] == {
        **{"model": "best", "weights_sha256": weights, "heads": "kept", "statistics": "kept"}
    }
    result = json.loads((runs / "fold_1" / "result.json").read_text())
    assert result["heard_by_init"] == {"recordings": 0, "voices": 0}
    assert result["trained_on"] == ["other", "speech"]
    tuned = open_trained(tmp_path / "next")
    assert len(tuned.heard) == 2 and tuned.info.num_frames == open_trained(saved).info.num_frames
    # It has heard what both have.
    assert evaluate(tmp_path / "next", speech / "mine" / "prepared", tmp_path / "e") == 0
    assert result_of(tmp_path / "e")["heard"]["scores"]["recording"]["utterances"] == 24
    # Another beginning is another run.
    assert main(options) == 1
    assert "init: there" in only_error(capsys)


def test_recordings_that_the_first_model_heard_may_not_be_tested(trained, speech, tmp_path, capsys):
    own = ("--init", str(trained / "run"))
    data, run = speech / "mine" / "prepared", tmp_path / "r"
    assert main(arguments(data, run, *own, "--fold", "1")) == 1
    error = only_error(capsys)
    assert "was trained on 12 recordings of the test part of fold 1" in error
    assert "expected none under the protocol speaker" in error and "ben_0" in error
    assert not (tmp_path / "r").exists()
    quick = ("--protocol", "random", "--fold", "0", "--epochs", "1")
    assert main(arguments(data, run, *own, *quick)) == 0
    result = json.loads((tmp_path / "r" / "fold_0" / "result.json").read_text())
    assert result["heard_by_init"]["recordings"] > 0


def test_other_emotions_get_new_heads(trained, speech, tmp_path, capsys):
    saved = str(trained / "saved" / "best")
    own = ("--init", saved, "--init-statistics", "new", "--fold", "0", "--epochs", "1")
    data = prepare_three_emotions(speech)
    assert main(arguments(data, tmp_path / "r", *own, "--protocol", "random")) == 0
    assert "heads new, statistics new" in capsys.readouterr().out
    tuned = open_trained(tmp_path / "r" / "fold_0")
    assert tuned.info.emotions == ("angry", "calm", "sad")
    assert tuned.model.get_layer("mfcc_logits").kernel.shape[-1] == 3


def prepare_three_emotions(speech):
    """The second corpus, a third of its recordings calm."""
    first, *lines = (speech / "yours" / "speech.csv").read_text().splitlines()
    calm = [line.replace("angry", "calm") if n % 4 == 0 else line for n, line in enumerate(lines)]
    table = speech / "yours" / "three.csv"
    table.write_text("\n".join([first, *calm]))
    assert prepare(table, speech / "three") == 0
    return speech / "three"


def test_another_network_or_variant_is_refused(trained, speech, tmp_path, capsys):
    options = arguments(speech / "other", tmp_path / "r", "--init", str(trained / "run"))
    assert main([*options, "--variant", "base_1"]) == 1
    assert "is a base_6, received --variant base_1" in only_error(capsys)
    assert main([*options, "--set", "network.units=9"]) == 1
    assert "network.units is 8 there, 9 here" in only_error(capsys)


@pytest.mark.parametrize("statistics", ["kept", "new"])
def test_what_is_new_and_what_is_kept(trained, statistics):
    first = open_trained(trained / "run" / "fold_0")
    model = build_from(first.info, first.settings.network)
    before = [variable.numpy() for variable in model.weights]
    start_from(model, first, heads="new", statistics=statistics)
    kept = {"head": [], "statistics": [], "other": []}
    for old, variable, known in zip(before, model.weights, first.model.weights, strict=True):
        is_statistic = variable.name in ("moving_mean", "moving_variance")
        kind = "statistics" if is_statistic else "head" if "_logits" in variable.path else "other"
        kept[kind].append(np.array_equal(variable.numpy(), known.numpy()))
        if not kept[kind][-1]:
            np.testing.assert_array_equal(variable.numpy(), old)
    assert len(kept["head"]) == 4 and not all(kept["head"])
    assert all(kept["other"])
    assert all(kept["statistics"]) == (statistics == "kept")
