"""Help and usage errors do not wait: nothing heavy is imported before a command runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from data_pipeline.__main__ import COMMANDS as DATA_COMMANDS
from ser_keras.__main__ import COMMANDS as SER_COMMANDS

ROOT = Path(__file__).parents[1]
HEAVY = {
    *("tensorflow", "keras", "tensorflow_io", "numpy", "scipy", "sklearn", "pandas"),
    *("librosa", "opensmile", "soundfile", "soxr", "matplotlib", "espeakng_loader"),
}
# Runs a program with the arguments behind it, then says how it ended and what it has imported.
PROBE = f"""
import runpy, sys
code = None
try:
    if sys.argv[1].endswith(".py"):
        sys.argv = sys.argv[1:]
        runpy.run_path(sys.argv[0], run_name="__main__")
    else:
        sys.argv = sys.argv[1:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
except SystemExit as stopped:
    code = stopped.code
print("ENDED", code, *sorted({HEAVY!r} & set(sys.modules)))
"""
PROGRAMS = {"data_pipeline": DATA_COMMANDS, "ser_keras": SER_COMMANDS}
HELP = [
    ["train.py", "--help"],
    *([program, "--help"] for program in PROGRAMS),
    *([program, name, "--help"] for program, names in PROGRAMS.items() for name in names),
]
WRONG = [
    ["train.py", "--no-such-option"],
    ["train.py", "--fold", "x"],
    ["train.py", "--protocol", "other"],
    ["train.py", "--set", "network.units"],
    ["train.py", "--set", "network.units=8", "network.units=9"],
    ["train.py", "--set", "network.unit=8"],
    ["train.py", "--set", "network.filters=8"],
    ["train.py", "--epochs", "3", "--set", "optimiser.epochs=3"],
    ["train.py", "--variant", "all", "--gate-norm", "before_sigmoid"],
    *([program] for program in PROGRAMS),
    *([program, "no-such-command"] for program in PROGRAMS),
    *([program, name, "--no-such-option"] for program, names in PROGRAMS.items() for name in names),
    ["data_pipeline", "prepare", "--corpus", "emodb", "--out", "x"],
    ["data_pipeline", "prepare", "--corpus", "demo", "--out", "x", "--n-fft", "256", "256"],
    ["ser_keras", "predict", "--model", "x", "file.wav", "--timeline"],
]


def probe(arguments):
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    ended, code, *imported = done.stdout.splitlines()[-1].split()
    assert ended == "ENDED"
    return code, imported, done


@pytest.mark.parametrize("arguments", HELP, ids=" ".join)
def test_help_imports_nothing_heavy_and_shows_an_example(arguments):
    code, imported, done = probe(arguments)
    assert (code, imported) == ("0", [])
    assert done.stdout.startswith("usage: python ")
    of_command = arguments[0] == "train.py" or len(arguments) == 3
    assert ("\nexamples:\n  python " in done.stdout) == of_command


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_usage_errors_import_nothing_heavy(arguments):
    code, imported, done = probe(arguments)
    assert (code, imported) == ("2", [])
    assert "error: " in done.stderr


def test_what_is_heavy_is_found():
    done = subprocess.run(
        [sys.executable, "-c", f"import librosa, sys; print({HEAVY!r} & set(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "librosa" in done.stdout
