"""Audio decoded inside tf.data by tensorflow-io, for preparation with our own MFCC.

The one module that imports tensorflow_io. tensorflow-io checks next to nothing, so a file gets here
only after `data_pipeline.audio` has opened it and found its header within the limits, and what
comes out passes the same last check. Whatever tensorflow-io cannot do goes through `load_waveform`:
other encodings, damaged files, and other rates than 16 kHz, because its resampler delays the signal
(32 samples from 44.1 kHz) where soxr does not. So both ways give the same samples and verdicts.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_io as tfio

from data_pipeline.audio import (
    SAMPLE_RATE,
    AudioError,
    check_waveform,
    load_waveform,
    open_checked,
    read_audio_file,
)


def _from_int16(samples: tf.Tensor) -> tf.Tensor:
    return tf.cast(samples, tf.float32) / 32768.0


# (container, encoding) as libsndfile names them -> bytes to float32 (num_frames, channels).
DECODERS = {
    ("WAV", "PCM_16"): lambda data: _from_int16(tfio.audio.decode_wav(data, dtype=tf.int16)),
    ("WAV", "FLOAT"): lambda data: tfio.audio.decode_wav(data, dtype=tf.float32),
    ("FLAC", "PCM_16"): lambda data: _from_int16(tfio.audio.decode_flac(data, dtype=tf.int16)),
    ("OGG", "VORBIS"): tfio.audio.decode_vorbis,
    ("MP3", "MPEG_LAYER_III"): tfio.audio.decode_mp3,
}
# Stands for "not in the graph": an empty result is sent on to `load_waveform`.
UNSUPPORTED = len(DECODERS)


def decode_in_order(paths: Sequence[Path]) -> Iterator[np.ndarray | AudioError]:
    """Decodes files in parallel; gives results in the order of the paths.

    Args:
        paths: audio files.

    Yields:
        What `load_waveform` returns for the file, or the error that it raises: float32
        (num_samples,), mono, 16 kHz, in [-1, 1].
    """
    decoded = iter(_decoded_dataset(paths))
    for path in paths:
        try:
            waveform, num_frames = next(decoded)
            yield _checked(path, waveform.numpy(), int(num_frames))
        except tf.errors.OpError:
            yield _checked(path, np.zeros(0, np.float32), -1)


def _decoded_dataset(paths: Sequence[Path]) -> tf.data.Dataset:
    """Dataset of (mono samples, number of frames that the header promises)."""
    files = tf.data.Dataset.from_generator(
        lambda: (_read_supported(path) for path in paths),
        output_signature=(
            tf.TensorSpec([], tf.string),
            tf.TensorSpec([], tf.int32),
            tf.TensorSpec([], tf.int64),
        ),
    )
    decoded = files.map(_decode_mono, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return decoded.prefetch(tf.data.AUTOTUNE)


def _read_supported(path: Path) -> tuple[bytes, int, int]:
    """(bytes, index into DECODERS, number of frames); the limits are checked here."""
    try:
        file_bytes = read_audio_file(path)
        with open_checked(file_bytes, str(path)) as file:
            encoding = (file.format, file.subtype)
            if file.samplerate == SAMPLE_RATE and encoding in DECODERS:
                return file_bytes, list(DECODERS).index(encoding), file.frames
    except AudioError:
        pass  # `load_waveform` will say the same
    return b"", UNSUPPORTED, -1


def _decode_mono(file_bytes: tf.Tensor, decoder: tf.Tensor, num_frames: tf.Tensor):
    """(num_samples,) float32, channels averaged."""
    branches = [lambda decode=decode: decode(file_bytes) for decode in DECODERS.values()]
    samples = tf.switch_case(decoder, [*branches, lambda: tf.zeros((0, 1))])
    return tf.reduce_mean(samples, axis=1), num_frames


def _checked(path: Path, waveform: np.ndarray, num_frames: int) -> np.ndarray | AudioError:
    """The waveform if it is as long as promised, else what `load_waveform` makes of the file."""
    try:
        if 0 < len(waveform) == num_frames:
            return check_waveform(waveform, str(path))
        return load_waveform(path)
    except AudioError as error:
        return error
