"""Signals whose offset is known, and on speech as it is published."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_pipeline.audio.offset import constant_offset, offset_dbfs
from data_pipeline.audio.reading import load_waveform


def voice(seconds=1.0, peak=0.3, pitch_hz=110):
    time = np.arange(round(16000 * seconds)) / 16000
    tone = sum(np.sin(2 * np.pi * pitch_hz * k * time + k) / k for k in range(1, 8))
    return (peak * tone / np.abs(tone).max()).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.025, 0.03, 0.1, 0.25, 0.5, 3.0])
@pytest.mark.parametrize("pitch_hz", [80, 110, 300])
def test_voice_without_an_offset_has_none(seconds, pitch_hz):
    samples = voice(seconds, pitch_hz=pitch_hz)
    assert constant_offset(samples) == 0.0


@pytest.mark.parametrize("offset", [0.01, -0.01, 0.2])
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_offset_of_a_file_is_noted_and_left_in(tmp_path, offset, rate):
    path = tmp_path / "offset.wav"
    time = np.arange(rate) / rate
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 200 * time) + offset, rate, subtype="PCM_24")
    waveform = load_waveform(path)
    assert constant_offset(waveform) == pytest.approx(offset, rel=1e-3)
    assert waveform.mean() == pytest.approx(offset, rel=1e-3)


@pytest.mark.parametrize(("offset", "dbfs"), [(0.1, -20.0), (-0.5, -6.0), (0.00123, -58.2)])
def test_size_of_an_offset_is_in_decibels(offset, dbfs):
    assert offset_dbfs(offset) == dbfs


def test_offset_of_a_quiet_recording_counts_beside_its_level():
    quiet = voice(peak=0.003)
    assert constant_offset(quiet) == 0.0
    assert constant_offset(quiet + np.float32(0.001)) == pytest.approx(0.001, rel=0.1)


def test_speech_as_it_is_published_has_none():
    root = os.environ.get("SER_EMODB_ROOT")
    if not root:
        pytest.skip("SER_EMODB_ROOT is not set: no speech to look at")
    paths = sorted(Path(root).rglob("*.wav"))
    assert paths
    assert [path.name for path in paths if constant_offset(load_waveform(path))] == []
