"""The room's face: what it offers is there, and a name costs no library that it does not need."""

import subprocess
import sys
from pathlib import Path

from data_pipeline import audio

ROOT = Path(__file__).parents[3]
SCRIPT = """
import sys
from data_pipeline.audio import NAME
assert callable(NAME)
print(sorted({"tensorflow", "tensorflow_io", "librosa", "opensmile"} & sys.modules.keys()))
"""


def test_every_name_that_is_offered_is_there():
    stub = (ROOT / "data_pipeline" / "audio" / "__init__.pyi").read_text()
    assert set(audio.__all__) == set(dir(audio))
    for name in audio.__all__:
        assert getattr(audio, name) is not None
        assert f'    "{name}",\n' in stub and f"import {name} as {name}\n" in stub


def test_importing_one_name_imports_neither_tensorflow_nor_librosa():
    script = SCRIPT.replace("NAME", "load_waveform")
    command = [sys.executable, "-c", script]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
