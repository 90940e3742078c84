"""What `pip install` promises: commands that work in any folder, and a wheel that is whole."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

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
def wheel_names(tmp_path_factory):
    """Names of the files in a wheel that is built from a copy of the tree."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*command, "--wheel-dir", str(out), str(source)], check=True)
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        return set(file.namelist())


def test_the_wheel_holds_types_stubs_and_styles_and_nothing_beside_the_packages(wheel_names):
    for package in PACKAGES:
        expected = {
            str(path.relative_to(ROOT))
            for suffix in ("*.py", "*.pyi", "py.typed", "*.css")
            for path in (ROOT / package).rglob(suffix)
        }
        assert expected - wheel_names == set()
        assert f"{package}/py.typed" in wheel_names
        assert any(name.endswith("__init__.pyi") for name in expected)
    top = {name.split("/")[0] for name in wheel_names if ".dist-info" not in name}
    assert top == set(PACKAGES)
