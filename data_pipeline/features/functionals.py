"""openSMILE's functionals: one vector a recording, for classical classifiers.

ComParE_2016 (6,373 numbers) is the baseline of the INTERSPEECH computational paralinguistics
challenges; eGeMAPSv02 (88) is Eyben et al., "The Geneva Minimalistic Acoustic Parameter Set",
IEEE Transactions on Affective Computing 7 (2016). openSMILE is licensed for research.
"""

import functools
from typing import TYPE_CHECKING

import numpy as np

from data_pipeline.audio.waveform import SAMPLE_RATE
from data_pipeline.contract import FUNCTIONALS
from data_pipeline.features.mfcc import MAX_OPENSMILE_SAMPLE
from data_pipeline.features.opensmile_library import import_opensmile

if TYPE_CHECKING:
    import opensmile


def opensmile_functionals(waveform: np.ndarray, feature_set: str) -> np.ndarray:
    """Compute the functionals of one recording by the openSMILE library.

    Args:
        waveform: float32 (num_samples,), 16 kHz, in [-1, 1].
        feature_set: a key of `contract.FUNCTIONALS`.

    Returns:
        float32 (num_functionals,); NaN where openSMILE has no number, as for some recordings
        without voiced speech.

    Raises:
        ValueError: there is no such feature set.
    """
    clipped = np.clip(waveform, -1.0, MAX_OPENSMILE_SAMPLE)
    # (1 channel, num_functionals, 1 vector)
    functionals = _extractor(feature_set)(clipped, SAMPLE_RATE)
    return functionals.reshape(-1).astype(np.float32)


@functools.cache
def _extractor(feature_set: str) -> "opensmile.Smile":
    """The one extractor of a feature set in this process."""
    if feature_set not in FUNCTIONALS:
        raise ValueError(
            f"Received feature_set={feature_set!r}. Expected one of {', '.join(FUNCTIONALS)}."
        )
    opensmile = import_opensmile()
    return opensmile.Smile(
        opensmile.FeatureSet[feature_set],
        opensmile.FeatureLevel.Functionals,
        sampling_rate=SAMPLE_RATE,
    )
