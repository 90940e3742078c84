"""Keras's own settings decide nothing: they are set, or refused in one line."""

import json
import os
import subprocess
import sys

import keras
import pytest

from ser_keras.engine import RELIED_ON, check_engine
from ser_keras.errors import SerError
from ser_keras.models.variants import build_model
from ser_keras.settings import Network

OTHERS = {"floatx": "float64", "image_data_format": "channels_first", "epsilon": 1e-3}
TOLD = f"""
from ser_keras.engine import use_engine
use_engine()
import keras
names = {tuple(RELIED_ON)}
print([getattr(keras.config, name)() for name in names], keras.config.dtype_policy().name,
      keras.config.max_epochs(), keras.config.max_steps_per_epoch())
"""


def ran(arguments, tmp_path, configuration=None, **variables):
    """A process with a configuration of Keras of its own."""
    (tmp_path / "keras.json").write_text(json.dumps(configuration or {}))
    names = ("KERAS_BACKEND", "KERAS_HOME")
    plain = {name: value for name, value in os.environ.items() if name not in names}
    return subprocess.run(
        [sys.executable, *arguments],
        env=plain | {"KERAS_HOME": str(tmp_path)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_configuration_of_the_users_own_changes_nothing(tmp_path):
    limits = {"KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "1"}
    plain = ran(["-c", TOLD], tmp_path)
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout == ran(["-c", TOLD], tmp_path, OTHERS, **limits).stdout
    assert plain.stdout.strip().endswith("float32 None None")


@pytest.mark.parametrize(
    "program",
    [
        ["-m", "ser_keras", "predict", "speech.wav"],
        ["-m", "ser_keras", "adapt", "speech.wav", "--out", "anna.json"],
        ["-m", "ser_keras", "train", "--data", "nowhere"],
        ["train.py", "--data", "nowhere"],
    ],
    ids=" ".join,
)
def test_another_engine_is_one_line(program, tmp_path):
    done = ran(program, tmp_path, KERAS_BACKEND="jax")
    assert done.returncode == 1
    assert "received jax as Keras's engine (KERAS_BACKEND)" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_engine_of_the_configuration_is_refused_and_a_variable_helps(tmp_path):
    done = ran(["-c", TOLD], tmp_path, {"backend": "torch"})
    assert f"received torch as Keras's engine ({tmp_path}/keras.json)" in done.stderr
    helped = ran(["-c", TOLD], tmp_path, {"backend": "torch"}, KERAS_BACKEND="tensorflow")
    assert helped.returncode == 0, helped.stderr


def test_a_configuration_that_keras_cannot_read_is_one_line(tmp_path):
    done = ran(["-m", "ser_keras", "predict", "speech.wav"], tmp_path, {"floatx": "float31"})
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and "float31" in done.stderr


@pytest.mark.parametrize("name", RELIED_ON)
def test_no_model_is_built_under_another_setting(name):
    change = getattr(keras.config, f"set_{name}")
    change(OTHERS[name])
    try:
        with pytest.raises(SerError, match=f"received {name}="):
            build_model("base_1", Network(), 4, (60, 30))
    finally:
        change(RELIED_ON[name])
    check_engine()
