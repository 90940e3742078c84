"""Notes on signals whose offset is known, and on speech as it is published."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_pipeline.audio.notes import CONSTANT_OFFSET, NOTES, constant_offset, waveform_notes
from data_pipeline.audio.reading import Recording, load_recording, load_waveform


def voice(seconds=1.0, peak=0.3, pitch_hz=110):
    time = np.arange(round(16000 * seconds)) / 16000
    tone = sum(np.sin(2 * np.pi * pitch_hz * k * time + k) / k for k in range(1, 8))
    return (peak * tone / np.abs(tone).max()).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.025, 0.03, 0.1, 0.25, 0.5, 3.0])
@pytest.mark.parametrize("pitch_hz", [80, 110, 300])
def test_voice_without_an_offset_has_no_note(seconds, pitch_hz):
    samples = voice(seconds, pitch_hz=pitch_hz)
    assert constant_offset(samples) == 0.0
    assert waveform_notes(samples) == ()


@pytest.mark.parametrize("offset", [0.01, -0.01, 0.2])
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_offset_of_a_file_is_noted_and_left_in(tmp_path, offset, rate):
    path = tmp_path / "offset.wav"
    time = np.arange(rate) / rate
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 200 * time) + offset, rate, subtype="PCM_24")
    recording = load_recording(path)
    assert recording.notes == (CONSTANT_OFFSET,)
    assert constant_offset(recording.waveform) == pytest.approx(offset, rel=1e-3)
    assert recording.waveform.mean() == pytest.approx(offset, rel=1e-3)
    assert pickle.loads(pickle.dumps(recording)).notes == recording.notes


def test_every_note_has_words_with_what_helps():
    assert set(waveform_notes(voice() + 0.1)) <= NOTES.keys()
    assert all("\n" not in words and "ffmpeg" in words for words in NOTES.values())


def test_offset_of_a_quiet_recording_counts_beside_its_level():
    quiet = voice(peak=0.003)
    assert Recording(quiet, 16000).notes == ()
    assert Recording(quiet + np.float32(0.001), 16000).notes == (CONSTANT_OFFSET,)


def test_speech_as_it_is_published_has_no_note():
    root = os.environ.get("SER_EMODB_ROOT")
    if not root:
        pytest.skip("SER_EMODB_ROOT is not set: no speech to look at")
    paths = sorted(Path(root).rglob("*.wav"))
    assert paths
    assert [path.name for path in paths if waveform_notes(load_waveform(path))] == []
