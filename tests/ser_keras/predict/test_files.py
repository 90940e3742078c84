"""Emotions of real audio files, against the model on features computed here."""

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from data_pipeline.audio.reading import load_waveform
from data_pipeline.features.level import TrainingProfile
from data_pipeline.features.mel import mel_spectrogram
from data_pipeline.features.mfcc import opensmile_mfcc
from ser_keras.graph.verdicts import MAX_BATCH_SECONDS
from ser_keras.predict.files import (
    BATCH_SIZE,
    _batches,
    _Input,
    find_audio_files,
    predict_files,
)
from ser_keras.predict.served_model import ServedModel

ROOT = Path(__file__).parents[3]


def voice(seconds, pitch_hz, sample_rate):
    """A harmonic tone with a slow swell, and a little noise: nothing in it is silent."""
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    tone = sum(np.sin(2 * np.pi * pitch_hz * k * time) / k for k in range(1, 8))
    noise = np.random.default_rng(0).normal(0, 0.01, time.size)
    return 0.2 * tone * (1 + 0.5 * np.sin(2 * np.pi * 3 * time)) + noise


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Files of four formats, rates and lengths, by name."""
    folder = tmp_path_factory.mktemp("recordings")
    files = {}
    for name, rate, seconds in [
        ("a.wav", 16000, 1.0),
        ("b.flac", 44100, 0.4),
        ("c.ogg", 22050, 2.3),
        ("d.mp3", 48000, 0.7),
    ]:
        files[name] = folder / name
        soundfile.write(files[name], voice(seconds, 110 + 40 * len(files), rate), rate)
    return files


def probabilities_by_model(model, path):
    """The model's probabilities of one file, alone, its inputs from openSMILE and librosa."""
    waveform = load_waveform(path)
    mfcc = opensmile_mfcc(waveform)
    inputs = {"mfcc": mfcc, "num_mfcc_frames": np.int32(len(mfcc))}
    for name, n_fft, steps in [("mel_narrow", 256, 12), ("mel_wide", 512, 7)]:
        mel = mel_spectrogram(waveform, n_fft)
        rows = mel[[i * len(mel) // steps for i in range(steps)]]
        inputs[name] = 10 * np.log10(np.maximum(rows, 1e-10))
    batch = {name: tf.constant(value)[tf.newaxis] for name, value in inputs.items()}
    logits = model(batch, training=False)["logits"][0]
    return np.exp(logits) / np.exp(logits).sum()


def test_files_of_all_formats_get_what_the_model_gives_each_alone(
    served, tiny_model, tiny_info, recordings
):
    predictions = list(predict_files(served, recordings.values()))
    for prediction, path in zip(predictions, recordings.values(), strict=True):
        expected = probabilities_by_model(tiny_model, path)
        assert prediction.file == str(path)
        assert prediction.error == ""
        assert list(prediction.probabilities) == list(tiny_info.emotions)
        np.testing.assert_allclose(list(prediction.probabilities.values()), expected, atol=1e-3)
        assert prediction.emotion == tiny_info.emotions[int(np.argmax(expected))]
        assert prediction.unsure == (max(prediction.probabilities.values()) < 0.5)


def test_bad_files_are_reported_in_their_place_and_the_rest_goes_on(served, recordings, tmp_path):
    (tmp_path / "text.wav").write_text("this is no audio")
    (tmp_path / "nothing").mkdir()
    soundfile.write(tmp_path / "silent.wav", np.zeros(16000), 16000)
    soundfile.write(tmp_path / "short.wav", voice(0.01, 200, 16000), 16000)
    good = recordings["a.wav"]
    bad = [tmp_path / name for name in ("gone.wav", "text.wav", "nothing", "silent.wav")]
    paths = [good, *bad, good, tmp_path / "short.wav"]

    predictions = list(predict_files(served, paths))
    assert [one.file for one in predictions] == [str(path) for path in paths]
    assert [bool(one.error) for one in predictions] == [False, *[True] * 4, False, True]
    assert all("\n" not in one.error and one.emotion == "" for one in predictions if one.error)
    assert predictions[0].probabilities == pytest.approx(predictions[5].probabilities)
    assert predictions[3].error == ("a folder without audio files (.wav, .flac, .ogg, .mp3, ...)")


def test_a_name_that_is_too_long_is_reported_and_the_rest_goes_on(served, recordings, tmp_path):
    paths = find_audio_files([tmp_path / ("a" * 300 + ".wav"), recordings["a.wav"]])
    too_long, good = predict_files(served, paths)
    assert too_long.error == "cannot be read (File name too long); check the file"
    assert good.emotion and not good.error


@pytest.fixture
def closed_folder():
    """A folder whose names may be read and whose files may not; root is nobody meanwhile."""
    user = os.geteuid()
    # Not in tmp_path: nobody may not even look into the folders above it.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.wav").touch()
        folder.chmod(0o444)
        if user == 0:
            os.seteuid(65534)
        yield folder
        os.seteuid(user)
        folder.chmod(0o700)


def test_a_file_in_a_folder_that_may_not_be_entered_is_reported(served, closed_folder):
    file = closed_folder / "a.wav"
    for named in (file, closed_folder):
        assert find_audio_files([named]) == [file]
    [prediction] = predict_files(served, [file])
    assert prediction.error == "cannot be read (Permission denied); check the file"


def test_a_batch_of_bad_files_alone_is_no_trouble(served, tmp_path):
    [prediction] = predict_files(served, [tmp_path / "gone.wav"])
    assert prediction.error
    assert prediction.probabilities == {}


def test_a_recording_that_the_memory_does_not_hold_is_reported_and_the_rest_goes_on(
    tiny_saved_model, recordings, tmp_path
):
    """The process gets 400 MB more than it has; the recording alone is 500 MB of samples."""
    long = tmp_path / "long.flac"
    soundfile.write(long, np.zeros(340 * 384000, np.int16), 384000)
    script = """
import resource, sys
from ser_keras.predict.files import predict_files
from ser_keras.predict.served_model import ServedModel
model_dir, long, short, out = sys.argv[1:]
model = ServedModel(model_dir)
list(predict_files(model, [short]))
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 400_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for one in predict_files(model, [long, short]):
    print(one.emotion or one.error)
from pathlib import Path
from ser_keras.predict.timeline.files import write_timelines
[timeline] = write_timelines(model, [Path(long)], Path(out), 1.0, 1.0)
print(timeline.error)
"""
    arguments = map(str, [tiny_saved_model, long, recordings["a.wav"], tmp_path / "out"])
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    reason, emotion, in_timeline = done.stdout.splitlines()
    assert (
        reason
        == in_timeline
        == ("there is not enough memory for it; end other programs, or cut the recording")
    )
    assert emotion in ("angry", "happy", "neutral", "sad")


def test_folders_are_searched_in_order_and_files_kept_as_given(tmp_path):
    for name in ("x/b.WAV", "x/a.flac", "x/deep/c.mp3", "x/notes.txt", "y/readme.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = find_audio_files([tmp_path / "y/readme.md", tmp_path / "x", tmp_path / "y"])
    names = [str(path.relative_to(tmp_path)) for path in found]
    assert names == ["y/readme.md", "x/a.flac", "x/b.WAV", "x/deep/c.mp3", "y"]


def test_batches_keep_the_order_and_stay_within_both_bounds():
    durations = [1.0] * 70 + [MAX_BATCH_SECONDS * 2.0, 1.0, 0.0] + [MAX_BATCH_SECONDS / 3] * 4
    nothing = np.zeros(16000 * MAX_BATCH_SECONDS * 2, np.int8)  # a view a file costs no memory
    inputs = [
        _Input(str(i), nothing[: round(16000 * seconds)]) for i, seconds in enumerate(durations)
    ]
    batches = list(_batches(inputs))
    assert [one.file for batch in batches for one in batch] == [one.file for one in inputs]
    assert [len(batch) for batch in batches] == [BATCH_SIZE, BATCH_SIZE, 6, 1, 3, 3]
    for batch in batches:
        padded_seconds = len(batch) * max(one.duration_seconds for one in batch)
        assert len(batch) == 1 or padded_seconds <= MAX_BATCH_SECONDS


def test_files_are_read_as_the_answers_are_taken(served, recordings, tmp_path):
    """Memory stays flat: of a thousand files only the first batches have been looked at."""
    looked_at = 0

    def files():
        nonlocal looked_at
        for _ in range(1000):
            looked_at += 1
            yield recordings["b.flac"]

    assert next(iter(predict_files(served, files()))).emotion
    assert looked_at == BATCH_SIZE + 1


def test_warnings_come_with_the_answer(tiny_saved_model, tiny_info, recordings, copy_with_info):
    profile = TrainingProfile(
        recordings=100,
        duration_seconds=(0.9, 1.0, 1.1),
        level_dbfs=(-20.0, -15.0, 0.0),
        silent_share=(0.0, 0.0, 0.1),
    )
    info = replace(tiny_info, training_profile=profile)
    version_dir = copy_with_info(tiny_saved_model, info)
    usual, short = predict_files(
        ServedModel(version_dir), [recordings["a.wav"], recordings["b.flac"]]
    )
    assert usual.warnings == ()
    [warning] = short.warnings
    assert warning.startswith("0.4 s long") and short.emotion
