"""Why an example of a request gets no answer, in the graph and in plain words.

A server merges the requests of several clients into one batch, so nothing here fails a batch: each
example has a verdict of its own. The words about the content of a recording are those of
`data_pipeline.audio.refusals`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from data_pipeline.audio.limits import (
    FAR_OVER,
    MAX_PEAK,
    MIN_SAMPLES,
    SAMPLES_PER_FAR_OVER,
    SILENCE_PEAK,
)
from data_pipeline.audio.refusals import NOT_FINITE, NOT_SCALED, SILENT, TOO_SHORT
from data_pipeline.audio.waveform import SAMPLE_RATE
from data_pipeline.contract import FRAME_COUNTS, MAX_SECONDS, MELS

# Bounds of the memory that a batch takes, whatever a client sends (see `max_samples`).
MAX_BATCH_SECONDS = 16 * MAX_SECONDS
MAX_BATCH_SIZE = 64

TOO_MANY = f"the request holds more than {MAX_BATCH_SIZE} examples; send them in several requests"
TOO_LONG = "{} s long; expected at most {} s: cut it into utterances"
WRONG_COUNT = "{} is {}; expected {} to {}"
NO_POWER = "{} holds values below 0; expected mel power, without a logarithm"
NOT_FINITE_FEATURE = "{} holds NaN or infinite values; expected finite ones"
NO_FINITE_SCORE = "the model gives no finite score for it"


class Verdict(NamedTuple):
    """Whether each example is to be left without an answer, and why.

    Kept apart, so that engines which know no strings can run the numeric outputs.

    Attributes:
        is_bad: (batch,) bool.
        error: (batch,) string, "" for good ones.
    """

    is_bad: tf.Tensor
    error: tf.Tensor

    def then(self, later: "Verdict") -> "Verdict":
        """This verdict, and for the examples that are good so far a later one."""
        return first_failed([self, later])


def first_failed(checks: Sequence[tuple[tf.Tensor, str | tf.Tensor]]) -> Verdict:
    """The verdict of the first check that an example fails.

    Args:
        checks: pairs of is_bad (batch,) bool and the words, one string or (batch,) strings.
    """
    error = tf.fill(tf.shape(checks[0][0]), "")
    for is_bad, words in reversed(checks):
        error = tf.where(is_bad, words, error)
    return Verdict(tf.reduce_any(tf.stack([is_bad for is_bad, _ in checks]), axis=0), error)


def worded(template: str, *values: str | tf.Tensor) -> tf.Tensor:
    """A sentence an example: the template's `{}` filled with (batch,) strings or plain text."""
    first, *others = template.split("{}")
    parts = [first]
    for value, text in zip(values, others, strict=True):
        parts += [value, text]
    return tf.strings.join(parts)


def max_samples(batch_size: tf.Tensor) -> tf.Tensor:
    """Samples that a recording may have: 60 s in batches of up to 16, fewer in larger ones."""
    of_batch = MAX_BATCH_SECONDS * SAMPLE_RATE // tf.maximum(batch_size, 1)
    return tf.minimum(MAX_SECONDS * SAMPLE_RATE, of_batch)


def too_long(num_samples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The check of the length of each recording (batch,): whether it fails, and the words."""
    limit = tf.cast(max_samples(tf.size(num_samples)), num_samples.dtype)
    sentence = worded(TOO_LONG, _seconds_in_words(num_samples), _seconds_in_words(limit))
    return num_samples > limit, sentence


def judge_waveform(waveform: tf.Tensor, num_samples: tf.Tensor) -> Verdict:
    """What is wrong with each recording, in the order of `check_waveform`.

    Args:
        waveform: float32 (batch, samples), 16 kHz, mono.
        num_samples: int32 (batch,), how many of them are real.
    """
    sent = tf.shape(waveform)[1]
    waveform = waveform[:, : max_samples(tf.size(num_samples))]
    is_own = tf.sequence_mask(num_samples, tf.shape(waveform)[1])
    own = tf.where(is_own, waveform, 0.0)
    magnitude = tf.abs(own)
    peak = tf.reduce_max(magnitude, axis=1)
    num_far_over = tf.reduce_sum(tf.cast(magnitude > FAR_OVER, tf.int32), axis=1)
    is_not_scaled = (peak > MAX_PEAK) | (num_far_over * SAMPLES_PER_FAR_OVER > num_samples)
    words = tf.strings.as_string
    milliseconds = 1000.0 * tf.cast(num_samples, tf.float64) / SAMPLE_RATE
    return first_failed(
        [
            (
                (num_samples < 0) | (num_samples > sent),
                worded(WRONG_COUNT, "num_samples", words(num_samples), "0", words(sent)),
            ),
            too_long(num_samples),
            (~tf.reduce_all(tf.math.is_finite(own), axis=1), NOT_FINITE),
            (num_samples < MIN_SAMPLES, worded(TOO_SHORT, _short(milliseconds, 3))),
            (_peak_about_mean(own, is_own) < SILENCE_PEAK, SILENT),
            (is_not_scaled, worded(NOT_SCALED, _short(peak, 4))),
        ]
    )


def judge_features(features: dict[str, tf.Tensor]) -> Verdict:
    """What is wrong with the features of each example.

    Args:
        features: the inputs of the signature `features`.
    """
    checks = []
    for name, count in FRAME_COUNTS.items():
        if name in features:
            frames, num_frames = features[name], features[count]
            words, most = tf.strings.as_string, tf.shape(frames)[1]
            sentence = worded(WRONG_COUNT, count, words(num_frames), "1", words(most))
            checks.append(((num_frames < 1) | (num_frames > most), sentence))
            is_bad = ~tf.reduce_all(tf.math.is_finite(frames), axis=(1, 2))
            checks.append((is_bad, NOT_FINITE_FEATURE.format(name)))
            if name in MELS:
                is_bad = tf.reduce_any(frames < 0.0, axis=(1, 2))
                checks.append((is_bad, NO_POWER.format(name)))
    return first_failed(checks)


def judge_logits(logits: tf.Tensor) -> Verdict:
    """Logits (batch, emotions) are to be finite: argmax of NaN is class 0, a confident lie."""
    return first_failed([(~tf.reduce_all(tf.math.is_finite(logits), axis=1), NO_FINITE_SCORE)])


def _seconds_in_words(num_samples: tf.Tensor) -> tf.Tensor:
    """A number of samples, or of each recording, in seconds."""
    return _short(tf.cast(num_samples, tf.float64) / SAMPLE_RATE, digits=4)


def _short(number: tf.Tensor, digits: int) -> tf.Tensor:
    """Python's "%.<digits>g" of each number."""
    return tf.strings.as_string(number, precision=digits, shortest=True)


def _peak_about_mean(own: tf.Tensor, is_own: tf.Tensor) -> tf.Tensor:
    """The largest distance from the mean of each recording's own samples: (batch,)."""
    num_samples = tf.reduce_sum(tf.cast(is_own, tf.float32), axis=1, keepdims=True)
    mean = tf.reduce_sum(own, axis=1, keepdims=True) / tf.maximum(num_samples, 1.0)
    return tf.reduce_max(tf.where(is_own, tf.abs(own - mean), 0.0), axis=1)
