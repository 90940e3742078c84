"""Requests to try an export with: noise that is made here, the same every time."""

from collections.abc import Iterator

import numpy as np

from data_pipeline.audio.limits import MIN_SAMPLES
from data_pipeline.audio.waveform import INT16_SCALE, SAMPLE_RATE
from data_pipeline.contract import MEL_NARROW, MEL_WIDE, MFCC
from data_pipeline.features.mel import mel_spectrogram
from data_pipeline.features.mfcc import tensorflow_mfcc
from ser_keras.graph.layout import AUDIO_BYTES, FEATURES, WAVEFORM
from ser_keras.graph.requests import Tensors, padded_features, padded_waveforms, wav_files
from ser_keras.graph.signatures import feature_depths
from ser_keras.model_info import ModelInfo


def trial_requests(info: ModelInfo) -> Iterator[tuple[str, Tensors, Tensors]]:
    """Requests for every signature: (signature, its inputs, the features that it shall see)."""
    rng = np.random.default_rng(0)
    silence = _noise(info, num_frames=[50], level=0.0, rng=rng)
    noise = _noise(info, num_frames=[1, 50, 200, *rng.integers(5, 200, size=3)], level=1.0, rng=rng)
    for features in (silence, noise):
        yield FEATURES, features, features
    recordings = [_recording(size, rng) for size in (MIN_SAMPLES, 1000, SAMPLE_RATE + 1, 24000)]
    features = padded_features([_features_alone(samples, info) for samples in recordings])
    yield WAVEFORM, padded_waveforms(recordings), features
    yield AUDIO_BYTES, wav_files(recordings), features


def _recording(num_samples: int, rng: np.random.Generator) -> np.ndarray:
    """Noise in steps of 16 bits, so that a file holds the very same samples."""
    samples = np.clip(rng.normal(0, 0.1, num_samples), -1, 1)
    return (np.trunc((INT16_SCALE - 1) * samples) / INT16_SCALE).astype(np.float32)


def _features_alone(samples: np.ndarray, info: ModelInfo) -> dict[str, np.ndarray]:
    """What the variant takes of one recording (num_samples,)."""
    narrow, wide = info.features["n_fft"]
    extract = {
        MFCC: lambda: tensorflow_mfcc(samples[np.newaxis], np.array([len(samples)]))[0].numpy(),
        MEL_NARROW: lambda: mel_spectrogram(samples, narrow),
        MEL_WIDE: lambda: mel_spectrogram(samples, wide),
    }
    return {name: extract[name]() for name in feature_depths(info)}


def _noise(
    info: ModelInfo, num_frames: list[int], level: float, rng: np.random.Generator
) -> Tensors:
    """Exponential noise, as power is; each feature shuffles the lengths."""
    shuffled = {name: rng.permutation(num_frames) for name in feature_depths(info)}
    return padded_features(
        [
            {
                name: level * rng.exponential(size=(shuffled[name][index], depth))
                for name, depth in feature_depths(info).items()
            }
            for index in range(len(num_frames))
        ]
    )
