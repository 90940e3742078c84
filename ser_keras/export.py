"""A trained model as a SavedModel that TensorFlow Serving reads.

The graph takes features as they are computed: MFCC frames and raw mel power, each with its own
number of frames. Resizing in time and the logarithm are inside, by the functions that make the
training batches, so that a client cannot get them wrong. It holds core TensorFlow operations only.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from data_pipeline.mel import log_compress, resize_batch_time_axis
from data_pipeline.mfcc import NUM_MFCC
from ser_keras.errors import SerError

TOLERANCE = 1e-5
SIGNATURE = "features"
INFO_FILE = "info.json"
LABELS_FILE = "labels.txt"
# Each feature of the signature and the input that says how many of its frames are real.
FRAME_COUNTS = {
    "mfcc": "num_mfcc_frames",
    "mel_narrow": "num_frames_narrow",
    "mel_wide": "num_frames_wide",
}

Features = dict[str, tf.Tensor]


def export_saved_model(model: keras.Model, info: Mapping, directory: Path | str) -> Path:
    """Write `<directory>/<version>/`, the integer after the highest one that is there.

    The folder is written beside its place, compared with the model (`check_saved_model`) and
    then renamed, so that a server that watches `directory` never sees half a model or a wrong one.

    Args:
        model: a model of `ser_keras.models.build_model`: a dict of named inputs to a dict with
            "logits" (batch, num_emotions).
        info: the mapping of a fold's `model/info.json`; stored with the graph.
        directory: the folder of all versions, such as `saved_models/ser`; made if missing.

    Returns:
        The version folder.

    Raises:
        SerError: the folder cannot be written, or what was written does not equal the model.
    """
    directory = Path(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        # The name is no integer, so a server passes it by; it must share the file system.
        with tempfile.TemporaryDirectory(dir=directory, prefix=".export-") as staging:
            written = _write(model, info, Path(staging))
            check_saved_model(written, model, info)
            return _publish(written, directory)
    except OSError as error:
        reason = error.strerror or error
        raise SerError(f"{directory}: cannot write a SavedModel there ({reason})") from None


def saved_versions(directory: Path | str) -> dict[int, Path]:
    """What lies in `directory` under a number, by that number; other names are passed by."""
    return {int(path.name): path for path in Path(directory).glob("*") if path.name.isdecimal()}


def check_saved_model(version_dir: Path | str, model: keras.Model, info: Mapping) -> float:
    """Reload a SavedModel in this process and compare its answers with the model's.

    The features are silence (no power at all), and noise of many lengths in one padded batch. The
    model gets them resized by a NumPy loop.

    Returns:
        The largest difference of a probability or a logit (of a logit above 1, in relation to it).

    Raises:
        SerError: the difference is above TOLERANCE, or not a number.
    """
    loaded = tf.saved_model.load(str(version_dir))
    # As a graph: step by step, the recurrence alone takes seconds.
    ask_model = tf.function(lambda inputs: model(inputs, training=False), reduce_retracing=True)
    differences = []
    for features in _trial_features(info, np.random.default_rng(0)):
        expected = _expected_outputs(ask_model(_inputs_made_in_numpy(features, info))["logits"])
        served = loaded.signatures[SIGNATURE](**features)
        differences.append(_largest_difference(served, expected))
    largest = float(np.max(differences))  # NumPy's maximum keeps NaN, Python's may lose it
    if not largest <= TOLERANCE:
        raise SerError(
            f"{version_dir}: differs from the model by {largest:.1e}, expected at most "
            f"{TOLERANCE:g}; do not serve it"
        )
    return largest


# --- the graph ------------------------------------------------------------------------------


def feature_server(model: keras.Model, info: Mapping, assets_dir: Path) -> tf.Module:
    """The model with its own preprocessing, as a module with one concrete function, `features`.

    Inputs (only those that the variant needs):
        mfcc: (batch, frames, 39) float32, zero-padded, with num_mfcc_frames: (batch,) int32.
        mel_narrow: (batch, frames, n_mels) float32, mel power before any logarithm, padded, with
            num_frames_narrow: (batch,) int32.
        mel_wide: the same for the wide analysis window, with num_frames_wide.

    Outputs:
        probabilities: (batch, num_emotions) float32, in the order of `labels.txt`.
        logits: (batch, num_emotions) float32, the scores before the softmax.
        emotion: (batch,) string, the most probable one.

    An example without an answer has an empty emotion, and zeros for its probabilities and logits:
    one with a value that is not finite, one whose number of frames is outside 1 to the frames
    sent, or one that the model scores with something that is not finite. Its neighbours are not
    touched, since a server merges the requests of several clients into one batch.

    Args:
        model, info: as for `export_saved_model`.
        assets_dir: the folder of `labels.txt` and `info.json`, to be stored with the graph.
    """

    def answer(**features: tf.Tensor) -> Features:
        logits = model(_model_inputs(features, info), training=False)["logits"]
        return _named_outputs(tf.cast(logits, tf.float32), _usable(features), info["emotions"])

    server = tf.Module(name="feature_server")
    # The variables alone: tracking the Keras model would store all of its own functions too.
    server.model_variables = [variable.value for variable in model.variables]
    server.labels_file = tf.saved_model.Asset(str(assets_dir / LABELS_FILE))
    server.info_file = tf.saved_model.Asset(str(assets_dir / INFO_FILE))
    traced = tf.function(answer, autograph=False)
    server.features = traced.get_concrete_function(**_signature_inputs(info))
    return server


def _signature_inputs(info: Mapping) -> dict[str, tf.TensorSpec]:
    """The named inputs of the signature, for the variant that `info` describes."""
    specs = {}
    for name, depth in _feature_depths(info).items():
        specs[name] = tf.TensorSpec((None, None, depth), tf.float32, name=name)
        count = FRAME_COUNTS[name]
        specs[count] = tf.TensorSpec((None,), tf.int32, name=count)
    return specs


def _feature_depths(info: Mapping) -> dict[str, int]:
    """Values a frame of each feature that the variant takes."""
    narrow, wide = info["n_mels"]
    depths = {"mfcc": NUM_MFCC, "mel_narrow": narrow, "mel_wide": wide}
    return {name: depth for name, depth in depths.items() if name in info["inputs"]}


def _model_inputs(features: Features, info: Mapping) -> Features:
    """The batch of the model from the signature's inputs: lengths clipped, mels resized, in dB."""
    inputs = {}
    for name, frames, num_frames in _with_frame_counts(features):
        # A length that is out of range must not fail the whole batch: _usable marks it.
        num_frames = tf.clip_by_value(num_frames, 1, tf.shape(frames)[1])
        if name == "mfcc":
            inputs |= {"mfcc": frames, "num_mfcc_frames": num_frames}
        else:
            resized = resize_batch_time_axis(frames, num_frames, _num_steps(name, info))
            inputs[name] = log_compress(resized)
    return inputs


def _with_frame_counts(features: Features) -> list[tuple[str, tf.Tensor, tf.Tensor]]:
    return [
        (name, features[name], features[count])
        for name, count in FRAME_COUNTS.items()
        if name in features
    ]


def _num_steps(name: str, info: Mapping) -> int:
    """Time steps that the model takes of a mel spectrogram."""
    narrow, wide = info["num_frames"]
    return {"mel_narrow": narrow, "mel_wide": wide}[name]


def _usable(features: Features) -> tf.Tensor:
    """Which examples are worth scoring. (batch,) bool."""
    verdicts = []
    for _, frames, num_frames in _with_frame_counts(features):
        verdicts.append((num_frames >= 1) & (num_frames <= tf.shape(frames)[1]))
        verdicts.append(tf.reduce_all(tf.math.is_finite(frames), axis=(1, 2)))
    return tf.reduce_all(tf.stack(verdicts), axis=0)


def _named_outputs(logits: tf.Tensor, usable: tf.Tensor, emotions: list[str]) -> Features:
    """The outputs of the signature from logits (batch, num_emotions) float32.

    argmax of NaN is 0, a confident wrong label, hence the empty emotion. Zeros stand for its
    logits too: NaN is no JSON, and the server's REST replies would not parse.
    """
    usable &= tf.reduce_all(tf.math.is_finite(logits), axis=1)
    best = tf.gather(tf.constant(emotions), tf.argmax(logits, axis=1))
    scores = {"probabilities": tf.nn.softmax(logits), "logits": logits}
    kept = {
        name: tf.where(usable[:, tf.newaxis], score, tf.zeros_like(score))
        for name, score in scores.items()
    }
    return kept | {"emotion": tf.where(usable, best, "")}


# --- the folder -----------------------------------------------------------------------------


def _write(model: keras.Model, info: Mapping, staging: Path) -> Path:
    """Write the SavedModel and its assets inside `staging`; returns its folder."""
    (staging / LABELS_FILE).write_text("\n".join(info["emotions"]) + "\n", encoding="utf-8")
    (staging / INFO_FILE).write_text(json.dumps(dict(info), indent=2) + "\n", encoding="utf-8")
    server = feature_server(model, info, staging)
    # Two names for one function: what a server calls when no name is given, and the plain one.
    signatures = {"serving_default": server.features, SIGNATURE: server.features}
    # Not staging itself: a temporary folder is closed to other users, the server among them.
    written = staging / "model"
    tf.saved_model.save(server, str(written), signatures=signatures)
    return written


def _publish(written: Path, directory: Path) -> Path:
    """Rename a written SavedModel to the next version; another exporter may take it first."""
    while True:
        version_dir = directory / str(max(saved_versions(directory), default=0) + 1)
        try:
            return written.rename(version_dir)
        except OSError:
            if not version_dir.exists():
                raise


# --- the check ------------------------------------------------------------------------------


def _trial_features(info: Mapping, rng: np.random.Generator) -> list[Features]:
    """Batches of the signature's inputs: one of silence, one of noise of many lengths."""
    lengths = [1, 50, 200, *rng.integers(5, 200, size=3)]
    return [
        _noise(info, num_frames=[50], level=0.0, rng=rng),
        _noise(info, num_frames=lengths, level=1.0, rng=rng),
    ]


def _noise(
    info: Mapping, num_frames: list[int], level: float, rng: np.random.Generator
) -> Features:
    """Exponential noise, as power is, padded with zeros; each feature shuffles the lengths."""
    features = {}
    for name, depth in _feature_depths(info).items():
        lengths = rng.permutation(num_frames).astype(np.int32)
        real = np.arange(lengths.max()) < lengths[:, np.newaxis]
        noise = level * rng.exponential(size=(*real.shape, depth)) * real[:, :, np.newaxis]
        features[name] = tf.constant(noise, tf.float32)
        features[FRAME_COUNTS[name]] = tf.constant(lengths)
    return features


def _inputs_made_in_numpy(features: Features, info: Mapping) -> Features:
    """The model's inputs, resized by a loop that shares nothing with the graph's."""
    inputs = {}
    for name, frames, num_frames in _with_frame_counts(features):
        if name == "mfcc":
            inputs |= {"mfcc": frames, "num_mfcc_frames": num_frames}
        else:
            resized = _resized(frames.numpy(), num_frames.numpy(), _num_steps(name, info))
            inputs[name] = log_compress(tf.constant(resized))
    return inputs


def _expected_outputs(logits: tf.Tensor) -> Features:
    logits = tf.cast(logits, tf.float32)
    return {"logits": logits, "probabilities": tf.nn.softmax(logits)}


def _resized(mels: np.ndarray, num_frames: np.ndarray, num_steps: int) -> np.ndarray:
    """Nearest-neighbour resizing in NumPy: frame floor(i * L / T) for step i of T."""
    rows = [
        [mel[step * int(length) // num_steps] for step in range(num_steps)]
        for mel, length in zip(mels, num_frames, strict=True)
    ]
    return np.array(rows)


def _largest_difference(served: Features, expected: Features) -> float:
    differences = [
        tf.abs(served[name] - expected[name]) / tf.maximum(tf.abs(expected[name]), 1.0)
        for name in ("logits", "probabilities")
    ]
    return float(np.max(differences))
