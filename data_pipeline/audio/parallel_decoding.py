"""Audio decoded, and features computed from it, inside tf.data: preparation with our own MFCC.

The one module that imports tensorflow_io. tensorflow-io checks next to nothing, so a file gets here
only after `data_pipeline.audio` has opened it and found its header within the limits, and what
comes out passes the same last check. Whatever tensorflow-io cannot do goes through `load_segment`:
other encodings, damaged files, and other rates than 16 kHz, because its resampler delays the signal
(32 samples from 44.1 kHz) where soxr does not. So both ways give the same samples and verdicts.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_io as tfio

from data_pipeline.audio.checks import check_waveform
from data_pipeline.audio.opening import open_checked
from data_pipeline.audio.reading import decode_opened, read_audio_file
from data_pipeline.audio.refusals import AudioError
from data_pipeline.audio.segments import Segment, load_segment
from data_pipeline.audio.waveform import INT16_SCALE, SAMPLE_RATE


def _from_int16(samples: tf.Tensor) -> tf.Tensor:
    return tf.cast(samples, tf.float32) / INT16_SCALE


# (container, encoding) as libsndfile names them -> bytes to float32 (num_frames, channels).
DECODERS: dict[tuple[str, str], Callable[[tf.Tensor], tf.Tensor]] = {
    ("WAV", "PCM_16"): lambda data: _from_int16(tfio.audio.decode_wav(data, dtype=tf.int16)),
    ("WAV", "FLOAT"): lambda data: tfio.audio.decode_wav(data, dtype=tf.float32),
    ("FLAC", "PCM_16"): lambda data: _from_int16(tfio.audio.decode_flac(data, dtype=tf.int16)),
    ("OGG", "VORBIS"): tfio.audio.decode_vorbis,
    ("MP3", "MPEG_LAYER_III"): tfio.audio.decode_mp3,
}
# Comes last: samples that are decoded already.
LOADED = len(DECODERS)

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
            samples, num_frames, *results = (tensor.numpy() for tensor in next(transformed))
            # Shorter than the header promises: the file is damaged.
            whole = 0 < len(samples) == num_frames
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
    """Dataset of (mono samples, number of frames that the header promises, *transformed)."""
    files = tf.data.Dataset.from_generator(
        lambda: _read_in_chunks(segments),
        output_signature=(
            tf.TensorSpec([None], tf.string),
            tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([None], tf.int64),
        ),
    ).unbatch()

    def decode_and_transform(
        file_bytes: tf.Tensor, decoder: tf.Tensor, num_frames: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        samples = _decode_mono(file_bytes, decoder)
        # As `check_waveform` clips them; it is what sees the samples themselves.
        return samples, num_frames, *transform(tf.clip_by_value(samples, -1.0, 1.0))

    options = tf.data.Options()
    options.threading.max_intra_op_parallelism = 1
    results = files.map(decode_and_transform, num_parallel_calls=workers, deterministic=True)
    return results.prefetch(2 * workers).with_options(options)


def _read_in_chunks(segments: Sequence[Segment]) -> Iterator[tuple[tuple, ...]]:
    """Several files at once: handing one over to tf.data takes longer than reading it."""
    for start in range(0, len(segments), READ_CHUNK_SIZE):
        chunk = segments[start : start + READ_CHUNK_SIZE]
        yield tuple(zip(*map(_read, chunk), strict=True))


def _read(segment: Segment) -> tuple[bytes, int, int]:
    """(bytes, index of the decoder, number of frames); the limits are checked here."""
    path = segment.path
    try:
        if not segment.is_whole:
            waveform = load_segment(segment)
            return waveform.tobytes(), LOADED, len(waveform)
        file_bytes = read_audio_file(path)
        with open_checked(file_bytes, str(path)) as opened:
            file = opened.file
            encoding = (file.format, file.subtype)
            if file.samplerate == SAMPLE_RATE and encoding in DECODERS:
                return file_bytes, list(DECODERS).index(encoding), file.frames
            waveform = decode_opened(opened, str(path)).waveform
        return waveform.tobytes(), LOADED, len(waveform)
    except AudioError:
        return b"", LOADED, -1  # `load_segment` will say why


def _decode_mono(file_bytes: tf.Tensor, decoder: tf.Tensor) -> tf.Tensor:
    """(num_samples,) float32, channels averaged."""
    branches = [lambda decode=decode: decode(file_bytes) for decode in DECODERS.values()]
    loaded = lambda: tf.io.decode_raw(file_bytes, tf.float32)[:, None]  # noqa: E731
    samples = tf.switch_case(decoder, [*branches, loaded])
    return tf.reduce_mean(samples, axis=1)  # (num_frames, channels) -> (num_frames,)
