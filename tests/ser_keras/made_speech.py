"""Made-up speech, prepared, and `train.py` on it with a network that is quick to train."""

import csv
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile

from data_pipeline.__main__ import main as prepare_main

ROOT = Path(__file__).parents[2]
SPEAKERS, EMOTIONS = ("anna", "ben", "cem"), ("angry", "sad")
# What makes the demo's network small.
TINY_SETTINGS = {"network.units": 8, "network.filters": (4, 4)}
# `train.py` with that network.
TINY = f"""
import sys
from ser_keras.settings import PRESETS
PRESETS["demo"] = PRESETS["demo"].with_values({TINY_SETTINGS})
from ser_keras.commands.train import main
sys.exit(main(sys.argv[1:]))
"""


def prepare_speech(folder, seed=0):
    """36 recordings of three speakers, two emotions that differ in level and tempo; prepared.

    Another seed gives other recordings of the same names.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for speaker in SPEAKERS:
        for number in range(12):
            emotion = EMOTIONS[number % 2]
            seconds = rng.uniform(0.5, 0.7)
            time = np.arange(int(16000 * seconds)) / 16000
            loud, tempo = (0.4, 7) if emotion == "angry" else (0.05, 3)
            wave = loud * np.sin(2 * np.pi * tempo * time) ** 2 * rng.normal(0, 0.5, time.size)
            name = f"{speaker}_{number:02d}.wav"
            soundfile.write(folder / name, wave, 16000)
            rows.append((name, emotion, speaker))
    with (folder / "speech.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "emotion", "speaker"), *rows])
    out = folder / "prepared"
    arguments = ["--corpus", "manifest", "--root", folder / "speech.csv", "--out", out]
    assert prepare_main(["prepare", *map(str, arguments), "--workers", "1"]) == 0
    return out


def arguments(prepared, runs, *more):
    """Options of a quick training; what `more` sets is not set twice."""
    quick = {"--batch-size": "8", "--epochs": "2"}
    own = [part for flag in quick if flag not in more for part in (flag, quick[flag])]
    return ["--data", str(prepared), "--run-dir", str(runs), "--preset", "demo", *own, *more]


def start(arguments, line_start):
    """Train in a process of its own, up to a line of its output.

    Returns:
        The process; its output is read up to that line.
    """
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", TINY, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts its background jobs with Ctrl-C ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    for line in process.stdout:
        if line.startswith(line_start):
            break
    return process
