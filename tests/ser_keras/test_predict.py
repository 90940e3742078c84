"""Emotions of real audio files, against the model on features computed here."""

import json
import shutil

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from data_pipeline.audio import load_waveform
from data_pipeline.mel import mel_spectrogram
from data_pipeline.mfcc import opensmile_mfcc, tensorflow_mfcc
from ser_keras.errors import SerError
from ser_keras.predict import (
    BATCH_SIZE,
    MAX_BATCH_SECONDS,
    Prediction,
    _batches,
    _Recording,
    find_audio_files,
    predict_files,
    read_info,
)
from ser_keras.serving import emotion_server, signatures


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


def probabilities_by_model(model, path, extract_mfcc):
    """The model's probabilities of one file, alone, its inputs made by the definitions."""
    waveform = load_waveform(path)
    mfcc = extract_mfcc(waveform)
    inputs = {"mfcc": mfcc, "num_mfcc_frames": np.int32(len(mfcc))}
    for name, n_fft, steps in [("mel_narrow", 256, 12), ("mel_wide", 512, 7)]:
        mel = mel_spectrogram(waveform, n_fft)
        rows = mel[[i * len(mel) // steps for i in range(steps)]]
        inputs[name] = 10 * np.log10(np.maximum(rows, 1e-10))
    batch = {name: tf.constant(value)[tf.newaxis] for name, value in inputs.items()}
    logits = model(batch, training=False)["logits"][0]
    return np.exp(logits) / np.exp(logits).sum()


def copy_with_info(version_dir, copy, info):
    """The same graph with another info.json."""
    shutil.copytree(version_dir, copy)
    (copy / "assets" / "info.json").write_text(json.dumps(info), encoding="utf-8")
    return copy


def own_mfcc(waveform):
    return tensorflow_mfcc(waveform[np.newaxis], np.array([len(waveform)], np.int32))[0]


def test_files_of_all_formats_get_what_the_model_gives_each_alone(
    tiny_saved_model, tiny_model, tiny_info, recordings
):
    predictions = list(predict_files(tiny_saved_model, recordings.values()))
    for prediction, path in zip(predictions, recordings.values(), strict=True):
        expected = probabilities_by_model(tiny_model, path, own_mfcc)
        assert prediction.file == str(path)
        assert prediction.error == ""
        assert list(prediction.probabilities) == tiny_info["emotions"]
        np.testing.assert_allclose(list(prediction.probabilities.values()), expected, atol=1e-4)
        assert prediction.emotion == tiny_info["emotions"][int(np.argmax(expected))]


def test_extractor_is_the_one_the_model_was_trained_with(
    tiny_saved_model, tiny_model, tiny_info, recordings, tmp_path
):
    info = tiny_info | {"features": tiny_info["features"] | {"mfcc": "opensmile"}}
    version_dir = copy_with_info(tiny_saved_model, tmp_path / "1", info)
    [prediction] = predict_files(version_dir, [recordings["a.wav"]])
    expected = probabilities_by_model(tiny_model, recordings["a.wav"], opensmile_mfcc)
    np.testing.assert_allclose(list(prediction.probabilities.values()), expected, atol=1e-5)


def test_bad_files_are_reported_in_their_place_and_the_rest_goes_on(
    tiny_saved_model, recordings, tmp_path
):
    (tmp_path / "text.wav").write_text("this is no audio")
    (tmp_path / "nothing").mkdir()
    soundfile.write(tmp_path / "silent.wav", np.zeros(16000), 16000)
    soundfile.write(tmp_path / "short.wav", voice(0.01, 200, 16000), 16000)
    good = recordings["a.wav"]
    bad = [tmp_path / name for name in ("gone.wav", "text.wav", "nothing", "silent.wav")]
    paths = [good, *bad, good, tmp_path / "short.wav"]

    predictions = list(predict_files(tiny_saved_model, paths))
    assert [one.file for one in predictions] == [str(path) for path in paths]
    assert [bool(one.error) for one in predictions] == [False, *[True] * 4, False, True]
    assert all("\n" not in one.error and one.emotion == "" for one in predictions if one.error)
    assert predictions[0].probabilities == pytest.approx(predictions[5].probabilities)
    assert predictions[3].error == "a folder without .wav, .flac, .ogg, .mp3 files"


def test_a_batch_of_bad_files_alone_is_no_trouble(tiny_saved_model, tmp_path):
    [prediction] = predict_files(tiny_saved_model, [tmp_path / "gone.wav"])
    assert prediction.error
    assert prediction.probabilities == {}


def test_highest_version_answers_unless_one_is_named(
    tiny_saved_model, tiny_info, recordings, tmp_path
):
    for version, emotions in [("9", ["old"] * 4), ("10", ["one", "two", "three", "four"])]:
        copy_with_info(tiny_saved_model, tmp_path / version, tiny_info | {"emotions": emotions})
    [newest] = predict_files(tmp_path, [recordings["a.wav"]])
    [named] = predict_files(tmp_path / "10", [recordings["a.wav"]])
    assert list(newest.probabilities) == ["one", "two", "three", "four"]
    assert newest == named
    assert read_info(tmp_path / "9")["emotions"] == ["old"] * 4


def test_folders_are_searched_in_order_and_files_kept_as_given(tmp_path):
    for name in ("x/b.WAV", "x/a.flac", "x/deep/c.mp3", "x/notes.txt", "y/readme.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = find_audio_files([tmp_path / "y/readme.md", tmp_path / "x", tmp_path / "y"])
    names = [str(path.relative_to(tmp_path)) for path in found]
    assert names == ["y/readme.md", "x/a.flac", "x/b.WAV", "x/deep/c.mp3", "y"]


def test_batches_keep_the_order_and_stay_within_both_bounds():
    durations = [1.0] * 70 + [MAX_BATCH_SECONDS * 2.0, 1.0, 0.0] + [MAX_BATCH_SECONDS / 3] * 4
    recordings = [_Recording(str(i), seconds, {}, "") for i, seconds in enumerate(durations)]
    batches = list(_batches(recordings))
    assert [one for batch in batches for one in batch] == recordings
    assert [len(batch) for batch in batches] == [BATCH_SIZE, BATCH_SIZE, 6, 1, 3, 3]
    for batch in batches:
        padded_seconds = len(batch) * max(one.duration_seconds for one in batch)
        assert len(batch) == 1 or padded_seconds <= MAX_BATCH_SECONDS


def test_a_score_that_is_not_finite_is_an_error_and_no_emotion(
    tiny_model_of, tiny_info, recordings, tmp_path
):
    model = tiny_model_of(tiny_info["inputs"])
    model.set_weights([np.full_like(array, np.nan) for array in model.get_weights()])
    (tmp_path / "labels.txt").write_text("\n".join(tiny_info["emotions"]), encoding="utf-8")
    (tmp_path / "info.json").write_text(json.dumps(tiny_info), encoding="utf-8")
    server = emotion_server(model, tiny_info, tmp_path)  # export_saved_model refuses this model
    tf.saved_model.save(server, str(tmp_path / "1"), signatures=signatures(server))

    assert list(predict_files(tmp_path, [recordings["a.wav"]])) == [
        Prediction(str(recordings["a.wav"]), error="the model gives no finite score for it")
    ]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: None, "no SavedModel there; expected a folder such as"),
        (lambda path: (path / "saved_model.pb").write_bytes(b"x"), "info.json: missing or damaged"),
    ],
)
def test_folder_without_a_usable_model_is_one_clear_line(tmp_path, damage, message):
    damage(tmp_path)
    with pytest.raises(SerError, match=message) as caught:
        predict_files(tmp_path, ["a.wav"])
    assert "\n" not in str(caught.value)


def test_damaged_model_is_one_clear_line(tiny_saved_model, tmp_path):
    copy = shutil.copytree(tiny_saved_model, tmp_path / "1")
    (copy / "saved_model.pb").write_bytes(b"\x00 not a model")
    with pytest.raises(SerError, match="damaged or has no signature 'features'"):
        predict_files(tmp_path, ["a.wav"])


def test_info_of_another_project_is_one_clear_line(tiny_saved_model, tmp_path):
    copy_with_info(tiny_saved_model, tmp_path / "1", {"labels": []})
    with pytest.raises(SerError, match="info.json: missing or damaged"):
        read_info(tmp_path)


def test_unknown_extractor_is_refused(tiny_saved_model, tiny_info, tmp_path):
    info = tiny_info | {"features": tiny_info["features"] | {"mfcc": "htk"}}
    copy_with_info(tiny_saved_model, tmp_path / "1", info)
    with pytest.raises(SerError, match="'htk', expected one of opensmile, tensorflow"):
        read_info(tmp_path)
