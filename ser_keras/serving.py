"""The graph that a server runs: a recording or its features in, an emotion or a reason out.

It holds core TensorFlow operations only. Every signature is built from the same pieces: the checks
of `verdicts`, the front ends of `layers`, the model, and one set of named outputs.
"""

import math
from collections.abc import Mapping
from pathlib import Path

import keras
import tensorflow as tf

from data_pipeline.audio import MIN_SAMPLES
from data_pipeline.mfcc import NUM_MFCC
from ser_keras.errors import SerError
from ser_keras.layers import AudioFrontEnd, FeatureFrontEnd
from ser_keras.layers.feature_front_end import FRAME_COUNTS
from ser_keras.verdicts import features_error, score_error, waveform_error

FEATURES, WAVEFORM = "features", "waveform"
INFO_FILE = "info.json"
LABELS_FILE = "labels.txt"

Tensors = dict[str, tf.Tensor]


def emotion_server(model: keras.Model, info: Mapping, assets_dir: Path) -> tf.Module:
    """The model behind its signatures, as a module with a concrete function for each.

    `features` takes features as they are computed (only those that the variant needs):
        mfcc: (batch, frames, 39) float32, zero-padded, with num_mfcc_frames: (batch,) int32.
        mel_narrow: (batch, frames, n_mels) float32, mel power before any logarithm, padded, with
            num_frames_narrow: (batch,) int32.
        mel_wide: the same for the wide analysis window, with num_frames_wide.

    `waveform` takes recordings:
        waveform: (batch, samples) float32, mono, 16 kHz, in [-1, 1], padded with anything.
        num_samples: (batch,) int32, how many of them are real.

    Outputs:
        probabilities: (batch, num_emotions) float32, in the order of `labels.txt`: the softmax of
            logits / temperature, the temperature of `info` (1 where it has none).
        logits: (batch, num_emotions) float32.
        emotion: (batch,) string, the most probable one.
        error: (batch,) string, "" where all is well.

    An example without an answer has its reason in `error`, an empty emotion, and zeros for its
    probabilities and logits. Its neighbours are not touched, since a server merges the requests of
    several clients into one batch.

    Args:
        model: a dict of named inputs to a dict with "logits" (batch, num_emotions).
        info: the mapping of a fold's `model/info.json`.
        assets_dir: the folder of `labels.txt` and `info.json`, to be stored with the graph.

    Raises:
        SerError: the temperature is no positive number.
    """
    temperature = _temperature(info)
    feature_front_end = FeatureFrontEnd(info["num_frames"])
    audio_front_end = AudioFrontEnd(info["features"]["n_fft"], tuple(feature_depths(info)))

    def answer(features: Tensors, error: tf.Tensor) -> Tensors:
        logits = model(feature_front_end(features), training=False)["logits"]
        logits = tf.cast(logits, tf.float32)
        return _named_outputs(logits, temperature, error, info["emotions"])

    def answer_features(**features: tf.Tensor) -> Tensors:
        return answer(features, features_error(features))

    def answer_waveform(waveform: tf.Tensor, num_samples: tf.Tensor) -> Tensors:
        error = waveform_error(waveform, num_samples)
        return answer(audio_front_end(*_usable(waveform, num_samples, error)), error)

    server = tf.Module(name="emotion_server")
    # The variables alone: tracking the Keras model would store all of its own functions too.
    server.model_variables = [variable.value for variable in model.variables]
    server.labels_file = tf.saved_model.Asset(str(assets_dir / LABELS_FILE))
    server.info_file = tf.saved_model.Asset(str(assets_dir / INFO_FILE))
    server.features = _traced(answer_features, **_feature_specs(info))
    server.waveform = _traced(answer_waveform, **WAVEFORM_SPECS)
    return server


def signatures(server: tf.Module) -> dict:
    """Name of each signature and its function; `serving_default` is what a server calls itself."""
    return {
        "serving_default": server.features,
        FEATURES: server.features,
        WAVEFORM: server.waveform,
    }


def feature_depths(info: Mapping) -> dict[str, int]:
    """Values a frame of each feature that the variant takes."""
    narrow, wide = info["n_mels"]
    depths = {"mfcc": NUM_MFCC, "mel_narrow": narrow, "mel_wide": wide}
    return {name: depth for name, depth in depths.items() if name in info["inputs"]}


WAVEFORM_SPECS = {
    "waveform": tf.TensorSpec((None, None), tf.float32, name="waveform"),
    "num_samples": tf.TensorSpec((None,), tf.int32, name="num_samples"),
}


def _feature_specs(info: Mapping) -> dict[str, tf.TensorSpec]:
    """The named inputs of `features`, for the variant that `info` describes."""
    specs = {}
    for name, depth in feature_depths(info).items():
        count = FRAME_COUNTS[name]
        specs[name] = tf.TensorSpec((None, None, depth), tf.float32, name=name)
        specs[count] = tf.TensorSpec((None,), tf.int32, name=count)
    return specs


def _traced(function, **specs: tf.TensorSpec):
    return tf.function(function, autograph=False).get_concrete_function(**specs)


def _temperature(info: Mapping) -> float:
    """What the logits are divided by (calibration); older runs have none."""
    temperature = info.get("temperature", 1.0)
    if not (isinstance(temperature, int | float) and 0 < temperature < math.inf):
        raise SerError(
            f"info.json: temperature is {temperature!r}, expected a positive number: "
            "train the fold again"
        )
    return float(temperature)


def _usable(
    waveform: tf.Tensor, num_samples: tf.Tensor, error: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """What the front end may be given: bad recordings are 25 ms of zeros, good ones are clipped.

    The batch is cut to its longest good recording, so that a bad one costs no time or memory.
    """
    is_good = tf.equal(error, "")
    num_samples = tf.where(is_good, num_samples, MIN_SAMPLES)
    longest = tf.reduce_max(tf.concat([num_samples, [MIN_SAMPLES]], axis=0))
    waveform = tf.pad(waveform[:, :longest], [[0, 0], [0, MIN_SAMPLES]])[:, :longest]
    waveform = tf.where(is_good[:, tf.newaxis], waveform, 0.0)
    return tf.clip_by_value(waveform, -1.0, 1.0), num_samples


def _named_outputs(
    logits: tf.Tensor, temperature: float, error: tf.Tensor, emotions: list[str]
) -> Tensors:
    """The outputs of a signature from logits (batch, num_emotions) float32.

    Zeros stand for the logits of an example without an answer: NaN is no JSON, and the server's
    REST replies would not parse.
    """
    error = score_error(logits, error)
    is_good = tf.equal(error, "")
    scores = {"probabilities": tf.nn.softmax(logits / temperature), "logits": logits}
    kept = {
        name: tf.where(is_good[:, tf.newaxis], score, tf.zeros_like(score))
        for name, score in scores.items()
    }
    best = tf.gather(tf.constant(emotions), tf.argmax(logits, axis=1))
    return kept | {"emotion": tf.where(is_good, best, ""), "error": error}
