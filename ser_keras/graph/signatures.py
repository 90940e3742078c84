"""The graph that a server runs: a recording or its features in, an emotion or a reason out.

It holds core TensorFlow operations only. Every signature is built from the same pieces: the checks
of `verdicts`, the front ends of `layers`, the model, and one set of named outputs.
"""

from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

from data_pipeline.audio.limits import MIN_SAMPLES
from data_pipeline.contract import FRAME_COUNTS, MEL_NARROW, MEL_WIDE, MFCC, NUM_MFCC
from data_pipeline.features.mfcc import num_mfcc_frames
from ser_keras.graph.audio_front_end import AudioFrontEnd
from ser_keras.graph.feature_front_end import FeatureFrontEnd
from ser_keras.graph.halves import in_halves
from ser_keras.graph.layout import (
    ADAPTED,
    ADAPTED_WAVEFORM,
    AUDIO_BYTES,
    DEFAULT,
    FEATURES,
    FUNCTIONALS,
    WAVEFORM,
)
from ser_keras.graph.requests import Tensors
from ser_keras.graph.verdicts import (
    MAX_BATCH_SIZE,
    TOO_MANY,
    Verdict,
    judge_features,
    judge_logits,
    judge_waveform,
    max_samples,
)
from ser_keras.graph.wav import decode_wav_files
from ser_keras.layers.stream_functionals import num_functionals
from ser_keras.model_info import ModelInfo
from ser_keras.models.linear_part import functionals_of
from ser_keras.models.variants import PROFILE

APART = {"_noinline": True}
AUDIO_BYTES_SPECS = {"audio_bytes": tf.TensorSpec((None,), tf.string, name="audio_bytes")}
WAVEFORM_SPECS = {
    "waveform": tf.TensorSpec((None, None), tf.float32, name="waveform"),
    "num_samples": tf.TensorSpec((None,), tf.int32, name="num_samples"),
}


def emotion_server(model: keras.Model, info: ModelInfo, assets_dir: Path) -> tf.Module:
    """The model behind its signatures, as a module with a concrete function for each.

    `audio_bytes` takes files:
        audio_bytes: (batch,) string, 16-bit PCM WAV at 16 kHz; channels are averaged.

    `waveform` takes recordings:
        waveform: (batch, samples) float32, mono, 16 kHz, in [-1, 1], padded with anything.
        num_samples: (batch,) int32, how many of them are real.

    `features` takes features as they are computed (only those that the variant needs):
        mfcc: (batch, frames, 39) float32, zero-padded, with num_mfcc_frames: (batch,) int32.
        mel_narrow: (batch, frames, n_mels) float32, mel power before any logarithm, padded, with
            num_frames_narrow: (batch,) int32.
        mel_wide: the same for the wide analysis window, with num_frames_wide.

    A model that takes the profile of a voice has three more. `adapted` takes files, and
    `adapted_waveform` recordings, with
        profile: (batch, 2, num_functionals) float32, as `ser adapt` makes it; zeros are nobody's,
            which the signatures without a profile answer by.

    `functionals` takes what `waveform` takes and gives what a profile is made from:
        functionals: (batch, num_functionals) float32, and error: (batch,) string.

    `features_undivided`, which is no signature, is `features` without a branch on the size of the
    batch: what converts models cannot read a branch with loops in it.

    Outputs of the others:
        probabilities: (batch, num_emotions) float32, in the order of `labels.txt`: the softmax of
            logits / temperature, the temperature of `info`.
        logits: (batch, num_emotions) float32.
        emotion: (batch,) string, the most probable one.
        error: (batch,) string, "" where all is well.

    An example without an answer has its reason in `error`, an empty emotion, and zeros for its
    probabilities and logits. Its neighbours are not touched, since a server merges the requests of
    several clients into one batch.

    Args:
        model: a dict of named inputs to a dict with "logits" (batch, num_emotions).
        info: what the model knows of itself.
        assets_dir: a folder of files to be stored with the graph.
    """
    feature_front_end = FeatureFrontEnd(info.num_frames)
    audio_front_end = AudioFrontEnd(info.features["n_fft"], tuple(feature_depths(info)))

    # Once in the file, whatever the signatures are, and once in memory: other functions TensorFlow
    # copies to each of their calls, and improves every copy before the first answer.
    @tf.function(autograph=False, reduce_retracing=True, experimental_attributes=APART)
    def network(inputs: Tensors) -> tf.Tensor:
        return tf.cast(model(inputs, training=False)["logits"], tf.float32)

    def answer(
        features: Tensors,
        verdict: Verdict,
        profile: tf.Tensor | None = None,
        undivided: bool = False,
    ) -> Tensors:
        inputs = feature_front_end(features)
        if info.takes_profile:
            nobody = tf.zeros((tf.size(verdict.error), 2, num_functionals(info.n_mels)))
            inputs |= {PROFILE: nobody if profile is None else profile}
        logits = network(inputs) if undivided else in_halves(network, inputs)
        # A function that is called apart does not tell the shape of what it gives.
        logits = tf.ensure_shape(logits, (None, len(info.emotions)))
        verdict = verdict.then(judge_logits(logits))
        told = profile is not None and info.adapted_temperature
        temperature = told or info.temperature
        return _named_outputs(logits, temperature, verdict, info.emotions)

    def answer_features(**features: tf.Tensor) -> Tensors:
        features = _shortened(features)
        return answer(_with_a_frame(features), judge_features(features))

    def answer_undivided(**features: tf.Tensor) -> Tensors:
        features = _shortened(features)
        return answer(_with_a_frame(features), judge_features(features), undivided=True)

    def answer_waveform(
        waveform: tf.Tensor, num_samples: tf.Tensor, profile: tf.Tensor | None = None
    ) -> Tensors:
        verdict = judge_waveform(waveform, num_samples)
        return answer_recording(waveform, num_samples, verdict, profile)

    def answer_audio_bytes(audio_bytes: tf.Tensor, profile: tf.Tensor | None = None) -> Tensors:
        waveform, num_samples, verdict = decode_wav_files(audio_bytes)
        verdict = verdict.then(judge_waveform(waveform, num_samples))
        return answer_recording(waveform, num_samples, verdict, profile)

    def answer_recording(
        waveform: tf.Tensor,
        num_samples: tf.Tensor,
        verdict: Verdict,
        profile: tf.Tensor | None = None,
    ) -> Tensors:
        features = audio_front_end(*_usable(waveform, num_samples, verdict.is_bad))
        return answer(features, verdict, profile)

    def give_functionals(waveform: tf.Tensor, num_samples: tf.Tensor) -> Tensors:
        verdict = judge_waveform(waveform, num_samples)
        features = audio_front_end(*_usable(waveform, num_samples, verdict.is_bad))
        functionals = functionals_of(model, feature_front_end(features))
        return {"functionals": functionals, "error": verdict.error}

    server = tf.Module(name="emotion_server")
    # The variables alone: tracking the Keras model would store all of its own functions too.
    server.model_variables = [variable.value for variable in model.variables]
    server.assets = [tf.saved_model.Asset(str(path)) for path in sorted(assets_dir.iterdir())]
    server.audio_bytes = _traced(answer_audio_bytes, **AUDIO_BYTES_SPECS)
    server.waveform = _traced(answer_waveform, **WAVEFORM_SPECS)
    server.features = _traced(answer_features, **_feature_specs(info))
    server.features_undivided = _traced(answer_undivided, **_feature_specs(info))
    if info.takes_profile:
        size = num_functionals(info.n_mels)
        profile = {PROFILE: tf.TensorSpec((None, 2, size), tf.float32, name=PROFILE)}
        server.adapted = _traced(answer_audio_bytes, **AUDIO_BYTES_SPECS, **profile)
        server.adapted_waveform = _traced(answer_waveform, **WAVEFORM_SPECS, **profile)
        server.functionals = _traced(give_functionals, **WAVEFORM_SPECS)
    return server


def signatures_of(server: tf.Module) -> dict[str, tf.types.experimental.ConcreteFunction]:
    """The signatures and their functions by name."""
    usual = {
        DEFAULT: server.audio_bytes,
        AUDIO_BYTES: server.audio_bytes,
        WAVEFORM: server.waveform,
        FEATURES: server.features,
    }
    names = (ADAPTED, ADAPTED_WAVEFORM, FUNCTIONALS)
    own = {name: getattr(server, name, None) for name in names}
    return usual | {name: function for name, function in own.items() if function is not None}


def feature_depths(info: ModelInfo) -> dict[str, int]:
    """Values a frame of each feature that the variant takes."""
    narrow, wide = info.n_mels
    depths = {MFCC: NUM_MFCC, MEL_NARROW: narrow, MEL_WIDE: wide}
    return {name: depth for name, depth in depths.items() if name in info.inputs}


def _feature_specs(info: ModelInfo) -> dict[str, tf.TensorSpec]:
    """The named inputs of `features`, for the variant that `info` describes."""
    specs = {}
    for name, depth in feature_depths(info).items():
        count = FRAME_COUNTS[name]
        specs[name] = tf.TensorSpec((None, None, depth), tf.float32, name=name)
        specs[count] = tf.TensorSpec((None,), tf.int32, name=count)
    return specs


def _traced(
    answer: Callable[..., Tensors], **specs: tf.TensorSpec
) -> tf.types.experimental.ConcreteFunction:
    """The graph of a signature, which computes answers for MAX_BATCH_SIZE examples at most.

    A batch of none has answers for none; the model is asked about one bad example instead.
    """

    def answer_some(**inputs: tf.Tensor) -> Tensors:
        num_examples = tf.shape(next(iter(inputs.values())))[0]
        some = {name: _at_least_one(value[:MAX_BATCH_SIZE]) for name, value in inputs.items()}
        surplus = tf.maximum(num_examples - MAX_BATCH_SIZE, 0)
        return {
            name: _extended(value, surplus, name)[:num_examples]
            for name, value in answer(**some).items()
        }

    return tf.function(answer_some, autograph=False).get_concrete_function(**specs)


def _at_least_one(batch: tf.Tensor) -> tf.Tensor:
    """A batch (batch, ...) as it is; with an example of nothing where it has none."""
    missing = tf.maximum(1 - tf.shape(batch)[:1], 0)
    nothing = tf.fill(tf.concat([missing, tf.shape(batch)[1:]], axis=0), tf.zeros((), batch.dtype))
    return tf.ensure_shape(tf.concat([batch, nothing], axis=0), batch.shape)


def _extended(output: tf.Tensor, surplus: tf.Tensor, name: str) -> tf.Tensor:
    """An output of (batch, ...) with rows for the examples that were too many."""
    fill = {"error": TOO_MANY, "emotion": ""}.get(name, 0.0)
    return tf.concat([output, tf.fill([surplus, *output.shape[1:]], fill)], axis=0)


def _shortened(features: Tensors) -> Tensors:
    """Features without the frames that no recording may have; `judge_features` then refuses them.

    Of the spectrograms the model takes a fixed number of frames, so they may stay as they are.
    """
    if MFCC not in features:
        return features
    mfcc = features[MFCC]
    most = num_mfcc_frames(max_samples(tf.shape(mfcc)[0]))
    return features | {MFCC: mfcc[:, :most]}


def _with_a_frame(features: Tensors) -> Tensors:
    """Features of one frame or more: the front end cannot look into a batch of none at all.

    Only a batch that has been judged bad is longer for it; others are handed on as they are.
    """
    return features | {
        name: tf.pad(frames, [[0, 0], [0, tf.maximum(1 - tf.shape(frames)[1], 0)], [0, 0]])
        for name, frames in features.items()
        if name in FRAME_COUNTS
    }


def _usable(
    waveform: tf.Tensor, num_samples: tf.Tensor, is_bad: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """What the front end may be given: bad recordings are 25 ms of zeros, good ones are clipped.

    The batch is cut to its longest good recording, so that a bad one costs no time or memory.
    """
    num_samples = tf.where(is_bad, MIN_SAMPLES, num_samples)
    longest = tf.reduce_max(tf.concat([num_samples, [MIN_SAMPLES]], axis=0))
    waveform = tf.pad(waveform[:, :longest], [[0, 0], [0, MIN_SAMPLES]])[:, :longest]
    waveform = tf.where(is_bad[:, tf.newaxis], 0.0, waveform)
    return tf.clip_by_value(waveform, -1.0, 1.0), num_samples


def _named_outputs(
    logits: tf.Tensor, temperature: float, verdict: Verdict, emotions: tuple[str, ...]
) -> Tensors:
    """The outputs of a signature from logits (batch, num_emotions) float32.

    Zeros stand for the logits of an example without an answer: NaN is no JSON, and the server's
    REST replies would not parse.
    """
    scores = {"probabilities": tf.nn.softmax(logits / temperature), "logits": logits}
    kept = {
        name: tf.where(verdict.is_bad[:, tf.newaxis], 0.0, score) for name, score in scores.items()
    }
    best = tf.gather(tf.constant(emotions), tf.argmax(logits, axis=1))
    return kept | {"emotion": tf.where(verdict.is_bad, "", best), "error": verdict.error}
