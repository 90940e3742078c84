"""Mel power spectrograms, their time axis and their logarithm (paper, section 2.2).

The power is stored as librosa computes it; the exported graph has the same in core TensorFlow
operations. Resizing and the logarithm happen on reading, here in TensorFlow, so that training and
the exported graph share one implementation.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from data_pipeline.audio.waveform import SAMPLE_RATE
from data_pipeline.runtime import give_numba_a_cache

if TYPE_CHECKING:
    import tensorflow as tf

# Floor of the power before the logarithm: -100 dB.
MIN_POWER = 1e-10


def num_mel_frames(num_samples: int | tf.Tensor, n_fft: int) -> int | tf.Tensor:
    """Frames of a centred spectrogram with a hop of half the window.

    Args:
        num_samples: an int, or an integer tensor of any shape.
        n_fft: FFT points, the length of the window.
    """
    return 1 + num_samples // (n_fft // 2)


def mel_spectrogram(waveform: np.ndarray, n_fft: int) -> np.ndarray:
    """Compute the mel power spectrogram with librosa's defaults.

    Power 2, Hann window, centred frames with zeros beyond the ends, Slaney's mel scale and
    normalisation, 0 to 8 kHz. Half the window is the hop, a quarter of it the number of bands
    (paper, section 2.2).

    Args:
        waveform: float32 (num_samples,), 16 kHz, in [-1, 1].
        n_fft: FFT points: 256 (narrow) or 512 (wide) in the paper.

    Returns:
        float32 (num_frames, n_fft // 4), power, rows in memory one after the other.
    """
    librosa = _librosa()

    hop_length = n_fft // 2
    # Padded here and not with center=True, which warns of signals shorter than the window.
    padded = np.pad(waveform, hop_length)
    # (num_samples + n_fft,) -> (n_fft // 2 + 1, num_frames)
    spectrum = librosa.stft(padded, n_fft=n_fft, hop_length=hop_length, center=False)
    # librosa.feature.melspectrogram would make the weights anew each time: the bits are the same.
    power = band_weights(n_fft).astype(np.float32).T @ np.abs(spectrum) ** 2
    # (n_fft // 4, num_frames) -> (num_frames, n_fft // 4)
    return np.ascontiguousarray(power.T, dtype=np.float32)


def tensorflow_mel_spectrogram(
    waveforms: tf.Tensor, num_samples: tf.Tensor, n_fft: int
) -> tf.Tensor:
    """Compute `mel_spectrogram` of a padded batch in core TensorFlow operations.

    Traceable in `tf.function`, double precision inside. Each utterance gives what it gives alone,
    whatever stands in its padding. Single precision would be 0.1 dB off beside a loud tone, where
    there is next to nothing; double precision costs a tenth more.

    Args:
        waveforms: float (batch, max_samples), 16 kHz, in [-1, 1].
        num_samples: int32 (batch,), the true lengths.
        n_fft: FFT points.

    Returns:
        float32 (batch, max_frames, n_fft // 4), power, max_frames = num_mel_frames(max_samples,
        n_fft); frames beyond an utterance's own are zero.
    """
    import tensorflow as tf

    hop_length = n_fft // 2
    # where, not a product: the padding may hold anything, NaN too.
    is_own = tf.sequence_mask(num_samples, tf.shape(waveforms)[1])
    own = tf.where(is_own, tf.cast(waveforms, tf.float64), 0.0)
    centred = tf.pad(own, [[0, 0], [hop_length, hop_length]])
    # (batch, max_samples + n_fft) -> (batch, max_frames, n_fft)
    frames = tf.signal.frame(centred, n_fft, hop_length)
    # -> (batch, max_frames, n_fft // 2 + 1)
    spectrum = tf.signal.rfft(frames * hann_window(n_fft))
    power = tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))
    # Sums of positive terms, which single precision does not harm, in half the time.
    weights = band_weights(n_fft).astype(np.float32)
    # -> (batch, max_frames, n_fft // 4)
    mels = tf.tensordot(tf.cast(power, tf.float32), weights, axes=1)
    num_frames = num_mel_frames(tf.cast(num_samples, tf.int32), n_fft)
    has_own = tf.sequence_mask(num_frames, tf.shape(mels)[1])[:, :, None]
    return tf.where(has_own, mels, 0.0)


@functools.cache
def _librosa() -> ModuleType:
    """The library; numba, which it imports, wants a folder to write to."""
    give_numba_a_cache()
    import librosa

    return librosa


@functools.cache
def hann_window(n_fft: int) -> np.ndarray:
    """One period of the Hann window, as librosa takes it: float64 (n_fft,)."""
    librosa = _librosa()

    return librosa.filters.get_window("hann", n_fft, fftbins=True)


@functools.cache
def band_weights(n_fft: int) -> np.ndarray:
    """Slaney's triangles, librosa's: float64 (n_fft // 2 + 1, n_fft // 4)."""
    librosa = _librosa()

    weights = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=n_fft, n_mels=n_fft // 4)
    return weights.T.astype(np.float64)


def resize_time_axis(mel: tf.Tensor, num_frames: int) -> tf.Tensor:
    """Resize one spectrogram to a number of frames, by nearest neighbour (paper, section 2.2).

    Frame i is frame floor(i * L / num_frames) of the L given: the rule of the authors' code.

    Args:
        mel: tensor (L, n_mels), L at least 1.
        num_frames: frames wanted.

    Returns:
        tensor (num_frames, n_mels).
    """
    import tensorflow as tf

    return tf.gather(mel, _source_frames(tf.shape(mel)[0], num_frames), axis=0)


def resize_batch_time_axis(
    mels: tf.Tensor, num_source_frames: tf.Tensor, num_frames: int
) -> tf.Tensor:
    """Resize the time axes of a padded batch, each spectrogram by its own length.

    Args:
        mels: tensor (batch, max_frames, n_mels).
        num_source_frames: int (batch,), the true lengths, 1 to max_frames.
        num_frames: frames wanted.

    Returns:
        tensor (batch, num_frames, n_mels).
    """
    import tensorflow as tf

    # (batch, 1) -> (batch, num_frames)
    indices = _source_frames(num_source_frames[:, None], num_frames)
    return tf.gather(mels, indices, axis=1, batch_dims=1)


def _source_frames(num_source_frames: tf.Tensor, num_frames: int) -> tf.Tensor:
    """Which frame each one is taken from: floor(i * L / num_frames).

    In integers, because floats round some of them down by one. L () -> (num_frames,), or
    (batch, 1) -> (batch, num_frames).
    """
    import tensorflow as tf

    steps = tf.range(num_frames, dtype=tf.int64)
    return steps * tf.cast(num_source_frames, tf.int64) // num_frames


def log_compress(power: tf.Tensor) -> tf.Tensor:
    """Compute decibels re 1: 10 log10(max(power, 1e-10)); the same shape, float32."""
    import tensorflow as tf

    return 10.0 / np.float32(np.log(10.0)) * tf.math.log(tf.maximum(power, MIN_POWER))
