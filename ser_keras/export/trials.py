"""Requests to try an export with: noise that is made here, the same every time."""

import io
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import soundfile
import tensorflow as tf

from data_pipeline.audio.limits import MIN_SAMPLES
from data_pipeline.audio.waveform import INT16_SCALE, SAMPLE_RATE
from data_pipeline.features.mel import mel_spectrogram
from data_pipeline.features.mfcc import tensorflow_mfcc
from ser_keras.graph.signatures import AUDIO_BYTES, FEATURES, WAVEFORM, Tensors, feature_depths
from ser_keras.layers.feature_front_end import FRAME_COUNTS


def trial_requests(info: Mapping) -> Iterator[tuple[str, Tensors, Tensors]]:
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


def wav_files(recordings: Sequence[np.ndarray]) -> Tensors:
    """The input of the signature `audio_bytes`: each recording as a WAV file."""
    return {"audio_bytes": tf.constant([_wav_file(samples) for samples in recordings])}


def _wav_file(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, SAMPLE_RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


def padded_waveforms(recordings: Sequence[np.ndarray]) -> Tensors:
    """The inputs of the signature `waveform` from recordings of any lengths, zero-padded."""
    num_samples = np.array([len(samples) for samples in recordings], np.int32)
    return {
        "waveform": tf.constant(_padded(recordings)),
        "num_samples": tf.constant(num_samples),
    }


def padded_features(examples: Sequence[Mapping[str, np.ndarray]]) -> Tensors:
    """The inputs of the signature `features` from features (frames, values) of each example."""
    features = {}
    for name in examples[0]:
        arrays = [example[name] for example in examples]
        features[name] = tf.constant(_padded(arrays))
        features[FRAME_COUNTS[name]] = tf.constant([len(array) for array in arrays], tf.int32)
    return features


def _padded(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays of different lengths in one, padded with zeros to the longest."""
    longest = max(map(len, arrays))
    padded = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), np.float32)
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return padded


def _features_alone(samples: np.ndarray, info: Mapping) -> dict[str, np.ndarray]:
    """What the variant takes of one recording (num_samples,)."""
    narrow, wide = info["features"]["n_fft"]
    extract = {
        "mfcc": lambda: tensorflow_mfcc(samples[np.newaxis], np.array([len(samples)]))[0].numpy(),
        "mel_narrow": lambda: mel_spectrogram(samples, narrow),
        "mel_wide": lambda: mel_spectrogram(samples, wide),
    }
    return {name: extract[name]() for name in feature_depths(info)}


def _noise(info: Mapping, num_frames: list[int], level: float, rng: np.random.Generator) -> Tensors:
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
