"""What a waveform is in this project: mono, float32 in [-1, 1], 16,000 samples a second."""

import hashlib

import numpy as np

SAMPLE_RATE = 16000  # Hz
# Samples in [-1, 1) times this are 16-bit integers.
INT16_SCALE = 32768


def audio_sha256(waveform: np.ndarray) -> str:
    """Compute the SHA-256 (hexadecimal) of decoded float32 samples.

    The same recording under two names, or in two lossless containers, has the same sum.
    """
    return hashlib.sha256(np.ascontiguousarray(waveform, dtype="<f4").tobytes()).hexdigest()
