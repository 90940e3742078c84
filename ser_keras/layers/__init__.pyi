from .audio_front_end import AudioFrontEnd as AudioFrontEnd
from .conv_block import ConvBlock as ConvBlock
from .ds_lstm import DSLSTM as DSLSTM
from .ds_lstm_cell import DSLSTMCell as DSLSTMCell
from .feature_front_end import FeatureFrontEnd as FeatureFrontEnd
from .mean_over_time import MeanOverTime as MeanOverTime
from .recurrent_batch_normalization import (
    RecurrentBatchNormalization as RecurrentBatchNormalization,
)

__all__ = [
    "AudioFrontEnd",
    "ConvBlock",
    "DSLSTM",
    "DSLSTMCell",
    "FeatureFrontEnd",
    "MeanOverTime",
    "RecurrentBatchNormalization",
]
