"""Mel power spectrograms, their time axis and their logarithm (paper, section 2.2).

The power is stored as librosa computes it. Resizing and the logarithm happen on reading, here in
TensorFlow, so that training and the exported graph share one implementation.
"""

import numpy as np

from data_pipeline.audio import SAMPLE_RATE

# Floor of the power before the logarithm: -100 dB.
MIN_POWER = 1e-10


def num_mel_frames(num_samples: int, n_fft: int) -> int:
    """Frames of a centred spectrogram with a hop of half the window."""
    return 1 + num_samples // (n_fft // 2)


def mel_spectrogram(waveform: np.ndarray, n_fft: int) -> np.ndarray:
    """Mel power spectrogram with librosa's defaults.

    Power 2, Hann window, centred frames with zeros beyond the ends, Slaney's mel scale and
    normalisation, 0 to 8 kHz. Half the window is the hop, a quarter of it the number of bands
    (paper, section 2.2).

    Args:
        waveform: float32 (num_samples,), 16 kHz, in [-1, 1].
        n_fft: FFT points: 256 (narrow) or 512 (wide) in the paper.

    Returns:
        float32 (num_frames, n_fft // 4), power, rows in memory one after the other.
    """
    import librosa

    # Padded here and not with center=True, which warns of signals shorter than the window.
    padded = np.pad(waveform, n_fft // 2)
    power = librosa.feature.melspectrogram(
        y=padded,
        sr=SAMPLE_RATE,
        n_fft=n_fft,
        hop_length=n_fft // 2,
        n_mels=n_fft // 4,
        center=False,
    )
    return np.ascontiguousarray(power.T, dtype=np.float32)


def resize_time_axis(mel, num_frames: int):
    """Resizes one spectrogram to a number of frames, by nearest neighbour (paper, section 2.2).

    Frame i is frame floor(i * L / num_frames) of the L given: the rule of the authors' code.

    Args:
        mel: tensor (L, n_mels), L at least 1.
        num_frames: frames wanted.

    Returns:
        tensor (num_frames, n_mels).
    """
    import tensorflow as tf

    return tf.gather(mel, _source_frames(tf.shape(mel)[0], num_frames), axis=0)


def resize_batch_time_axis(mels, num_source_frames, num_frames: int):
    """`resize_time_axis` of a padded batch, each spectrogram by its own length.

    Args:
        mels: tensor (batch, max_frames, n_mels).
        num_source_frames: int (batch,), the true lengths, 1 to max_frames.
        num_frames: frames wanted.

    Returns:
        tensor (batch, num_frames, n_mels).
    """
    import tensorflow as tf

    indices = _source_frames(num_source_frames[:, None], num_frames)
    return tf.gather(mels, indices, axis=1, batch_dims=1)


def _source_frames(num_source_frames, num_frames: int):
    """floor(i * L / num_frames) in integers: floats round some of them down by one."""
    import tensorflow as tf

    steps = tf.range(num_frames, dtype=tf.int64)
    return steps * tf.cast(num_source_frames, tf.int64) // num_frames


def log_compress(power):
    """Decibels re 1: 10 log10(max(power, 1e-10)); the same shape, float32."""
    import tensorflow as tf

    return 10.0 / np.float32(np.log(10.0)) * tf.math.log(tf.maximum(power, MIN_POWER))
