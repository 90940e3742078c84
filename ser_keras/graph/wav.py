"""16-bit PCM WAV files decoded inside the graph, each by itself.

`tf.audio.decode_wav` fails the whole batch for one bad file, keeps the first channel instead of
the mean, and takes a sample rate of 0 and no audio at all for a recording. Here every file of a
batch is parsed at once, nothing ever fails, and what is wrong with a file is said in words.
"""

import tensorflow as tf

from data_pipeline.audio.kinds import HEAD_BYTES, KINDS, Kind
from data_pipeline.audio.limits import CANCELLING_SHARE, SILENCE_PEAK
from data_pipeline.audio.refusals import (
    CHANNELS_CANCEL,
    CUT_OFF,
    LENGTH_UNKNOWN,
    MORE_THAN_TOLD,
    NO_AUDIO,
    SEVERAL_WAV,
)
from data_pipeline.audio.riff import UNKNOWN_SIZE
from data_pipeline.audio.waveform import INT16_SCALE, SAMPLE_RATE
from ser_keras.graph.chunks import (
    MAX_CHUNKS,
    Header,
    Tail,
    cut,
    is_wav_file,
    length_of,
    read_header,
    read_tail,
)
from ser_keras.graph.verdicts import Verdict, first_failed, max_samples, too_long, worded

# Samples of all channels: so many channels of the longest recording, or more of a shorter one.
MAX_CHANNELS_OF_LONGEST = 2

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE  # format codes
BITS = 16
# A byte order mark and blanks.
BEFORE_TEXT = r"^\x{FEFF}?[ \t\r\n]*"
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


def decode_wav_files(files: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, Verdict]:
    """Mono recordings from the bytes of WAV files; channels are averaged.

    Args:
        files: (batch,) string, 16-bit PCM WAV at 16 kHz. Chunks before the format and the audio,
            such as LIST, are passed over, and may follow it, too.

    Returns:
        waveform: (batch, samples) float32 in [-1, 1), zero-padded to the longest good one.
        num_samples: (batch,) int32, 0 for a file with an error.
        verdict: on the file itself; its content is still to be judged.
    """
    header = read_header(files)
    verdict = _judge_header(files, header)
    is_good = ~verdict.is_bad
    channels = tf.where(is_good, header.channels, 1)
    num_samples = tf.where(is_good, header.data_size // (2 * channels), 0)
    num_bytes = 2 * channels * num_samples
    audio = tf.strings.substr(files, tf.where(is_good, header.data_start, 0), num_bytes)
    longest = tf.cast(tf.reduce_max(tf.concat([num_bytes, [2]], axis=0)), tf.int32)
    # (batch,) strings -> (batch, values of all channels), zeros beyond the end of each
    values = tf.io.decode_raw(audio, tf.int16, fixed_length=longest)
    cancels = _channels_cancel(values, channels, num_samples)
    verdict = verdict.then(first_failed([(cancels, CHANNELS_CANCEL)]))
    return _mono(values, channels, num_samples), tf.cast(num_samples, tf.int32), verdict


def _judge_header(files: tf.Tensor, header: Header) -> Verdict:
    """What is wrong with each file, before a sample is decoded."""
    length = length_of(files)
    is_wav = is_wav_file(files)
    tail = read_tail(files, header)
    present = length - header.data_start
    channels = tf.maximum(header.channels, 1)
    num_values = header.data_size // 2
    num_samples = num_values // channels
    most = MAX_CHANNELS_OF_LONGEST * tf.cast(max_samples(tf.size(files)), tf.int64)
    words = tf.strings.as_string
    return first_failed(
        [
            (length == 0, EMPTY),
            (~is_wav, _foreign_in_words(files, is_wav)),
            (header.data_start == 0, NO_DATA),
            (header.format_size < FORMAT_BYTES, NO_FORMAT),
            ((header.code != PCM) | (header.bits != BITS), _format_in_words(header)),
            (header.channels == 0, NO_CHANNEL),
            (header.rate != SAMPLE_RATE, worded(WRONG_RATE, words(header.rate))),
            (_tells_no_length(header, tail), LENGTH_UNKNOWN),
            (
                present < header.data_size,
                worded(CUT_OFF, words(present), words(header.data_size)),
            ),
            (tail.is_recording, SEVERAL_WAV),
            (
                tail.size > 0,
                worded(MORE_THAN_TOLD, words(header.data_size), words(tail.size)),
            ),
            (num_samples == 0, NO_AUDIO),
            too_long(num_samples),
            (
                num_values > most,
                worded(TOO_MANY_VALUES, words(num_values), words(channels), words(most)),
            ),
        ]
    )


def _tells_no_length(header: Header, tail: Tail) -> tf.Tensor:
    """Whether the header was written before the length was known: (batch,) bool."""
    has_more = tail.is_recording | (tail.size > 0)
    return (header.data_size >= UNKNOWN_SIZE) | ((header.data_size == 0) & has_more)


def _foreign_in_words(files: tf.Tensor, is_wav: tf.Tensor) -> tf.Tensor:
    """What each file is that is no WAV file; nothing is looked for where all are."""

    def looked_for() -> tf.Tensor:
        head = cut(files, 0, HEAD_BYTES)
        text = tf.strings.lower(tf.strings.regex_replace(head, BEFORE_TEXT, ""))
        found = tf.fill(tf.shape(files), NOT_WAV)
        for kind in reversed(KINDS):
            found = tf.where(_is_of(kind, text if kind.is_text else head), kind.words, found)
        return found

    return tf.cond(tf.reduce_all(is_wav), lambda: tf.fill(tf.shape(files), NOT_WAV), looked_for)


def _is_of(kind: Kind, content: tf.Tensor) -> tf.Tensor:
    checks = [tf.equal(cut(content, at, len(magic)), magic) for at, magic in kind.magic]
    return tf.reduce_all(tf.stack(checks), axis=0)


def _format_in_words(header: Header) -> tf.Tensor:
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


def _channels_cancel(values: tf.Tensor, channels: tf.Tensor, num_samples: tf.Tensor) -> tf.Tensor:
    """Whether the channels of each file cancel each other, as `check_channels` decides."""

    def one(file: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tf.Tensor:
        own, num_channels, num_frames = file
        frames = tf.reshape(own[: num_channels * num_frames], [num_frames, num_channels])
        frames = tf.cast(frames, tf.float64) / INT16_SCALE
        power = tf.reduce_sum(tf.math.reduce_variance(frames, axis=0))
        of_sum = tf.math.reduce_variance(tf.reduce_sum(frames, axis=1))
        return (power > SILENCE_PEAK**2) & (of_sum < CANCELLING_SHARE * power)

    is_mono = tf.reduce_all(channels == 1)
    files = (values, channels, num_samples)
    looked_at = lambda: tf.map_fn(one, files, fn_output_signature=tf.bool)  # noqa: E731
    return tf.cond(is_mono, lambda: tf.zeros_like(channels, tf.bool), looked_at)
