"""Keras layers of the dual-level model, written in `keras.ops`."""

from ser_keras.layers.conv_block import ConvBlock
from ser_keras.layers.ds_lstm import DSLSTM
from ser_keras.layers.ds_lstm_cell import DSLSTMCell
from ser_keras.layers.mean_over_time import MeanOverTime
from ser_keras.layers.recurrent_batch_normalization import RecurrentBatchNormalization

__all__ = ["DSLSTM", "ConvBlock", "DSLSTMCell", "MeanOverTime", "RecurrentBatchNormalization"]
