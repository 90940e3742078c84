"""`make` finds a Python that fits, whatever the names on the PATH lead to."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMES = ("python3", "python3.11", "python3.12", "python3.13")
BROKEN = "#!/bin/sh\necho 'this version is not installed' >&2\nexit 127\n"

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def planned(tmp_path):
    """What `make -n` would do, where each name but `good` leads to no Python."""
    for name in ("Makefile", "setup.cfg", "constraints.txt", "constraints-newest.txt"):
        shutil.copy(ROOT / name, tmp_path)
    names = tmp_path / "names"
    names.mkdir()

    # What a `make` that runs the tests hands down.
    handed_down = ("NEWEST", "PYTHON", "MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL")
    plain = {name: value for name, value in os.environ.items() if name not in handed_down}

    def plan(*arguments, good=None):
        for name in NAMES:
            works = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
            (names / name).write_text(works if name == good else BROKEN)
            (names / name).chmod(0o755)
        return subprocess.run(
            [shutil.which("make"), "-n", *arguments, "lint"],
            cwd=tmp_path,
            env=plain | {"PATH": f"{names}{os.pathsep}/bin"},
            capture_output=True,
            text=True,
            check=False,
        )

    return plan


def test_a_name_that_leads_to_nothing_is_passed_over(planned):
    done = planned(good="python3.12")
    assert done.returncode == 0, done.stderr
    newest = "-newest" if sys.version_info >= (3, 13) else ""
    assert f"python3.12 -m venv .venv{newest}\n" in done.stdout
    assert f"--constraint constraints{newest}.txt" in done.stdout


def test_the_newest_set_has_an_environment_of_its_own(planned):
    done = planned("NEWEST=1", good="python3")
    assert "python3 -m venv .venv-newest\n" in done.stdout
    assert ".venv-newest/bin/mypy" in done.stdout


def test_a_python_that_is_named_is_the_only_one_tried(planned):
    done = planned("PYTHON=python3.11", good="python3.12")
    assert 'test -n ""' in done.stdout and "looked for python3.11," in done.stdout


def test_where_there_is_none_it_is_said_what_was_looked_for(planned):
    done = planned()
    assert f"looked for {' '.join(NAMES)}, expected a Python 3.11 to 3.13" in done.stdout
