"""What was exported, loaded again and compared with the model it was made from."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from data_pipeline.contract import FRAME_COUNTS, MELS
from data_pipeline.features.mel import log_compress
from ser_keras.errors import SerError
from ser_keras.export.trials import trial_requests
from ser_keras.graph.plain_path import plain_path
from ser_keras.graph.requests import Tensors
from ser_keras.layers.stream_functionals import num_functionals
from ser_keras.model_info import ModelInfo
from ser_keras.models.variants import PROFILE

TOLERANCE = 1e-5


def check_saved_model(version_dir: Path | str, model: keras.Model, info: ModelInfo) -> float:
    """Reload a SavedModel in this process and compare its answers with the model's.

    The features are silence (no power at all), and noise of many lengths in one padded batch. The
    recordings, as samples and as files, are noise of many lengths; the model gets the features of
    each by itself, its spectrograms made by librosa, and all spectrograms resized by a NumPy loop.

    Args:
        version_dir: what was exported.
        model: what it was made from.
        info: what the model knows of itself.

    Returns:
        The largest difference of a probability or a logit (of a logit above 1, in relation to it).

    Raises:
        SerError: the difference is above TOLERANCE, or not a number.
    """
    with plain_path(Path(version_dir)) as path:
        loaded = tf.saved_model.load(str(path))
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


def _inputs_made_in_numpy(features: Tensors, info: ModelInfo) -> Tensors:
    """The model's inputs, resized by a loop that shares nothing with the graph's."""
    num_steps = dict(zip(MELS, info.num_frames, strict=True))
    inputs = {name: features[name] for name in info.inputs if name not in num_steps}
    for name in (name for name in num_steps if name in features):
        num_frames = features[FRAME_COUNTS[name]].numpy()
        resized = _resized(features[name].numpy(), num_frames, num_steps[name])
        inputs[name] = log_compress(tf.constant(resized))
    if info.takes_profile:
        batch = len(next(iter(features.values())))
        inputs[PROFILE] = tf.zeros((batch, 2, num_functionals(info.n_mels)))
    return inputs


def _resized(mels: np.ndarray, num_frames: np.ndarray, num_steps: int) -> np.ndarray:
    """Nearest-neighbour resizing in NumPy: frame floor(i * L / T) for step i of T."""
    rows = [
        [mel[step * int(length) // num_steps] for step in range(num_steps)]
        for mel, length in zip(mels, num_frames, strict=True)
    ]
    return np.array(rows)


def _expected_outputs(logits: tf.Tensor, info: ModelInfo) -> Tensors:
    logits = tf.cast(logits, tf.float32)
    return {"logits": logits, "probabilities": tf.nn.softmax(logits / info.temperature)}


def _largest_difference(served: Tensors, expected: Tensors) -> float:
    differences = [
        tf.abs(served[name] - expected[name]) / tf.maximum(tf.abs(expected[name]), 1.0)
        for name in ("logits", "probabilities")
    ]
    return float(np.max(differences))
