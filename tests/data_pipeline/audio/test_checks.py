"""The last check of a decoder, on samples themselves."""

import numpy as np
import pytest

from data_pipeline.audio.checks import check_waveform
from data_pipeline.audio.limits import SAMPLES_PER_FAR_OVER
from data_pipeline.audio.refusals import AudioError

TONE = np.cos(2 * np.pi * 440 * np.arange(16000) / 16000)


def test_overshoot_of_a_few_samples_is_clipped():
    samples = (0.9 * np.sin(2 * np.pi * 220 * np.arange(16000) / 16000)).astype(np.float32)
    samples[8000:8160] = 4.0
    np.testing.assert_array_equal(check_waveform(samples, "a"), np.clip(samples, -1, 1))
    samples[8160] = 4.0
    with pytest.raises(AudioError, match="samples reach 4; expected"):
        check_waveform(samples, "a")


def test_one_sample_in_a_hundred_may_be_far_over():
    assert SAMPLES_PER_FAR_OVER == 100
    for num_samples, refused in ((599, True), (600, False)):
        samples = np.resize([0.5, -0.5], num_samples).astype(np.float32)
        samples[:6] = 2.0
        if refused:
            with pytest.raises(AudioError, match="samples reach 2; expected"):
                check_waveform(samples, "a")
        else:
            check_waveform(samples, "a")


def test_check_waveform_serves_other_decoders():
    samples = (1.2 * TONE).astype(np.float32)  # reaches 1.2
    np.testing.assert_array_equal(check_waveform(samples, "a"), np.clip(samples, -1, 1))
    with pytest.raises(AudioError, match="^a: silent"):
        check_waveform(np.zeros(16000, np.float32), "a")
