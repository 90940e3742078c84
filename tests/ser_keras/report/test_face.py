"""The room's face: what it offers is there, and a name costs no library that it does not need."""

import subprocess
import sys
from pathlib import Path

from ser_keras import report

ROOT = Path(__file__).parents[3]
SCRIPT = """
import sys
from ser_keras.report import write_report
assert callable(write_report)
print(sorted({"tensorflow", "keras", "librosa", "sklearn", "matplotlib"} & sys.modules.keys()))
"""


def test_every_name_that_is_offered_is_there():
    assert report.__all__ and set(report.__all__) == set(dir(report))
    for name in report.__all__:
        assert getattr(report, name).__name__ == name


def test_importing_a_name_imports_neither_tensorflow_nor_matplotlib():
    command = [sys.executable, "-c", SCRIPT]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
