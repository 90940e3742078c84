"""Features computed from audio inside tf.data: preparation with our own MFCC.

One file has one verdict and one identity, whoever decodes it: so files are decoded by the rules of
`load_waveform`, in threads, and the graph gets samples. The one exception is the one that cannot
differ. A plain WAV file, 44 bytes of header and then nothing but mono 16-bit PCM at 16 kHz, is
decoded in the graph: its samples are the bytes themselves. Of everything else
tensorflow-io makes something of its own: it never ends on a FLAC that is shorter than its header
says, turns damaged frames into zeros, and rounds lossy formats differently.

The one module that imports tensorflow_io. Its native operations load with TensorFlow 2.16 and 2.17;
elsewhere TensorFlow itself decodes, which takes the bytes behind the header for what they are. Both
give the same samples to the bit.
"""

import struct
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import tensorflow as tf

from data_pipeline.audio.checks import check_waveform
from data_pipeline.audio.limits import MAX_DURATION_SECONDS
from data_pipeline.audio.reading import Segment, decode_recording, load_segment, read_audio_file
from data_pipeline.audio.refusals import AudioError
from data_pipeline.audio.waveform import INT16_SCALE, SAMPLE_RATE

HEADER_BYTES = 44
TENSORFLOW_IO, TENSORFLOW = "tensorflow-io", "tensorflow"
# What is longer than the limit is refused by `load_waveform`, in its words.
MAX_PLAIN_BYTES = 2 * SAMPLE_RATE * MAX_DURATION_SECONDS
# Files read at once.
READ_CHUNK_SIZE = 8

# From the samples of one recording, float32 (num_samples,), to tensors; runs in the graph.
Transform = Callable[[tf.Tensor], tuple[tf.Tensor, ...]]


def decode_in_order(
    segments: Sequence[Segment], transform: Transform, workers: int
) -> Iterator[tuple[np.ndarray, tuple[np.ndarray, ...]] | AudioError]:
    """Decode and transform files in parallel; give results in their order.

    One file at a time and with one thread each: without padding, in the cache of a core, and with
    the same bits whatever its neighbours are. That takes half the time of padded batches of 16.

    Args:
        segments: audio files, whole or in part.
        transform: what to compute from the waveform.
        workers: number of files under way at once.

    Yields:
        The waveform that `load_segment` returns for it, and what `transform` makes of it; or the
        error that `load_segment` raises.
    """
    transformed = iter(_transformed_dataset(segments, transform, workers))
    for segment in segments:
        try:
            samples, num_samples, *results = (tensor.numpy() for tensor in next(transformed))
            whole = 0 < len(samples) == num_samples
        except tf.errors.OpError:
            whole = False
        try:
            if whole:
                yield check_waveform(samples, str(segment.path)), tuple(results)
            else:
                waveform = load_segment(segment)
                yield waveform, tuple(tensor.numpy() for tensor in transform(waveform))
        except AudioError as error:
            yield error


def _transformed_dataset(
    segments: Sequence[Segment], transform: Transform, workers: int
) -> tf.data.Dataset:
    """Dataset of (samples, how many they should be, *transformed)."""
    files = tf.data.Dataset.from_generator(
        lambda: _read_in_chunks(segments, workers),
        output_signature=(
            tf.TensorSpec([None], tf.string),
            tf.TensorSpec([None], tf.bool),
            tf.TensorSpec([None], tf.int64),
        ),
    ).unbatch()

    def decode_and_transform(
        content: tf.Tensor, is_plain: tf.Tensor, num_samples: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        samples = tf.cond(is_plain, lambda: plain_samples(content), lambda: _raw_samples(content))
        # As `check_waveform` clips them; it is what sees the samples themselves.
        return samples, num_samples, *transform(tf.clip_by_value(samples, -1.0, 1.0))

    options = tf.data.Options()
    options.threading.max_intra_op_parallelism = 1
    results = files.map(decode_and_transform, num_parallel_calls=workers, deterministic=True)
    return results.prefetch(2 * workers).with_options(options)


def _raw_samples(content: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_raw(content, tf.float32)


def _read_in_chunks(segments: Sequence[Segment], workers: int) -> Iterator[tuple[tuple, ...]]:
    """Several files at once: handing one over to tf.data takes longer than reading it."""
    with ThreadPoolExecutor(workers) as threads:
        for start in range(0, len(segments), READ_CHUNK_SIZE):
            chunk = segments[start : start + READ_CHUNK_SIZE]
            yield tuple(zip(*threads.map(_read, chunk), strict=True))


def _read(segment: Segment) -> tuple[bytes, bool, int]:
    """(bytes of a plain file, or samples as bytes; whether it is plain; number of samples)."""
    try:
        if not segment.is_whole:
            waveform = load_segment(segment)
            return waveform.tobytes(), False, len(waveform)
        file_bytes = read_audio_file(segment.path)
        if _is_plain_wav(file_bytes):
            return file_bytes, True, (len(file_bytes) - HEADER_BYTES) // 2
        waveform = decode_recording(file_bytes, str(segment.path)).waveform
        return waveform.tobytes(), False, len(waveform)
    except AudioError:
        return b"", False, -1  # `load_segment` will say why


def _is_plain_wav(file_bytes: bytes) -> bool:
    """Whether a file is a WAV header of 44 bytes and mono 16-bit PCM at 16 kHz to its end."""
    size = len(file_bytes) - HEADER_BYTES
    if not 0 < size <= MAX_PLAIN_BYTES or size % 2:
        return False
    pcm = struct.pack("<HHIIHH", 1, 1, SAMPLE_RATE, 2 * SAMPLE_RATE, 2, 16)
    riff = b"RIFF" + (size + HEADER_BYTES - 8).to_bytes(4, "little") + b"WAVE"
    format_chunk = b"fmt " + len(pcm).to_bytes(4, "little") + pcm
    data = b"data" + size.to_bytes(4, "little")
    return file_bytes[:HEADER_BYTES] == riff + format_chunk + data


# --- Plain WAV files ---


@cache
def decoder() -> str:
    """Which one decodes here: "tensorflow-io" or "tensorflow"."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of what it cannot load
            import tensorflow_io as tfio

        empty = b"RIFF$\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80>\0\0\0}\0\0\2\0\x10\0data\0\0\0\0"
        tfio.audio.decode_wav(empty, dtype=tf.int16)
    # Whatever a library that does not fit stumbles over: it is not there, has no such operation.
    except Exception:
        return TENSORFLOW
    return TENSORFLOW_IO


def plain_samples(file_bytes: tf.Tensor) -> tf.Tensor:
    """The samples of 44 bytes of header and 16-bit mono PCM behind it.

    Args:
        file_bytes: scalar string.

    Returns:
        float32 (num_samples,).
    """
    return tf.cast(_DECODERS[decoder()](file_bytes), tf.float32) / INT16_SCALE


def _by_tensorflow_io(file_bytes: tf.Tensor) -> tf.Tensor:
    import tensorflow_io as tfio

    return tfio.audio.decode_wav(file_bytes, dtype=tf.int16)[:, 0]


def _by_tensorflow(file_bytes: tf.Tensor) -> tf.Tensor:
    samples = tf.strings.substr(file_bytes, HEADER_BYTES, -1)
    return tf.io.decode_raw(samples, tf.int16, little_endian=True)


_DECODERS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    TENSORFLOW_IO: _by_tensorflow_io,
    TENSORFLOW: _by_tensorflow,
}
