"""Front ends in the graph against openSMILE, librosa and the functions of the training batches."""

import os
from pathlib import Path

import keras
import librosa
import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.audio.reading import load_waveform
from data_pipeline.features.mfcc import opensmile_mfcc
from ser_keras.graph import AudioFrontEnd, FeatureFrontEnd

ORACLE = np.load(Path(__file__).parents[2] / "oracles" / "mfcc12_e_d_a.npz")
SIGNALS = ("voice_2s3", "short_0s4", "quiet_1s", "clipped_1s", "noise_1s")
NUM_STEPS = (31, 17)
MELS = (("mel_narrow", 256, 31), ("mel_wide", 512, 17))


@pytest.fixture(scope="module")
def front_end():
    """Function of padded recordings and their lengths, as a graph of unknown sizes."""
    audio, features = AudioFrontEnd(), FeatureFrontEnd(NUM_STEPS)
    specs = [tf.TensorSpec([None, None], tf.float32), tf.TensorSpec([None], tf.int32)]

    @tf.function(input_signature=specs, autograph=False)
    def both(waveform, num_samples):
        raw = audio(waveform, num_samples)
        return raw, features(raw)

    return both


def tone(num_samples=40000):
    """Between its harmonics there is next to nothing: single precision is 0.1 dB off there."""
    return (0.9 * np.sin(2 * np.pi * 440 * np.arange(num_samples) / 16000)).astype(np.float32)


def recordings():
    """Synthesised speech of the oracle, a tone, and recordings of EmoDB where they are."""
    yield from (ORACLE[f"{signal}/pcm"].astype(np.float32) / 32768 for signal in SIGNALS)
    yield tone()
    if root := os.environ.get("SER_EMODB_ROOT"):
        yield from map(load_waveform, sorted(Path(root).rglob("*.wav"))[::60])


def librosa_decibels(waveform, n_fft):
    power = librosa.feature.melspectrogram(
        y=waveform, sr=16000, n_fft=n_fft, hop_length=n_fft // 2, n_mels=n_fft // 4
    )
    return librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None).T


def padded(waveforms, padding=0.0):
    lengths = np.array([len(waveform) for waveform in waveforms], np.int32)
    batch = np.full((len(waveforms), lengths.max() + 77), padding, np.float32)
    for row, waveform in zip(batch, waveforms, strict=True):
        row[: len(waveform)] = waveform
    return batch, lengths


@pytest.mark.parametrize("signal", SIGNALS)
def test_mfcc_are_the_oracles(front_end, signal):
    waveform = ORACLE[f"{signal}/pcm"].astype(np.float32) / 32768
    raw, _ = front_end(waveform[None], [len(waveform)])
    np.testing.assert_allclose(raw["mfcc"][0], ORACLE[f"{signal}/features"], rtol=0, atol=1e-3)


def test_batch_of_real_recordings_equals_opensmile_and_librosa_one_by_one(front_end):
    waveforms = list(recordings())
    raw, inputs = front_end(*padded(waveforms, padding=np.nan))
    for index, waveform in enumerate(waveforms):
        mfcc = opensmile_mfcc(waveform)
        assert raw["num_mfcc_frames"][index] == len(mfcc)
        np.testing.assert_allclose(raw["mfcc"][index][: len(mfcc)], mfcc, rtol=0, atol=1e-3)
        assert not raw["mfcc"][index][len(mfcc) :].numpy().any()
        for name, n_fft, steps in MELS:
            decibels = librosa_decibels(waveform, n_fft)
            assert raw[f"num_frames_{name[4:]}"][index] == len(decibels)
            own = 10 * np.log10(np.maximum(raw[name][index][: len(decibels)], 1e-10))
            np.testing.assert_allclose(own, decibels, rtol=0, atol=0.01)
            assert not raw[name][index][len(decibels) :].numpy().any()
            resized = decibels[[step * len(decibels) // steps for step in range(steps)]]
            np.testing.assert_allclose(inputs[name][index], resized, rtol=0, atol=0.01)


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large")
@pytest.mark.parametrize("n_fft", [(256, 512), (512, 1024)])
@pytest.mark.parametrize("num_samples", [400, 1600, 16001])
def test_spectrograms_of_other_sizes_and_of_25_ms(n_fft, num_samples):
    waveform = np.random.default_rng(0).uniform(-0.5, 0.5, num_samples).astype(np.float32)
    raw = AudioFrontEnd(n_fft)(waveform[None], np.array([num_samples]))
    for name, size in zip(("mel_narrow", "mel_wide"), n_fft, strict=True):
        own = 10 * np.log10(np.maximum(raw[name][0], 1e-10))
        np.testing.assert_allclose(own, librosa_decibels(waveform, size), rtol=0, atol=0.01)


def test_only_the_features_asked_for_are_made():
    raw = AudioFrontEnd(features=("mel_wide",))(tone(1000)[None], np.array([1000]))
    assert raw.keys() == {"mel_wide", "num_frames_wide"}


def test_counts_out_of_range_are_clipped_and_touch_nobody_else():
    mels = np.random.default_rng(0).random((3, 9, 128)).astype(np.float32)
    layer = FeatureFrontEnd(NUM_STEPS)
    good = layer({"mel_wide": mels, "num_frames_wide": np.array([4, 9, 1], np.int32)})
    bad = layer({"mel_wide": mels, "num_frames_wide": np.array([4, 99, -5], np.int32)})
    np.testing.assert_array_equal(good["mel_wide"], bad["mel_wide"])


def test_layers_make_a_model_of_raw_speech_that_keras_can_rebuild():
    waveform = keras.Input((None,), name="waveform")
    num_samples = keras.Input((), dtype="int32", name="num_samples")
    inputs = FeatureFrontEnd(NUM_STEPS)(AudioFrontEnd()(waveform, num_samples=num_samples))
    model = keras.Model([waveform, num_samples], inputs)
    again = keras.Model.from_config(model.get_config())
    batch, lengths = padded([tone(2000), tone(900)])
    answers = again([batch, lengths])
    assert answers["mel_narrow"].shape == (2, 31, 64) and answers["mel_wide"].shape == (2, 17, 128)
    for name, value in model([batch, lengths]).items():
        np.testing.assert_array_equal(answers[name], value)


def test_mixed_precision_leaves_the_features_in_full_precision(front_end):
    batch, lengths = padded([tone(2000)])
    expected = front_end(batch, lengths)[1]
    policy = keras.dtype_policies.DTypePolicy("mixed_bfloat16")
    raw = AudioFrontEnd(dtype=policy)(batch, lengths)
    for name, value in FeatureFrontEnd(NUM_STEPS, dtype=policy)(raw).items():
        assert value.dtype == expected[name].dtype
        np.testing.assert_allclose(value, expected[name], atol=1e-5)


@pytest.mark.parametrize("sizes", [(256,), (256, 6), (0, 512)])
def test_sizes_that_make_no_sense_are_refused(sizes):
    with pytest.raises(ValueError, match="Expected two multiples of 4"):
        AudioFrontEnd(sizes)
    with pytest.raises(ValueError, match="Expected two positive numbers"):
        FeatureFrontEnd((0, 17))
