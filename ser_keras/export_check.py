"""What was exported, loaded again and compared with the model it was made from."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from data_pipeline.mel import log_compress, mel_spectrogram
from data_pipeline.mfcc import tensorflow_mfcc
from ser_keras.errors import SerError
from ser_keras.layers.feature_front_end import FRAME_COUNTS
from ser_keras.serving import FEATURES, WAVEFORM, Tensors, feature_depths

TOLERANCE = 1e-5


def check_saved_model(version_dir: Path | str, model: keras.Model, info: Mapping) -> float:
    """Reload a SavedModel in this process and compare its answers with the model's.

    The features are silence (no power at all), and noise of many lengths in one padded batch. The
    recordings are noise of many lengths and levels; the model gets each of them alone, its
    spectrograms made by librosa. The model gets all spectrograms resized by a NumPy loop.

    Returns:
        The largest difference of a probability or a logit (of a logit above 1, in relation to it).

    Raises:
        SerError: the difference is above TOLERANCE, or not a number.
    """
    loaded = tf.saved_model.load(str(version_dir))
    # As a graph: step by step, the recurrence alone takes seconds.
    ask_model = tf.function(lambda inputs: model(inputs, training=False), reduce_retracing=True)
    differences = []
    for signature, request, features in trial_requests(info):
        logits = ask_model(_inputs_made_in_numpy(features, info))["logits"]
        served = loaded.signatures[signature](**request)
        differences.append(_largest_difference(served, _expected_outputs(logits, info)))
    largest = float(np.max(differences))  # NumPy's maximum keeps NaN, Python's may lose it
    if not largest <= TOLERANCE:
        raise SerError(
            f"{version_dir}: differs from the model by {largest:.1e}, expected at most "
            f"{TOLERANCE:g}; do not serve it"
        )
    return largest


def trial_requests(info: Mapping) -> Iterator[tuple[str, Tensors, Tensors]]:
    """Requests to try an export with: (signature, its inputs, the features that it shall see)."""
    rng = np.random.default_rng(0)
    silence = _noise(info, num_frames=[50], level=0.0, rng=rng)
    noise = _noise(info, num_frames=[1, 50, 200, *rng.integers(5, 200, size=3)], level=1.0, rng=rng)
    for features in (silence, noise):
        yield FEATURES, features, features
    recordings = [rng.normal(0, 0.1, size) for size in (400, 1000, 16001, 24000)]
    recordings = [np.clip(samples, -1, 1).astype(np.float32) for samples in recordings]
    features = padded_features([_features_alone(samples, info) for samples in recordings])
    yield WAVEFORM, padded_waveforms(recordings), features


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


def _inputs_made_in_numpy(features: Tensors, info: Mapping) -> Tensors:
    """The model's inputs, resized by a loop that shares nothing with the graph's."""
    num_steps = dict(zip(("mel_narrow", "mel_wide"), info["num_frames"], strict=True))
    inputs = {name: features[name] for name in info["inputs"] if name not in num_steps}
    for name in (name for name in num_steps if name in features):
        num_frames = features[FRAME_COUNTS[name]].numpy()
        resized = _resized(features[name].numpy(), num_frames, num_steps[name])
        inputs[name] = log_compress(tf.constant(resized))
    return inputs


def _resized(mels: np.ndarray, num_frames: np.ndarray, num_steps: int) -> np.ndarray:
    """Nearest-neighbour resizing in NumPy: frame floor(i * L / T) for step i of T."""
    rows = [
        [mel[step * int(length) // num_steps] for step in range(num_steps)]
        for mel, length in zip(mels, num_frames, strict=True)
    ]
    return np.array(rows)


def _expected_outputs(logits: tf.Tensor, info: Mapping) -> Tensors:
    logits = tf.cast(logits, tf.float32)
    return {
        "logits": logits,
        "probabilities": tf.nn.softmax(logits / info.get("temperature", 1.0)),
    }


def _largest_difference(served: Tensors, expected: Tensors) -> float:
    differences = [
        tf.abs(served[name] - expected[name]) / tf.maximum(tf.abs(expected[name]), 1.0)
        for name in ("logits", "probabilities")
    ]
    return float(np.max(differences))
