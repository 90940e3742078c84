"""A constant offset: samples that swing about a value other than zero, from a cheap sound card.

It is not heard, and it moves the lowest mel bands by 20 dB and more. It is told and not removed:
to remove it would change every feature of every recording that has one.
"""

import math

import numpy as np

from data_pipeline.audio.waveform import SAMPLE_RATE

# An offset counts from -42 dBFS on, or from 26 dB below the recording. At -40 dBFS it moves the
# lowest mel band by 20 dB; in corpora as published it reaches -44 dBFS, 28 dB below the speech.
MIN_OFFSET = 0.008
MIN_OFFSET_SHARE = 0.05
# In less than this the mean is that of an unfinished period rather than an offset.
FULL_SECONDS = 0.25


def constant_offset(waveform: np.ndarray) -> float:
    """The constant part of a recording, from -1 to 1; 0.0 where it is too small for a word.

    Args:
        waveform: float32 (num_samples,), one or more.
    """
    mean = float(waveform.mean(dtype=np.float64))
    seconds = len(waveform) / SAMPLE_RATE
    least = min(MIN_OFFSET, MIN_OFFSET_SHARE * float(waveform.std(dtype=np.float64)))
    return mean if abs(mean) >= least * max(1.0, FULL_SECONDS / seconds) else 0.0


def offset_dbfs(offset: float) -> float:
    """The size of an offset that counts, in dB of full scale to a tenth."""
    return round(20 * math.log10(abs(offset)), 1)
