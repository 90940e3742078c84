"""A constant offset: samples that swing about a value other than zero, from a cheap sound card.

It is not heard, and it moves the lowest mel bands by 20 dB and more. It is told and not removed:
that would change the features of every recording a little.
"""

import math

import numpy as np

# From here on it is told. A hundredth of full scale (-40 dBFS) changes answers by some points; the
# recordings of EmoDB have up to -44 dBFS of it, those of RAVDESS and nEMO less than -60.
MAX_OFFSET_DBFS = -43.0
NO_OFFSET = -200.0


def offset_dbfs(waveform: np.ndarray) -> float:
    """The constant part of a recording in dBFS, to a tenth; -200 where there is none.

    Args:
        waveform: float32 (num_samples,), in [-1, 1].
    """
    mean = abs(float(np.mean(waveform, dtype=np.float64)))
    return round(20 * math.log10(mean), 1) if mean > 10 ** (NO_OFFSET / 20) else NO_OFFSET
