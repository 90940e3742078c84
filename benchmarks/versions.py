"""The two versions that `train_step` compares, and the batch that both get."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from benchmarks.plain import plain_dual_level
from ser_keras.models.variants import build_model
from ser_keras.settings import PRESETS
from ser_keras.training.optimisation import compile_model

VERSIONS = ("ours", "plain")
BATCH, MFCC_FRAMES, NUM_FRAMES, N_MELS = 32, 370, (460, 230), (64, 128)
EMOTIONS = 4
PRODUCT_SIZE = 3072
SETTINGS = PRESETS["paper"]
NETWORK = SETTINGS.network


def build(version: str) -> keras.Model:
    """One of the two models, compiled as training compiles it."""
    keras.utils.set_random_seed(0)
    if version == "ours":
        model = build_model("dual_level", NETWORK, EMOTIONS, NUM_FRAMES, N_MELS)
    else:
        model = plain_dual_level(NETWORK, EMOTIONS, NUM_FRAMES, N_MELS)
    compile_model(model, "dual_level", SETTINGS.optimiser, EMOTIONS)
    return model


def batch(size: int) -> tuple[dict, tf.Tensor]:
    """Inputs as training gets them (dB, MFCC of the usual size), and labels; seeded."""
    rng = np.random.default_rng(0)
    mels = [rng.normal(-40, 15, (size, *shape)) for shape in zip(NUM_FRAMES, N_MELS, strict=True)]
    inputs = {
        "mfcc": tf.constant(rng.normal(0, 5, (size, MFCC_FRAMES, 39)), tf.float32),
        "num_mfcc_frames": tf.constant(
            rng.integers(MFCC_FRAMES // 4, MFCC_FRAMES + 1, size), tf.int32
        ),
        "mel_narrow": tf.constant(mels[0], tf.float32),
        "mel_wide": tf.constant(mels[1], tf.float32),
    }
    return inputs, tf.constant(rng.integers(0, EMOTIONS, size), tf.int32)


def training_step(model: keras.Model, size: int):
    """A call that takes one training step on a batch of this size."""
    inputs, labels = batch(size)
    outputs = dict.fromkeys(model.output, labels)
    return lambda: model.train_on_batch(inputs, outputs)


def product() -> Callable:
    """A large matrix product: what this machine's arithmetic can do at its best."""
    multiply = tf.function(tf.matmul)
    matrix = tf.random.stateless_normal((PRODUCT_SIZE, PRODUCT_SIZE), (0, 0))
    return lambda: multiply(matrix, matrix).numpy()


def exported_answers(model: keras.Model, sizes: Sequence[int]) -> dict[str, Callable]:
    """A call for each size of batch that asks the exported graph, signature `features`."""
    from benchmarks.serving import INFO, saved_and_loaded

    info = replace(INFO, num_frames=NUM_FRAMES)
    with tempfile.TemporaryDirectory() as folder:
        served = saved_and_loaded(model, info, Path(folder))
    calls = {}
    for size in sizes:
        inputs, _ = batch(size)
        request = {
            name: 10 ** (value / 10) if name.startswith("mel") else value
            for name, value in inputs.items()
        }
        for name, frames in zip(("narrow", "wide"), NUM_FRAMES, strict=True):
            request[f"num_frames_{name}"] = tf.fill((size,), frames)
        # The folder is gone; the graph and its variables are in memory.
        calls[str(size)] = lambda request=request: served.signatures["features"](**request)
    return calls


def prediction(model: keras.Model, size: int):
    """A call that predicts a batch of this size."""
    inputs, _ = batch(size)
    return lambda: model.predict_on_batch(inputs)
