"""Where exports go: versions are of one run's model, and nothing of anybody else's is touched."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_keras.__main__ import main
from ser_keras.commands.export import export_fold
from ser_keras.errors import SerError
from ser_keras.export.place import check_export_place, export_place
from ser_keras.graph.layout import INFO_PATH, read_info, saved_versions
from ser_keras.models.variants import build_model, input_names
from ser_keras.predict.served_model import ServedModel
from ser_keras.runs.config import RunConfig
from ser_keras.runs.files import write_json
from ser_keras.settings import Network, Settings
from ser_keras.training.model_files import save_model

ROOT = Path(__file__).parents[3]
SETTINGS = Settings(network=Network(units=2, filters=(2, 2)))
NOISE = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
# Names that are patterns of names to TensorFlow, and one that is no text.
NO_TEXT = os.fsdecode(b"Aufnahmen_M\xfcller")
STRANGE = ["run[1]", "a]b", "what?*", "back\\slash", "[a-b]{1,2}", NO_TEXT]


def config_of(data_key, emotions):
    return RunConfig(
        data_key=data_key,
        corpus="manifest",
        emotions=emotions,
        label_map={emotion: emotion for emotion in emotions},
        subset="",
        features={"sample_rate": 16000, "mfcc": "tensorflow", "n_fft": [256, 512]},
        group_by="speaker",
        protocol="speaker",
        selection="validation",
        variant="base_6",
        preset="demo",
        settings=SETTINGS,
        seed=0,
        folds_key=f"folds of {data_key}",
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory, tiny_info):
    """Two runs of one name in two folders: other corpora, both called `manifest`."""
    made = {}
    for data_key, emotions in [("first", ("angry", "sad")), ("second", ("fear", "sad"))]:
        run_dir = tmp_path_factory.mktemp(data_key) / "run1"
        config = config_of(data_key, emotions)
        info = replace(
            tiny_info,
            variant="base_6",
            emotions=emotions,
            inputs=input_names("base_6"),
            num_frames=(24, 24),
            fold=0,
            corpus="manifest",
            temperature=1.5 if data_key == "first" else 1.25,
        )
        model = build_model("base_6", SETTINGS.network, 2, num_frames=(24, 24))
        save_model(model, SETTINGS, info, run_dir / "fold_0/model")
        write_json(run_dir / "config.json", config.to_json())
        write_json(run_dir / "fold_0/result.json", config.to_json() | {"fold": 0})
        made[data_key] = (run_dir, config)
    return made


@pytest.fixture(scope="module")
def exported(runs, tmp_path_factory):
    """The export of the first run; not to be written to."""
    return export_fold(runs["first"][0] / "fold_0", tmp_path_factory.mktemp("exported") / "run1")


@pytest.fixture
def saved(exported, tmp_path):
    """A copy of the folder of this export, `run1`."""
    return shutil.copytree(exported.parent, tmp_path / "run1")


def test_an_export_says_which_run_made_it_and_gets_a_version_of_the_same(runs, saved):
    assert read_info(saved / "1").run == runs["first"][1].as_read_back()
    assert export_fold(runs["first"][0] / "fold_0", saved).name == "2"


def test_a_version_is_only_added_to_a_model_of_the_same_run(runs, saved, capsys):
    with pytest.raises(SerError, match="run1/1: holds a model .* that another run made"):
        export_fold(runs["second"][0] / "fold_0", saved)
    assert main(["export", str(runs["second"][0]), "--out", str(saved)]) == 1
    error = capsys.readouterr().err
    assert "another run made" in error and error.count("\n") == 1
    assert [path.name for path in saved.iterdir() if path.is_dir()] == ["1"]
    assert ServedModel(saved).emotions == ("angry", "sad")


def made_by_run(directory, config, run_dir):
    """Whether there is a model in a folder that the run may add a version to."""
    try:
        check_export_place(directory, config, run_dir)
    except SerError:
        return False
    return bool(saved_versions(directory))


def test_each_run_has_a_default_place_that_stays(runs, saved):
    (first, config), (second, other) = runs["first"], runs["second"]

    def place(config, run_dir):
        return export_place("run1", config, run_dir, root=saved.parent)

    assert place(config, first) == saved and made_by_run(saved, config, first)
    elsewhere = place(other, second)
    assert elsewhere.parent == saved.parent and elsewhere.name.startswith("run1-")
    assert not made_by_run(saved, other, second)
    assert not made_by_run(elsewhere, other, second)  # not yet
    export_fold(second / "fold_0", elsewhere)
    assert made_by_run(elsewhere, other, second)
    assert (place(config, first), place(other, second)) == (saved, elsewhere)
    assert ServedModel(elsewhere).emotions == ("fear", "sad")


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"data_key": "x"}, {"folds_key": "x"}, {"preset": "paper"}]
)
def test_any_difference_of_the_configuration_is_another_run(runs, saved, change):
    run_dir, config = runs["first"]
    check_export_place(saved, config, run_dir)
    with pytest.raises(SerError, match="another run made"):
        check_export_place(saved, replace(config, **change), run_dir)


def test_what_an_older_export_did_not_know_is_no_difference(runs, saved):
    run_dir, config = runs["first"]
    check_export_place(saved, replace(config, recordings_key="known now"), run_dir)


def test_a_run_keeps_its_place_when_its_letters_change(runs, saved):
    """A newer version has other letters for the same configuration."""
    run_dir, config = runs["first"]
    place = saved.rename(saved.with_name("run1-01234567"))
    (place.parent / "run1").write_text("mine")
    (place.parent / "run1-89abcdef").mkdir()
    assert export_place("run1", config, run_dir, place.parent) == place


def test_an_export_from_before_is_known_by_the_models_of_the_run(runs, saved):
    """Exports of earlier versions do not say which run made them."""
    (first, config), (second, other) = runs["first"], runs["second"]
    path = saved / "1" / INFO_PATH
    content = json.loads(path.read_text())
    del content["run"]
    # It was exported before its test part was scored.
    path.write_text(json.dumps(content | {"weighted_accuracy": None}))
    assert made_by_run(saved, config, first)
    with pytest.raises(SerError, match="that does not say which run made it"):
        check_export_place(saved, other, second)
    assert export_fold(first / "fold_0", saved).name == "2"


def test_a_version_whose_maker_cannot_be_read_is_named(runs, saved):
    run_dir, config = runs["first"]
    (saved / "1" / INFO_PATH).write_text("{")
    with pytest.raises(SerError, match="info.json: missing or damaged.*; remove this version, or"):
        check_export_place(saved, config, run_dir)


def test_somebodys_files_are_no_place_for_an_export(runs, tmp_path):
    run_dir, config = runs["first"]
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "recording.wav").write_bytes(b"mine")
    for check in (
        lambda: check_export_place(tmp_path, config, run_dir),
        lambda: export_fold(run_dir / "fold_0", tmp_path),
    ):
        with pytest.raises(SerError, match="holds 1, which no export wrote"):
            check()
    assert [path.name for path in tmp_path.iterdir()] == ["1"]
    assert export_place(tmp_path.name, config, run_dir, tmp_path.parent) != tmp_path
    (tmp_path / "file").write_text("mine")
    for name in ("file", "file/below"):
        with pytest.raises(SerError, match="export to another folder"):
            check_export_place(tmp_path / name, config, run_dir)


def test_settings_of_a_server_alone_are_no_strangers(runs, tmp_path):
    run_dir, config = runs["first"]
    (tmp_path / "models.config").write_text("mine")
    (tmp_path / ".DS_Store").touch()
    check_export_place(tmp_path, config, run_dir)
    export_fold(run_dir / "fold_0", tmp_path)
    assert (tmp_path / "models.config").read_text() == "mine"


def test_a_folder_that_may_not_be_written_to_is_refused_before(runs):
    config = runs["first"][1]
    user = os.geteuid()
    # Not in tmp_path: nobody may not even look into the folders above it.
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o555)
        if user == 0:
            os.seteuid(65534)
        try:
            with pytest.raises(SerError, match="may not be written to"):
                check_export_place(Path(name) / "run1", config, Path(name) / "run")
        finally:
            os.seteuid(user)
        Path(name).chmod(0o700)


@pytest.mark.parametrize("name", STRANGE)
def test_a_model_is_loaded_from_a_folder_of_any_name(tiny_saved_model, tmp_path, name):
    shutil.copytree(tiny_saved_model, tmp_path / name / "1")
    [answer] = ServedModel(tmp_path / name).answers([NOISE])
    assert answer.emotion and not answer.error


def test_export_and_predict_take_any_name(runs, tmp_path, capsys):
    recording = tmp_path / "a.wav"
    soundfile.write(recording, NOISE, 16000)
    out = tmp_path / "run[1]*" / NO_TEXT
    assert main(["export", str(runs["first"][0]), "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["1"]
    assert main(["predict", "--model", str(out), str(recording)]) == 0
    assert capsys.readouterr().err == ""


def test_a_disk_that_is_full_is_one_line_and_leaves_nothing(runs, tmp_path):
    """Files may not grow beyond 20 kB: a real write fails."""
    script = (
        "import resource, signal, sys;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000));"
        "from ser_keras.__main__ import main;"
        "sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", script, "export", str(runs["first"][0])]
    command += ["--out", str(tmp_path / "saved")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    [line] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert line.startswith(f"error: {tmp_path / 'saved'}: cannot write a SavedModel there (")
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "saved").iterdir()) == []
