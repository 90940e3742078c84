"""The chunks of WAV files, walked inside the graph: those of all files of a batch at once.

The rules are those of `data_pipeline.audio.riff`. Nothing here fails, whatever the bytes are.
"""

from typing import NamedTuple

import tensorflow as tf

from data_pipeline.audio.riff import (
    CHUNK_NAME,
    MAX_TAIL_BYTES,
    NAMES_BESIDE_AUDIO,
    NAMES_OF_A_RECORDING,
)

# Chunks looked at before the audio, and behind it: each costs a step, and a file may hold millions
# of empty ones.
MAX_CHUNKS = 64


class Header(NamedTuple):
    """What the headers say: (batch,) int64 each; 0 where a file has no such chunk."""

    format_size: tf.Tensor
    code: tf.Tensor
    channels: tf.Tensor
    rate: tf.Tensor
    bits: tf.Tensor
    data_start: tf.Tensor
    data_size: tf.Tensor


def read_header(files: tf.Tensor) -> Header:
    """Walk the chunks of all files at once, up to the audio of each."""
    length = length_of(files)
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
        name = cut(files, position, 4)
        size = integer_at(files, position + 4, 4)
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
    code, channels, rate, bits = (integer_at(files, start + at, size) for at, size in fields)
    return Header(format_size, code, channels, rate, bits, data_start, data_size)


class Tail(NamedTuple):
    """What follows the audio of each file.

    Attributes:
        is_recording: (batch,) bool, whether another recording.
        size: (batch,) int64, bytes that are no chunks and may be audio.
    """

    is_recording: tf.Tensor
    size: tf.Tensor


def read_tail(files: tf.Tensor, header: Header) -> Tail:
    """Walk the chunks behind the audio of all files at once: `riff.wav_fault` does the same."""
    length = length_of(files)
    end = header.data_start + header.data_size + header.data_size % 2
    is_wav = is_wav_file(files) & (header.data_start > 0)
    start = tf.where(is_wav, tf.minimum(end, length), length)

    def look(
        position: tf.Tensor, is_stopped: tf.Tensor, is_recording: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        name = cut(files, position, 4)
        size = integer_at(files, position + 4, 4)
        here = ~is_stopped & (position + 8 <= length)
        after = position + 8 + size + size % 2
        is_recording |= here & _is_one_of(name, NAMES_OF_A_RECORDING)
        is_chunk = tf.strings.regex_full_match(name, CHUNK_NAME) & (after <= length + 1)
        is_stopped |= is_recording | ~here | ~is_chunk
        return tf.where(is_stopped, position, after), is_stopped, is_recording

    position, is_stopped, is_recording = tf.while_loop(
        lambda position, is_stopped, _: tf.reduce_any(~is_stopped & (position < length)),
        look,
        (start, tf.zeros_like(is_wav), tf.zeros_like(is_wav)),
        maximum_iterations=MAX_CHUNKS,
    )
    rest = _size_of_rest(files, position)
    return Tail(is_recording, tf.where(is_stopped, rest, tf.zeros_like(rest)))


def _size_of_rest(files: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
    """Bytes from `position` on that may be audio: (batch,) int64."""
    size = tf.maximum(length_of(files) - position, 0)
    rest = tf.strings.substr(files, tf.minimum(position, length_of(files)), size)
    is_beside = _is_one_of(tf.strings.substr(rest, 0, 4), NAMES_BESIDE_AUDIO)
    is_empty = tf.strings.regex_full_match(rest, r"\x00*")
    return tf.where((size <= MAX_TAIL_BYTES) | is_beside | is_empty, tf.zeros_like(size), size)


def _is_one_of(names: tf.Tensor, these: tuple[bytes, ...]) -> tf.Tensor:
    return tf.reduce_any(names[:, tf.newaxis] == tf.constant(these), axis=1)


def is_wav_file(files: tf.Tensor) -> tf.Tensor:
    """Which files begin as a WAV file does: (batch,) bool."""
    return tf.equal(cut(files, 0, 4), "RIFF") & tf.equal(cut(files, 8, 4), "WAVE")


def length_of(files: tf.Tensor) -> tf.Tensor:
    """Bytes of each file: (batch,) int64, because sizes in headers reach 2**32 - 1."""
    return tf.cast(tf.strings.length(files), tf.int64)


def cut(files: tf.Tensor, start: tf.Tensor | int, size: int) -> tf.Tensor:
    """`size` bytes of each file from `start` on, fewer or none at its end."""
    start = tf.minimum(tf.cast(start, tf.int64), length_of(files))
    return tf.strings.substr(files, start, tf.fill(tf.shape(start), tf.constant(size, tf.int64)))


def integer_at(files: tf.Tensor, start: tf.Tensor, size: int) -> tf.Tensor:
    """The little-endian unsigned integer of `size` bytes there; zeros stand beyond the end."""
    digits = tf.cast(
        tf.io.decode_raw(cut(files, start, size), tf.uint8, fixed_length=size), tf.int64
    )
    # (batch, size) -> (batch,)
    return tf.reduce_sum(digits * [256**place for place in range(size)], axis=1)
