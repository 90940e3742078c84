"""The faces of the packages: every name is there, and asking for one brings what it needs alone."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STUBS = sorted(
    stub for package in ("data_pipeline", "ser_keras") for stub in (ROOT / package).rglob("*.pyi")
)
FACES = [".".join(stub.relative_to(ROOT).parts[:-1]) for stub in STUBS]
HEAVY = ("tensorflow", "tensorflow_io", "keras", "librosa", "opensmile", "sklearn", "matplotlib")


def imported_by(code):
    """Which of the heavy libraries a program has imported at its end."""
    code = f"{code}\nimport sys; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_every_package_but_the_commands_has_a_face():
    packages = {
        ".".join(path.relative_to(ROOT).parts[:-1])
        for package in ("data_pipeline", "ser_keras")
        for path in (ROOT / package).rglob("__init__.py")
    }
    assert packages - set(FACES) == {"data_pipeline.commands", "ser_keras.commands"}


@pytest.mark.parametrize("stub", STUBS, ids=FACES)
def test_every_name_of_a_face_is_there_and_is_no_module(stub):
    face = importlib.import_module(FACES[STUBS.index(stub)])
    listed = [n.name for i in ast.parse(stub.read_text()).body for n in getattr(i, "names", [])]
    assert sorted(listed) == sorted(face.__all__)
    for name in face.__all__:
        assert not isinstance(getattr(face, name), type(sys)), name
    assert set(face.__all__) <= set(dir(face))


def test_importing_every_face_imports_no_library():
    assert imported_by(f"import {', '.join(FACES)}") == set()


@pytest.mark.parametrize(
    ("code", "needed"),
    [
        ("from data_pipeline import load_waveform", set()),
        ("from data_pipeline import load_prepared, read_corpus", set()),
        ("from data_pipeline import assign_folds, audit", {"sklearn"}),
        ("from data_pipeline.features import mel_spectrogram, opensmile_mfcc", set()),
        ("from data_pipeline.records import load_prepared, prepare, read_again", set()),
        ("from data_pipeline.records.shard import write_shard", set()),
        # What a worker of `prepare` runs.
        ("from data_pipeline.records.extracting import _extract_chunk", set()),
        ("from ser_keras import ModelInfo, Settings", set()),
        ("from ser_keras.graph import read_info, saved_versions", set()),
        ("from ser_keras.runs import RunConfig, read_predictions", set()),
        ("from ser_keras.scores import score_predictions", set()),
        ("from ser_keras.report import make_report, read_runs", set()),
    ],
)
def test_a_name_brings_what_it_needs_alone(code, needed):
    assert imported_by(code) == needed


def test_what_a_face_gives_is_the_thing_itself():
    from ser_keras import DSLSTM
    from ser_keras.layers.ds_lstm import DSLSTM as itself

    assert DSLSTM is itself
