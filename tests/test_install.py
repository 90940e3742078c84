"""What `pip install` promises: the commands work from any folder."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("command", ["ser", "ser-data"])
def test_installed_commands_start_in_any_folder(command, tmp_path):
    script = Path(sys.executable).with_name(command)
    done = subprocess.run([script, "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage:")
