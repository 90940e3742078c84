"""Keras layers: the dual-level model in `keras.ops`, and the front ends in TensorFlow."""

from ser_keras.layers.audio_front_end import AudioFrontEnd
from ser_keras.layers.conv_block import ConvBlock
from ser_keras.layers.ds_lstm import DSLSTM
from ser_keras.layers.ds_lstm_cell import DSLSTMCell
from ser_keras.layers.feature_front_end import FeatureFrontEnd
from ser_keras.layers.mean_over_time import MeanOverTime
from ser_keras.layers.recurrent_batch_normalization import RecurrentBatchNormalization

__all__ = [
    "DSLSTM",
    "AudioFrontEnd",
    "ConvBlock",
    "DSLSTMCell",
    "FeatureFrontEnd",
    "MeanOverTime",
    "RecurrentBatchNormalization",
]
