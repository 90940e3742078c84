"""What each package offers by name is there, and is not imported before it is asked for."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FACES = ("layers", "models", "graph", "export", "predict", "predict.timeline")


@pytest.mark.parametrize("name", FACES)
def test_every_name_that_a_face_offers_is_there(name):
    face = import_module(f"ser_keras.{name}")
    assert face.__all__
    for offered in face.__all__:
        assert getattr(face, offered) is not None


def imported_by(program):
    """Which of the heavy libraries a Python program has imported at its end."""
    heavy = ("tensorflow", "keras", "librosa", "sklearn")
    program += f"; import sys; print(*(name for name in {heavy} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("name", FACES)
def test_a_face_imports_no_library(name):
    assert imported_by(f"import ser_keras.{name}") == []


def test_finding_the_versions_of_an_export_needs_no_tensorflow():
    assert imported_by("from ser_keras.graph import saved_versions, read_info") == []


def test_what_a_face_gives_is_the_thing_itself():
    from ser_keras.layers import DSLSTM
    from ser_keras.layers.ds_lstm import DSLSTM as itself

    assert DSLSTM is itself
