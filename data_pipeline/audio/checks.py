"""What is checked of decoded samples, whichever decoder they come from."""

import numpy as np

from data_pipeline.audio.limits import (
    CANCELLING_SHARE,
    FAR_OVER,
    MAX_PEAK,
    MIN_SAMPLES,
    SAMPLES_PER_FAR_OVER,
    SILENCE_PEAK,
)
from data_pipeline.audio.refusals import (
    CHANNELS_CANCEL,
    NOT_FINITE,
    NOT_SCALED,
    SILENT,
    TOO_SHORT,
    AudioError,
)
from data_pipeline.audio.waveform import SAMPLE_RATE


def check_waveform(waveform: np.ndarray, name: str) -> np.ndarray:
    """Check decoded samples and clip them: the last step of every decoder.

    Args:
        waveform: float32 (num_samples,), mono, 16 kHz.
        name: the file, for the messages.

    Returns:
        The samples, clipped to [-1, 1] (resampling and lossy codecs overshoot).

    Raises:
        AudioError: NaN or infinite values, shorter than 25 ms, silent, or not in full scale 1.
    """
    if not np.isfinite(waveform).all():
        raise AudioError(f"{name}: {NOT_FINITE}")
    if len(waveform) < MIN_SAMPLES:
        milliseconds = f"{1000 * len(waveform) / SAMPLE_RATE:.3g}"
        raise AudioError(f"{name}: {TOO_SHORT.format(milliseconds)}")
    if np.abs(waveform - waveform.mean()).max() < SILENCE_PEAK:
        raise AudioError(f"{name}: {SILENT}")
    peak = np.abs(waveform).max()
    num_far_over = np.count_nonzero(np.abs(waveform) > FAR_OVER)
    if peak > MAX_PEAK or num_far_over * SAMPLES_PER_FAR_OVER > len(waveform):
        raise AudioError(f"{name}: {NOT_SCALED.format(f'{peak:.4g}')}")
    return np.clip(waveform, -1.0, 1.0)


def check_channels(channels: np.ndarray, mean: np.ndarray, name: str) -> None:
    """Refuse channels of which little is left in their mean.

    Their power is taken about the mean of each, since a constant offset is no sound.

    Args:
        channels: float32 (num_frames, num_channels), as decoded.
        mean: float32 (num_frames,), their mean.
        name: the file, for the messages.

    Raises:
        AudioError: they cancel each other.
    """
    num_frames, num_channels = channels.shape
    if num_channels == 1:
        return
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is refused later
        offsets = channels.mean(axis=0, dtype=np.float64)
        power = np.einsum("ij,ij->", channels, channels, dtype=np.float64) / num_frames
        power -= np.sum(offsets**2)
        of_sum = num_channels**2 * mean.var(dtype=np.float64)
    if power > SILENCE_PEAK**2 and of_sum < CANCELLING_SHARE * power:
        raise AudioError(f"{name}: {CHANNELS_CANCEL}")
