"""Every recording at one level, whatever the microphone and its distance were."""

import math
from collections.abc import Mapping
from typing import Any

import keras
from keras import KerasTensor, ops

from data_pipeline.audio.waveform import INT16_SCALE
from data_pipeline.contract import MELS, MFCC, NUM_MFCC_FRAMES
from data_pipeline.features.mfcc import FEATURE_NAMES, FRAME_LENGTH

# Of the 400 samples of a frame, full scale being 32768.
LOG_ENERGY = FEATURE_NAMES.index("log_energy")
QUANTILE = 0.9
LEVEL = 0.05  # root mean square, of full scale
TARGET = math.log(FRAME_LENGTH * (LEVEL * INT16_SCALE) ** 2)
DB_A_NAT = 10 / math.log(10)


@keras.saving.register_keras_serializable(package="ser_keras")
class LevelScaling(keras.layers.Layer):
    """As if each waveform were scaled so that nine tenths of its frames are below LEVEL.

    A gain adds a constant to the logarithm of the energy and to decibels, and leaves the other
    columns of the MFCC as they are. Silence stays at the floor of the decibels less the gain.

    Call arguments:
        inputs: the streams of a model: mfcc (batch, frames, 39), zero-padded, num_mfcc_frames
            (batch,), mel_narrow and mel_wide (batch, steps, n_mels) in dB.

    Output shape:
        The same streams.
    """

    def call(self, inputs: Mapping[str, KerasTensor]) -> dict[str, KerasTensor]:
        energy = inputs[MFCC][..., LOG_ENERGY]  # (batch, frames)
        number = ops.arange(ops.shape(energy)[1])[None]
        count = ops.cast(inputs[NUM_MFCC_FRAMES], number.dtype)[:, None]
        ordered = ops.sort(ops.where(number < count, energy, 3e38), axis=-1)
        place = ops.cast(ops.floor(QUANTILE * ops.cast(count - 1, "float32")), "int32")
        gain = TARGET - ops.take_along_axis(ordered, place, axis=-1)  # (batch, 1) in nats
        column = ops.cast(ops.arange(inputs[MFCC].shape[-1]) == LOG_ENERGY, "float32")
        scaled = dict(inputs)
        scaled[MFCC] = inputs[MFCC] + gain[..., None] * column
        for name in MELS:
            scaled[name] = inputs[name] + DB_A_NAT * gain[..., None]
        return scaled

    def compute_output_spec(self, inputs: Mapping[str, KerasTensor]) -> dict[str, Any]:
        return {name: KerasTensor(value.shape, value.dtype) for name, value in inputs.items()}
