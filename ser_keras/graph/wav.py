"""16-bit PCM WAV files decoded inside the graph, each by itself.

`tf.audio.decode_wav` fails the whole batch for one bad file, keeps the first channel instead of
the mean, and takes a sample rate of 0 and no audio at all for a recording. Here every file of a
batch is parsed at once, nothing ever fails, and what is wrong with a file is said in words.
"""

from typing import NamedTuple

import tensorflow as tf

from data_pipeline.audio.refusals import CUT_OFF, NO_AUDIO
from data_pipeline.audio.waveform import INT16_SCALE, SAMPLE_RATE
from ser_keras.graph.verdicts import Verdict, first_failed, max_samples, too_long, worded

# Chunks looked at before the audio: each costs a step, and a file may hold millions of empty ones.
MAX_CHUNKS = 64
# Samples of all channels: so many channels of the longest recording, or more of a shorter one.
MAX_CHANNELS_OF_LONGEST = 2

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE  # format codes
BITS = 16
FORMAT_BYTES = 16  # of the format chunk, as far as it is read

EMPTY = "the file is empty (0 bytes); expected a WAV file of 16-bit PCM"
NOT_WAV = "not a WAV file; expected RIFF/WAVE with 16-bit PCM: convert the recording"
NO_FORMAT = "its header has no format chunk before the audio; convert the recording again"
NO_DATA = (
    f"its header is cut off or has more than {MAX_CHUNKS} chunks before the audio; "
    "copy or convert the recording again"
)
WRONG_FORMAT = "a WAV file of {}; expected 16-bit PCM: convert the recording"
NO_CHANNEL = "has 0 channels; expected 1 or more: convert the recording again"
WRONG_RATE = f"sample rate {{}} Hz; expected {SAMPLE_RATE} Hz: resample the recording"
TOO_MANY_VALUES = "holds {} samples in {} channels; expected at most {} in all: mix them down"


class _Header(NamedTuple):
    """What the headers say: (batch,) int64 each; 0 where a file has no such chunk."""

    format_size: tf.Tensor
    code: tf.Tensor
    channels: tf.Tensor
    rate: tf.Tensor
    bits: tf.Tensor
    data_start: tf.Tensor
    data_size: tf.Tensor


def decode_wav_files(files: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, Verdict]:
    """Mono recordings from the bytes of WAV files; channels are averaged.

    Args:
        files: (batch,) string, 16-bit PCM WAV at 16 kHz. Chunks before the format and the audio,
            such as LIST, are passed over, and what follows the audio is not looked at.

    Returns:
        waveform: (batch, samples) float32 in [-1, 1), zero-padded to the longest good one.
        num_samples: (batch,) int32, 0 for a file with an error.
        verdict: on the file itself; its content is still to be judged.
    """
    header = _header(files)
    verdict = _judge_header(files, header)
    is_good = ~verdict.is_bad
    channels = tf.where(is_good, header.channels, 1)
    num_samples = tf.where(is_good, header.data_size // (2 * channels), 0)
    num_bytes = 2 * channels * num_samples
    audio = tf.strings.substr(files, tf.where(is_good, header.data_start, 0), num_bytes)
    longest = tf.cast(tf.reduce_max(tf.concat([num_bytes, [2]], axis=0)), tf.int32)
    # (batch,) strings -> (batch, values of all channels), zeros beyond the end of each
    values = tf.io.decode_raw(audio, tf.int16, fixed_length=longest)
    return _mono(values, channels, num_samples), tf.cast(num_samples, tf.int32), verdict


def _header(files: tf.Tensor) -> _Header:
    """Walk the chunks of all files at once, up to the audio of each."""
    length = _length(files)
    nothing = tf.zeros_like(length)

    def is_searching(position: tf.Tensor, data_start: tf.Tensor) -> tf.Tensor:
        return (data_start == 0) & (position + 8 <= length)

    def look(
        step: tf.Tensor,
        position: tf.Tensor,
        format_start: tf.Tensor,
        format_size: tf.Tensor,
        data_start: tf.Tensor,
        data_size: tf.Tensor,
    ) -> tuple[tf.Tensor, ...]:
        name = _cut(files, position, 4)
        size = _integer(files, position + 4, 4)
        here = is_searching(position, data_start)
        is_format = here & tf.equal(name, "fmt ") & (format_start == 0)
        is_data = here & tf.equal(name, "data")
        return (
            step + 1,
            position + 8 + size + size % 2,  # chunks are padded to an even length
            tf.where(is_format, position + 8, format_start),
            tf.where(is_format, size, format_size),
            tf.where(is_data, position + 8, data_start),
            tf.where(is_data, size, data_size),
        )

    *_, start, format_size, data_start, data_size = tf.while_loop(
        lambda step, position, _, __, data_start, ___: tf.reduce_any(
            is_searching(position, data_start)
        ),
        look,
        (0, nothing + 12, nothing, nothing, nothing, nothing),
        maximum_iterations=MAX_CHUNKS,
    )
    fields = ((0, 2), (2, 2), (4, 4), (14, 2))
    code, channels, rate, bits = (_integer(files, start + at, size) for at, size in fields)
    return _Header(format_size, code, channels, rate, bits, data_start, data_size)


def _judge_header(files: tf.Tensor, header: _Header) -> Verdict:
    """What is wrong with each file, before a sample is decoded."""
    length = _length(files)
    is_wav = tf.equal(_cut(files, 0, 4), "RIFF") & tf.equal(_cut(files, 8, 4), "WAVE")
    present = length - header.data_start
    channels = tf.maximum(header.channels, 1)
    num_values = header.data_size // 2
    num_samples = num_values // channels
    most = MAX_CHANNELS_OF_LONGEST * tf.cast(max_samples(tf.size(files)), tf.int64)
    words = tf.strings.as_string
    return first_failed(
        [
            (length == 0, EMPTY),
            (~is_wav, NOT_WAV),
            (header.data_start == 0, NO_DATA),
            (header.format_size < FORMAT_BYTES, NO_FORMAT),
            ((header.code != PCM) | (header.bits != BITS), _format_in_words(header)),
            (header.channels == 0, NO_CHANNEL),
            (header.rate != SAMPLE_RATE, worded(WRONG_RATE, words(header.rate))),
            (
                present < header.data_size,
                worded(CUT_OFF, words(present), words(header.data_size)),
            ),
            (num_samples == 0, NO_AUDIO),
            too_long(num_samples),
            (
                num_values > most,
                worded(TOO_MANY_VALUES, words(num_values), words(channels), words(most)),
            ),
        ]
    )


def _format_in_words(header: _Header) -> tf.Tensor:
    words = tf.strings.as_string
    other = worded("format {}", words(header.code))
    pcm = worded("{}-bit PCM", words(header.bits))
    name = tf.where(header.code == PCM, pcm, other)
    name = tf.where(header.code == FLOAT, "floating point", name)
    name = tf.where(header.code == EXTENSIBLE, "the EXTENSIBLE format", name)
    return worded(WRONG_FORMAT, name)


def _mono(values: tf.Tensor, channels: tf.Tensor, num_samples: tf.Tensor) -> tf.Tensor:
    """The mean of the channels, which take turns in `values` (batch, values) int16."""

    def averaged() -> tf.Tensor:
        # A sum of neighbours is a difference of running sums, whatever the number of channels:
        # (batch, values) -> (batch, values + 1), 0 first.
        sums = tf.cumsum(tf.pad(tf.cast(values, tf.int64), [[0, 0], [1, 0]]), axis=1)
        edges = tf.range(tf.reduce_max(tf.concat([num_samples, [1]], axis=0)) + 1)
        # (samples + 1,) -> (batch, samples + 1): where each sample of each file begins in `values`.
        edges = tf.minimum(edges, num_samples[:, tf.newaxis]) * channels[:, tf.newaxis]
        at_edges = tf.cast(tf.gather(sums, edges, axis=1, batch_dims=1), tf.float64)
        # (batch, samples + 1) -> (batch, samples)
        mean = (at_edges[:, 1:] - at_edges[:, :-1]) / tf.cast(channels, tf.float64)[:, tf.newaxis]
        return tf.cast(mean, tf.float32)

    is_mono = tf.reduce_all(channels == 1)
    return tf.cond(is_mono, lambda: tf.cast(values, tf.float32), averaged) / INT16_SCALE


def _length(files: tf.Tensor) -> tf.Tensor:
    """Bytes of each file: (batch,) int64, because sizes in headers reach 2**32 - 1."""
    return tf.cast(tf.strings.length(files), tf.int64)


def _cut(files: tf.Tensor, start: tf.Tensor | int, size: int) -> tf.Tensor:
    """`size` bytes of each file from `start` on, fewer or none at its end."""
    start = tf.minimum(tf.cast(start, tf.int64), _length(files))
    return tf.strings.substr(files, start, tf.fill(tf.shape(start), tf.constant(size, tf.int64)))


def _integer(files: tf.Tensor, start: tf.Tensor, size: int) -> tf.Tensor:
    """The little-endian unsigned integer of `size` bytes there; zeros stand beyond the end."""
    digits = tf.cast(
        tf.io.decode_raw(_cut(files, start, size), tf.uint8, fixed_length=size), tf.int64
    )
    # (batch, size) -> (batch,)
    return tf.reduce_sum(digits * [256**place for place in range(size)], axis=1)
