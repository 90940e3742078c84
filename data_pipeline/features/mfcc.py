"""MFCC_E_D_A (paper, section 2.2): 12 MFCCs, log energy, deltas and accelerations, 39 in all.

Two ways to the same numbers: the openSMILE library, as in the paper, and core TensorFlow
operations for the exported graph and for preparation without openSMILE. Definitions: S. Young et
al., The HTK Book, chapter 5. Both see samples as 16-bit integers, because openSMILE does.
"""

from __future__ import annotations

import functools
import tempfile
from multiprocessing import util as process_end
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_pipeline.audio.waveform import INT16_SCALE, SAMPLE_RATE
from data_pipeline.features.opensmile_config import FEATURE_LEVEL, opensmile_config
from data_pipeline.features.opensmile_library import import_opensmile

if TYPE_CHECKING:
    import opensmile
    import tensorflow as tf

FRAME_LENGTH = 400  # samples: 25 ms
FRAME_STEP = 160  # samples: 10 ms
NUM_CEPSTRA = 12
# Cepstra and log energy: the 13 static features of a frame.
_STATIC_NAMES = (*(f"mfcc_{index}" for index in range(1, NUM_CEPSTRA + 1)), "log_energy")
FEATURE_NAMES = tuple(
    name + suffix for suffix in ("", "_delta", "_acceleration") for name in _STATIC_NAMES
)

PREEMPHASIS = 0.97
N_FFT = 512  # the next power of two above the frame
NUM_BANDS = 26
MAX_FREQUENCY = 8000  # Hz
LIFTER = 22
# A delta is a regression over this many frames on either side.
DELTA_REACH = 2

# +1.0 would wrap round to -32768 inside openSMILE.
MAX_OPENSMILE_SAMPLE = (INT16_SCALE - 1) / INT16_SCALE


def num_mfcc_frames(num_samples: int | tf.Tensor) -> int | tf.Tensor:
    """Frames that lie wholly within the samples: floor((n - 400) / 160) + 1, 0 under 400.

    Args:
        num_samples: an int, or an integer tensor of any shape.
    """
    num_frames = (num_samples - FRAME_LENGTH) // FRAME_STEP + 1
    # max(0, num_frames), in operators that ints and tensors both have.
    return (num_frames + abs(num_frames)) // 2


def opensmile_mfcc(waveform: np.ndarray) -> np.ndarray:
    """Compute MFCC_E_D_A by the openSMILE library.

    Args:
        waveform: float32 (num_samples,), 16 kHz, in [-1, 1], at least 400 samples.

    Returns:
        float32 (num_frames, 39), columns as `FEATURE_NAMES`.

    Raises:
        TypeError: the samples are not floating point.
        ValueError: not one-dimensional, too short, or NaN or infinite values. openSMILE would
            return numbers for all of these.
    """
    _require_float(waveform.dtype)
    if waveform.ndim != 1 or len(waveform) < FRAME_LENGTH:
        raise ValueError(
            f"Received waveform.shape={waveform.shape}. Expected (num_samples,) with at least "
            f"{FRAME_LENGTH} samples."
        )
    if not np.isfinite(waveform).all():
        raise ValueError(
            "Received NaN or infinite samples. Expected finite ones, as check_waveform returns."
        )
    clipped = np.clip(waveform, -1.0, MAX_OPENSMILE_SAMPLE).astype(np.float32)
    features = opensmile_extractor()(clipped, SAMPLE_RATE)
    # (1 channel, 39, num_frames) -> (num_frames, 39)
    return np.ascontiguousarray(features[0].T, dtype=np.float32)


def _require_float(dtype: np.dtype) -> None:
    if not np.issubdtype(dtype, np.floating):
        raise TypeError(
            f"Received dtype={dtype}. Expected floating point in [-1, 1], such as float32."
        )


@functools.cache
def opensmile_extractor() -> opensmile.Smile:
    """The one extractor of this process. It reads its configuration file again at every call."""
    opensmile = import_opensmile()
    folder = tempfile.TemporaryDirectory(prefix="mfcc-")
    # Unlike atexit, this runs at the end of worker processes, too.
    process_end.Finalize(None, folder.cleanup, exitpriority=0)
    path = Path(folder.name) / "mfcc_e_d_a.conf"
    path.write_text(opensmile_config(_opensmile_settings()), encoding="ascii")
    return opensmile.Smile(str(path), FEATURE_LEVEL, sampling_rate=SAMPLE_RATE)


def _opensmile_settings() -> dict[str, object]:
    return {
        "frame_seconds": FRAME_LENGTH / SAMPLE_RATE,
        "step_seconds": FRAME_STEP / SAMPLE_RATE,
        "preemphasis": PREEMPHASIS,
        "num_bands": NUM_BANDS,
        "max_frequency": MAX_FREQUENCY,
        "num_cepstra": NUM_CEPSTRA,
        "lifter": LIFTER,
        "delta_reach": DELTA_REACH,
    }


def tensorflow_mfcc(waveforms: tf.Tensor, num_samples: tf.Tensor) -> tf.Tensor:
    """Compute MFCC_E_D_A of a padded batch in core TensorFlow operations.

    Traceable in `tf.function`, double precision inside. Each utterance gives what it gives alone,
    whatever stands in its padding. Nothing is checked in the graph, so that one bad utterance does
    not fail a batch: NaN samples give NaN features in their own utterance, one shorter than 400
    samples gives zeros. Agrees with openSMILE from four frames (880 samples, 55 ms) on; for fewer,
    openSMILE takes frames beyond the end as zeros in its deltas, and this function repeats the last
    one.

    Args:
        waveforms: float (batch, max_samples), 16 kHz, in [-1, 1]; max_samples at least 400.
        num_samples: int32 (batch,), the true lengths.

    Returns:
        float32 (batch, max_frames, 39), max_frames = num_mfcc_frames(max_samples); frames beyond
        an utterance's own are zero.

    Raises:
        TypeError: the samples are not floating point.
    """
    import tensorflow as tf

    waveforms = tf.convert_to_tensor(waveforms)
    _require_float(np.dtype(waveforms.dtype.as_numpy_dtype))
    # (batch, max_samples) -> (batch, max_frames, 400)
    frames = tf.signal.frame(_int16_samples(waveforms), FRAME_LENGTH, FRAME_STEP)
    # (batch, max_frames, 12) and (batch, max_frames, 1) -> (batch, max_frames, 13)
    static = tf.concat([_cepstra(frames), _log_energy(frames)], axis=-1)
    num_frames = num_mfcc_frames(tf.cast(num_samples, tf.int32))
    features = _with_derivatives(static, num_frames)  # (batch, max_frames, 39)
    is_own = tf.sequence_mask(num_frames, tf.shape(features)[1])[:, :, None]
    # where, not a product: the padding may hold anything, NaN too.
    return tf.where(is_own, tf.cast(features, tf.float32), 0.0)


def _int16_samples(waveforms: tf.Tensor) -> tf.Tensor:
    """Samples as 16-bit integers, cut towards zero as openSMILE does; float64, NaN stays NaN."""
    import tensorflow as tf

    clipped = tf.clip_by_value(tf.cast(waveforms, tf.float64), -1.0, MAX_OPENSMILE_SAMPLE)
    scaled = clipped * INT16_SCALE
    return tf.sign(scaled) * tf.floor(tf.abs(scaled))


def _log_energy(frames: tf.Tensor) -> tf.Tensor:
    """Logarithm (ln) of the sum of squares of each raw frame (HTK Book, 5.8).

    (..., 400) -> (..., 1); 0 for digital silence.
    """
    import tensorflow as tf

    energy = tf.reduce_sum(tf.square(frames), axis=-1, keepdims=True)
    return tf.math.log(tf.maximum(energy, 1.0))


def _cepstra(frames: tf.Tensor) -> tf.Tensor:
    """Liftered cepstra 1 to 12 of (..., 400) frames: (..., 12)."""
    import tensorflow as tf

    # Before the first sample of a frame stands the same sample (HTK Book, 5.2).
    before = tf.concat([frames[..., :1], frames[..., :-1]], axis=-1)
    windowed = (frames - PREEMPHASIS * before) * np.hamming(FRAME_LENGTH)
    spectrum = tf.signal.rfft(windowed, [N_FFT])  # (..., 400) -> (..., 257)
    power = tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))
    bands = tf.tensordot(power, mel_weights(), axes=1)  # -> (..., 26)
    log_bands = tf.math.log(tf.maximum(bands, 1.0))
    return tf.tensordot(log_bands, cepstral_weights(), axes=1)  # -> (..., 12)


@functools.cache
def mel_weights() -> np.ndarray:
    """Weights of 26 triangles, equal and half overlapping on the mel scale (HTK Book, 5.4).

    Returns:
        float64 (257, 26): a power spectrum times this is the power in each band.
    """
    # mel = 1127 ln(1 + f / 700)
    bin_mels = 1127 * np.log1p(np.linspace(0, SAMPLE_RATE / 2, N_FFT // 2 + 1) / 700)
    width = 1127 * np.log1p(MAX_FREQUENCY / 700) / (NUM_BANDS + 1)
    centres = width * np.arange(1, NUM_BANDS + 1)
    return np.maximum(0.0, 1 - np.abs(bin_mels[:, None] - centres) / width)


@functools.cache
def cepstral_weights() -> np.ndarray:
    """Cosine transform of the log bands and liftering in one matrix (HTK Book, 5.6).

    Returns:
        float64 (26, 12).
    """
    orders = np.arange(1, NUM_CEPSTRA + 1)
    phases = np.pi / NUM_BANDS * (np.arange(NUM_BANDS)[:, None] + 0.5)
    lifter = 1 + LIFTER / 2 * np.sin(np.pi * orders / LIFTER)
    return np.sqrt(2 / NUM_BANDS) * np.cos(phases * orders) * lifter


def _with_derivatives(static: tf.Tensor, num_frames: tf.Tensor) -> tf.Tensor:
    """Append deltas and accelerations (HTK Book, 5.9): (batch, frames, 13) -> (..., 39).

    The edges of an utterance are repeated at its own first and last frame. At the end openSMILE
    repeats the static frame only: the deltas beyond the last frame, which the accelerations need,
    are computed from it, where at the start the first delta is repeated.
    """
    import tensorflow as tf

    max_frames = tf.shape(static)[1]
    positions = tf.range(-DELTA_REACH, max_frames + 2 * DELTA_REACH)
    # (frames + 6,) and (batch, 1) -> (batch, frames + 6)
    own = tf.maximum(tf.minimum(positions, num_frames[:, None] - 1), 0)
    # (batch, frames + 6, 13) -> (batch, frames + 2, 13)
    deltas = _regression(tf.gather(static, own, axis=1, batch_dims=1))
    first = tf.repeat(deltas[:, :1], DELTA_REACH, axis=1)
    # (batch, 2 + frames + 2, 13) -> (batch, frames, 13)
    accelerations = _regression(tf.concat([first, deltas], axis=1))
    return tf.concat([static, deltas[:, :max_frames], accelerations], axis=-1)


def _regression(frames: tf.Tensor) -> tf.Tensor:
    """Slope over +-2 frames (HTK Book, 5.9): (batch, n + 4, c) -> (batch, n, c)."""
    import tensorflow as tf

    n = tf.shape(frames)[1] - 2 * DELTA_REACH
    reach = range(1, DELTA_REACH + 1)
    ahead = [k * frames[:, DELTA_REACH + k : DELTA_REACH + k + n] for k in reach]
    behind = [k * frames[:, DELTA_REACH - k : DELTA_REACH - k + n] for k in reach]
    return (sum(ahead) - sum(behind)) / (2 * sum(k * k for k in reach))
