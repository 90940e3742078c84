"""What `pip install` promises: commands that work in any folder, and a wheel that is whole."""

import configparser
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parents[1]
PACKAGES = ("data_pipeline", "ser_keras")


@pytest.mark.parametrize("command", [["ser"], ["ser-data"], ["ser", "train"]], ids=" ".join)
def test_installed_commands_start_in_any_folder(command, tmp_path):
    script = Path(sys.executable).with_name(command[0])
    done = subprocess.run(
        [script, *command[1:], "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage:")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel that is built from a copy of the tree."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "LICENSE-model.md"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*command, "--wheel-dir", str(out), str(source)], check=True)
    (found,) = out.glob("*.whl")
    return found


def test_the_wheel_holds_types_stubs_styles_the_model_and_nothing_beside_the_packages(wheel):
    with zipfile.ZipFile(wheel) as file:
        wheel_names = set(file.namelist())
    for package in PACKAGES:
        expected = {
            str(path.relative_to(ROOT))
            for suffix in ("*.py", "*.pyi", "py.typed", "*.css")
            for path in (ROOT / package).rglob(suffix)
        }
        model = (ROOT / package / "shipped").rglob("*")
        expected |= {str(path.relative_to(ROOT)) for path in model if path.is_file()}
        assert expected - wheel_names == set()
        assert f"{package}/py.typed" in wheel_names
        assert any(name.endswith("__init__.pyi") for name in expected)
    top = {name.split("/")[0] for name in wheel_names if ".dist-info" not in name}
    assert top == set(PACKAGES)
    assert {Path(n).name for n in wheel_names if "/licenses/" in n} == {
        "LICENSE",
        "LICENSE-model.md",
    }


def test_an_installed_wheel_answers_a_recording_without_any_training(wheel, tmp_path):
    installed = tmp_path / "site-packages"
    with zipfile.ZipFile(wheel) as file:
        file.extractall(installed)
    time = np.arange(16000) / 16000
    tone = 0.1 * np.sin(2 * np.pi * 180 * time) * (1 + np.sin(2 * np.pi * 4 * time))
    soundfile.write(tmp_path / "speech.wav", tone, 16000)
    program = (
        "import sys, ser_keras.__main__ as m; print(m.__file__); sys.exit(m.main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "predict", "speech.wav"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    where, answer, *_ = done.stdout.splitlines()
    assert Path(where).is_relative_to(installed)
    assert answer.startswith("speech.wav")


@pytest.mark.parametrize("command", ["ser", "ser-data"])
def test_the_version_is_that_of_the_one_place(command):
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    script = Path(sys.executable).with_name(command)
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"dual-sequence-ser {settings['metadata']['version']}\n"
