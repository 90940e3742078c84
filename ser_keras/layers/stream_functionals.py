"""Functionals of the streams of a model: one row of numbers for a whole utterance."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from data_pipeline.contract import MEL_NARROW, MEL_WIDE, MFCC, NUM_MFCC, NUM_MFCC_FRAMES
from data_pipeline.features.mfcc import FEATURE_NAMES

PERCENTILES = (5, 25, 50, 75, 95)
# Frames between the two values of a difference: what a stream does in a tenth of a second and in
# half a second are kept apart, as by modulation energies, for recordings of any length.
LAGS = (1, 2, 4, 8, 16)
LOG_ENERGY = FEATURE_NAMES.index("log_energy")
NUM_STATICS = LOG_ENERGY + 1  # columns of the MFCC before their deltas
# A frame is active down to this far below the loudest one: 30 dB.
ACTIVE_NATS = 6.9
ACTIVE_DB = 30.0
BANDS_A_GROUP = 16
NUM_SHAPES = 7
TINY = 1e-6
# Stands for frames that are not chosen: above every value, and nothing when it counts nothing.
BEYOND = 1e30
NATS_PER_DB = 0.2302585


@keras.saving.register_keras_serializable(package="ser_keras")
class StreamFunctionals(keras.layers.Layer):
    """Mean, deviation, percentiles, slope and modulation of every stream, and of its loud frames.

    For each of the 39 columns of the MFCC, each band of both spectrograms in dB, and seven curves
    of the shape of the spectrum (centroid, spread, entropy, flux, rise of the level, tilt, balance
    of low and high bands): mean, deviation, five percentiles, slope from beginning to end, and the
    logarithm of the mean square difference of frames 1, 2, 4, 8 and 16 apart. Besides: mean,
    deviation and percentiles over active frames alone, how much deltas move, the mean spectrum
    against the level, and the logarithm of the duration. Always in single precision.

    The means of all columns stand first, then their deviations: `num_columns` of each.

    Args:
        n_mels: mel bands of the (narrow, wide) spectrogram.
        kwargs: as for every Keras layer.

    Call arguments:
        inputs: a dict of mfcc (batch, frames, 39), zero-padded, num_mfcc_frames (batch,),
            mel_narrow and mel_wide (batch, steps, n_mels) in dB, as the model takes them.
        training: in training nothing is computed, and all is zero: the head that reads it is
            fitted before the others are trained.

    Output shape:
        (batch, num_functionals), float32. What stands in the padding has no influence.
    """

    def __init__(self, n_mels: Sequence[int], **kwargs: Any):
        super().__init__(autocast=False, **kwargs)
        self.n_mels = tuple(n_mels)
        if len(self.n_mels) != 2 or min(self.n_mels) < 2:
            raise ValueError(
                f"Received n_mels={n_mels}. Expected two numbers of bands, 2 or more each, of the "
                "narrow and the wide spectrogram."
            )

    def call(self, inputs: Mapping[str, KerasTensor], training: bool = False) -> KerasTensor:
        if training:
            batch = ops.shape(inputs[MFCC])[0]
            return ops.zeros((batch, num_functionals(self.n_mels)), "float32")
        mfcc, num_frames = ops.cast(inputs[MFCC], "float32"), inputs[NUM_MFCC_FRAMES]
        narrow, wide = (ops.cast(inputs[name], "float32") for name in (MEL_NARROW, MEL_WIDE))
        real = _first_frames(mfcc, num_frames)
        mfcc = ops.where(real[..., None] > 0, mfcc, 0.0)  # nothing of the padding, NaN neither
        shapes, level = spectral_shapes(wide)
        of_wide = ops.concatenate([wide, shapes, _movement(wide, self.n_mels[1])], axis=-1)
        every_wide = ops.ones_like(level)
        streams = [
            _of_curves(mfcc, real),
            _of_curves(narrow, ops.ones_like(narrow[..., 0])),
            _of_curves(of_wide, every_wide),
        ]
        columns = (NUM_MFCC, *self.n_mels)
        firsts = [
            stream[place][..., :count]
            for place in (0, 1)  # all means, then all deviations
            for stream, count in zip(streams, columns, strict=True)
        ]
        active_mfcc = real * _cast(_above(mfcc[..., LOG_ENERGY], real, ACTIVE_NATS))
        active_wide = _cast(_above(level, every_wide, ACTIVE_DB))
        return ops.concatenate(
            [
                *firsts,
                *(part[..., self.n_mels[1] :] for part in streams[2][:2]),
                *(part for stream in streams for part in stream[2:]),
                *_of_frames(mfcc[..., :NUM_STATICS], active_mfcc),
                *_of_frames(shapes, active_wide),
                *_moments(wide, active_wide),
                *_of_magnitudes(mfcc[..., NUM_STATICS:], real),
                _mean_spectrum(wide),
                ops.log(ops.cast(num_frames, "float32"))[:, None],
            ],
            axis=-1,
        )

    def compute_output_shape(self, input_shape: Mapping[str, tuple]) -> tuple:
        return (input_shape[MFCC][0], num_functionals(self.n_mels))

    def compute_output_spec(
        self, inputs: Mapping[str, KerasTensor], training: bool = False
    ) -> KerasTensor:
        return KerasTensor((inputs[MFCC].shape[0], num_functionals(self.n_mels)), "float32")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n_mels": self.n_mels}


def num_columns(n_mels: Sequence[int]) -> int:
    """Columns of all streams side by side: the MFCC, the narrow bands, the wide ones."""
    return NUM_MFCC + sum(n_mels)


def num_functionals(n_mels: Sequence[int]) -> int:
    """Functionals of an utterance, for spectrograms of so many (narrow, wide) bands."""
    a_curve = 2 + len(PERCENTILES) + 1 + len(LAGS)
    active = (2 + len(PERCENTILES)) * (NUM_STATICS + NUM_SHAPES) + 2 * n_mels[1]
    deltas = (1 + len(PERCENTILES)) * (NUM_MFCC - NUM_STATICS)
    curves = num_columns(n_mels) + NUM_SHAPES + _num_groups(n_mels[1])
    return a_curve * curves + active + deltas + n_mels[1] + 1


def _num_groups(num_bands: int) -> int:
    return max(1, num_bands // BANDS_A_GROUP)


def spectral_shapes(decibels: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
    """The shape of the spectrum in each frame.

    Args:
        decibels: (batch, frames, bands).

    Returns:
        (batch, frames, 7): centroid and spread in bands, entropy in nats, flux, mean rise against
        the frame before in dB, tilt in dB a deviation of the band numbers, and low against high
        bands in dB; and the level of each frame in dB (batch, frames).
    """
    num_bands = decibels.shape[-1]
    power = ops.exp(decibels * NATS_PER_DB)
    total = ops.sum(power, axis=-1)
    share = power / total[..., None]
    band = ops.arange(num_bands, dtype="float32")
    centroid = ops.sum(share * band, axis=-1)
    spread = ops.sqrt(ops.sum(share * ops.square(band - centroid[..., None]), axis=-1) + TINY)
    entropy = -ops.sum(share * ops.log(share + 1e-12), axis=-1)
    flux = ops.sqrt(ops.sum(ops.square(_step(share)), axis=-1) + TINY)
    rise = ops.mean(ops.relu(_step(decibels)), axis=-1)
    position = (band - (num_bands - 1) / 2) / (num_bands / 12**0.5)
    tilt = ops.mean(decibels * position, axis=-1)
    low = num_bands * 5 // 16
    balance = _decibels(power[..., :low]) - _decibels(power[..., low:])
    curves = [centroid, spread, entropy, flux, rise, tilt, balance]
    return ops.stack(curves, axis=-1), ops.log(total) / NATS_PER_DB


def _decibels(power: KerasTensor) -> KerasTensor:
    return ops.log(ops.sum(power, axis=-1) + 1e-12) / NATS_PER_DB


def _step(frames: KerasTensor) -> KerasTensor:
    """Each frame minus the one before (batch, frames, ...); zero for the first."""
    return frames - ops.concatenate([frames[:, :1], frames[:, :-1]], axis=1)


def _movement(decibels: KerasTensor, num_bands: int) -> KerasTensor:
    """How fast the level of groups of bands moves (batch, frames, groups)."""
    groups = _num_groups(num_bands)
    used = decibels[..., : groups * (num_bands // groups)]
    shape = (-1, decibels.shape[1], groups, num_bands // groups)
    return ops.abs(_step(ops.mean(ops.reshape(used, shape), axis=-1)))


def _mean_spectrum(decibels: KerasTensor) -> KerasTensor:
    """The mean power of each band against that of all, in dB (batch, bands)."""
    power = ops.mean(ops.exp(decibels * NATS_PER_DB), axis=1)
    return (ops.log(power) - ops.log(ops.mean(power, axis=-1, keepdims=True))) / NATS_PER_DB


# --- Functionals of frames that are chosen by a mask (batch, frames) of 0 and 1 ---


def _of_curves(curves: KerasTensor, chosen: KerasTensor) -> list[KerasTensor]:
    """Every functional of curves (batch, frames, columns) over their first frames."""
    return [*_of_frames(curves, chosen), _slope(curves, chosen), *_modulation(curves, chosen)]


def _of_frames(frames: KerasTensor, chosen: KerasTensor) -> list[KerasTensor]:
    """What does not depend on the order of the frames: each (batch, columns)."""
    return [*_moments(frames, chosen), *_percentiles(frames, chosen)]


def _of_magnitudes(frames: KerasTensor, chosen: KerasTensor) -> list[KerasTensor]:
    magnitudes = ops.abs(frames)
    return [_moments(magnitudes, chosen)[0], *_percentiles(magnitudes, chosen)]


def _moments(frames: KerasTensor, chosen: KerasTensor) -> list[KerasTensor]:
    mean = _mean(frames, chosen)
    variance = _mean(ops.square(frames - mean[:, None]), chosen)
    return [mean, ops.sqrt(variance + TINY)]


def _mean(frames: KerasTensor, chosen: KerasTensor) -> KerasTensor:
    total = ops.sum(frames * chosen[..., None], axis=1)
    return total / ops.maximum(ops.sum(chosen, axis=1), 1.0)[:, None]


def _percentiles(frames: KerasTensor, chosen: KerasTensor) -> list[KerasTensor]:
    """Of the chosen frames, linear between neighbours, as NumPy does it."""
    # (batch, columns, frames): what is not chosen comes last.
    values = ops.where(chosen[..., None] > 0, frames, BEYOND)
    ordered = ops.sort(ops.transpose(values, (0, 2, 1)), axis=-1)
    last = ops.maximum(ops.sum(chosen, axis=1) - 1, 0.0)  # (batch,)
    number = ops.cast(ops.arange(ops.shape(frames)[1]), "float32")
    # How much each frame of the order counts: two neighbours share a place between them.
    place = last[:, None] * (np.array(PERCENTILES, "float32") / 100)  # (batch, percentiles)
    share = ops.relu(1 - ops.abs(number[None, :, None] - place[:, None]))
    found = ops.matmul(ordered, share)  # (batch, columns, percentiles)
    return [found[..., number] for number in range(len(PERCENTILES))]


def _slope(curves: KerasTensor, chosen: KerasTensor) -> KerasTensor:
    """Of the straight line through a curve, from its first frame (-1) to its last (1)."""
    count = ops.sum(chosen, axis=1, keepdims=True)  # (batch, 1)
    number = ops.cast(ops.arange(ops.shape(curves)[1]), "float32")[None]
    time = chosen * (2 * number / ops.maximum(count - 1, 1.0) - 1)
    products = ops.sum(curves * time[..., None], axis=1)
    return products / ops.maximum(ops.sum(ops.square(time), axis=1), TINY)[:, None]


def _modulation(curves: KerasTensor, chosen: KerasTensor) -> list[KerasTensor]:
    """Logarithm of the mean square difference of frames a lag apart, for each lag."""
    found = []
    for lag in LAGS:
        # Curves of fewer frames than the lag have no pair: padded by themselves they have none.
        later, earlier = curves[:, lag:], curves[:, :-lag]
        both = chosen[:, lag:] * chosen[:, :-lag]
        found.append(ops.log(_mean(ops.square(later - earlier), both) + TINY))
    return found


def _first_frames(frames: KerasTensor, num_frames: KerasTensor) -> KerasTensor:
    number = ops.arange(ops.shape(frames)[1])
    return _cast(number[None] < ops.cast(num_frames, number.dtype)[:, None])


def _above(level: KerasTensor, chosen: KerasTensor, below_loudest: float) -> KerasTensor:
    """Which frames (batch, frames) are at most so far below the loudest of the chosen ones."""
    loudest = ops.max(ops.where(chosen > 0, level, -BEYOND), axis=1, keepdims=True)
    return level >= loudest - below_loudest


def _cast(condition: KerasTensor) -> KerasTensor:
    return ops.cast(condition, "float32")
