from .conv_block import ConvBlock as ConvBlock
from .ds_lstm import DSLSTM as DSLSTM
from .ds_lstm_cell import DSLSTMCell as DSLSTMCell
from .level_scaling import LevelScaling as LevelScaling
from .lstm import LSTM as LSTM
from .mean_over_time import MeanOverTime as MeanOverTime
from .profile_dense import ProfileDense as ProfileDense
from .recurrent_batch_normalization import (
    RecurrentBatchNormalization as RecurrentBatchNormalization,
)
from .stream_functionals import StreamFunctionals as StreamFunctionals
from .stream_masking import StreamMasking as StreamMasking
from .voice_statistics import VoiceStatistics as VoiceStatistics

__all__ = [
    "ConvBlock",
    "DSLSTM",
    "DSLSTMCell",
    "LSTM",
    "LevelScaling",
    "MeanOverTime",
    "ProfileDense",
    "RecurrentBatchNormalization",
    "StreamFunctionals",
    "StreamMasking",
    "VoiceStatistics",
]
