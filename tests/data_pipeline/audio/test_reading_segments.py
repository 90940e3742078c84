"""Segments of a recording: cut where they say, and refused where they are not in it."""

import os

import numpy as np
import pytest
import soundfile

from data_pipeline.audio.reading import Segment, load_segment, load_waveform
from data_pipeline.audio.refusals import AudioError


@pytest.fixture
def path(tmp_path):
    """Two seconds of noise, the second one silent but for its last quarter; 8 kHz, FLAC."""
    noise = np.random.default_rng(5).uniform(-0.5, 0.5, 16000)
    noise[8000:14000] = 0
    soundfile.write(tmp_path / "long.flac", noise, 8000)
    return tmp_path / "long.flac"


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        (0.0, None, 0, 32000),
        (0.25, 1.0, 4000, 16000),
        (0.0, 0.5, 0, 8000),
        (1.5, None, 24000, 32000),
        (1.5, 2.0, 24000, 32000),
        # Rounded by whoever wrote it down.
        (1.5, 2.0099, 24000, 32000),
    ],
)
def test_a_segment_is_a_part_of_the_waveform(path, start, end, first, last):
    segment = load_segment(Segment(path, start, end))
    np.testing.assert_array_equal(segment, load_waveform(path)[first:last])
    assert segment.dtype == np.float32


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        (1.0, 2.5, r"the segment from 1 to 2\.5 s is beyond the recording, which is 2\.000 s long"),
        (3.0, None, "the segment from 3 to its end is beyond the recording"),
        (2.0, 2.001, "is beyond the recording"),
        (0.5, 0.51, r"segment from 0\.5 s: 10 ms long; expected at least 25 ms"),
        (1.2, 1.6, r"segment from 1\.2 s: silent"),
    ],
)
def test_what_is_no_speech_of_the_recording_is_refused(path, start, end, reason):
    with pytest.raises(AudioError, match=f"^{path}.*{reason}"):
        load_segment(Segment(path, start, end))


def test_a_missing_file_is_refused_as_a_whole_one_is(tmp_path):
    for segment in (Segment(tmp_path / "a.wav"), Segment(tmp_path / "a.wav", 1.0, 2.0)):
        with pytest.raises(AudioError, match=r"a\.wav: no such file"):
            load_segment(segment)


def test_a_file_that_changed_is_read_again(path):
    before = load_segment(Segment(path, 0.0, 0.5))
    soundfile.write(path, 0.1 * np.sin(np.arange(16000)), 8000)
    os.utime(path, ns=(1, 1))
    assert not np.array_equal(load_segment(Segment(path, 0.0, 0.5)), before)
