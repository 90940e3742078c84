"""Spectrogram and decibels against librosa, resizing against integers in Python."""

import warnings

import librosa
import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.features.mel import (
    log_compress,
    mel_spectrogram,
    num_mel_frames,
    resize_batch_time_axis,
    resize_time_axis,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("n_fft", [256, 512, 1024])
@pytest.mark.parametrize("num_samples", [1600, 16000, 16001, 20479])
def test_spectrogram_is_librosas_with_its_defaults(num_samples, n_fft):
    waveform = RNG.uniform(-0.5, 0.5, num_samples).astype(np.float32)
    expected = librosa.feature.melspectrogram(
        y=waveform, sr=16000, n_fft=n_fft, hop_length=n_fft // 2, n_mels=n_fft // 4
    )
    power = mel_spectrogram(waveform, n_fft)
    assert power.shape == (num_mel_frames(num_samples, n_fft), n_fft // 4)
    assert power.dtype == np.float32 and power.flags.c_contiguous
    np.testing.assert_allclose(power, expected.T, rtol=1e-6, atol=0)


@pytest.mark.parametrize("n_fft", [256, 512, 1024])
def test_25_ms_are_enough_and_warn_of_nothing(n_fft):
    waveform = RNG.uniform(-0.5, 0.5, 400).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        power = mel_spectrogram(waveform, n_fft)
    assert power.shape == (1 + 400 // (n_fft // 2), n_fft // 4)
    assert (power > 0).all()


def test_click_stands_in_the_frame_centred_on_it():
    waveform = np.zeros(16000, np.float32)
    waveform[128 * 40] = 1.0
    assert mel_spectrogram(waveform, 256).sum(axis=1).argmax() == 40


@pytest.mark.parametrize("num_frames", [1, 7, 120, 230, 461])
@pytest.mark.parametrize("length", [1, 2, 119, 230, 1000])
def test_resizing_takes_frame_floor_i_l_over_t(length, num_frames):
    mel = RNG.random((length, 3)).astype(np.float32)
    expected = np.stack([mel[i * length // num_frames] for i in range(num_frames)])
    np.testing.assert_array_equal(resize_time_axis(mel, num_frames), expected)


def test_resizing_counts_in_integers_where_floats_are_off_by_one():
    steps = np.arange(21)
    exact = steps * 345 // 21
    assert (np.floor(steps * (345 / 21)) != exact).any()  # step 7 is frame 115, not 114
    mel = np.arange(345, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(resize_time_axis(mel, 21)[:, 0], exact)


def test_each_of_a_batch_is_resized_by_its_own_length():
    lengths = np.array([1, 40, 63, 100], np.int32)
    mels = RNG.random((4, 100, 5)).astype(np.float32)
    for row, length in zip(mels, lengths, strict=True):
        row[length:] = np.nan
    resized = resize_batch_time_axis(tf.constant(mels), tf.constant(lengths), 63)
    for row, mel, length in zip(resized, mels, lengths, strict=True):
        np.testing.assert_array_equal(row, resize_time_axis(mel[:length], 63))


def test_decibels_are_librosas_without_a_ceiling():
    power = np.float32(10.0) ** RNG.uniform(-14, 6, (50, 8)).astype(np.float32)
    power[0] = 0.0
    expected = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None)
    decibels = log_compress(power).numpy()
    assert decibels.dtype == np.float32
    np.testing.assert_allclose(decibels, expected, atol=2e-5)
    np.testing.assert_allclose(decibels[0], -100.0, atol=1e-5)


def test_resizing_and_decibels_run_inside_tf_data():
    mel = RNG.random((31, 4)).astype(np.float32)
    dataset = tf.data.Dataset.from_tensors(mel).map(lambda m: log_compress(resize_time_axis(m, 9)))
    expected = 10 * np.log10(mel[[i * 31 // 9 for i in range(9)]])
    np.testing.assert_allclose(next(iter(dataset)), expected, atol=2e-5)
