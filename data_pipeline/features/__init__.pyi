from .functionals import opensmile_functionals as opensmile_functionals
from .level import Level as Level
from .level import frame_levels as frame_levels
from .level import overall_level as overall_level
from .mel import log_compress as log_compress
from .mel import mel_spectrogram as mel_spectrogram
from .mel import num_mel_frames as num_mel_frames
from .mel import resize_time_axis as resize_time_axis
from .mel import tensorflow_mel_spectrogram as tensorflow_mel_spectrogram
from .mfcc import FEATURE_NAMES as FEATURE_NAMES
from .mfcc import num_mfcc_frames as num_mfcc_frames
from .mfcc import opensmile_mfcc as opensmile_mfcc
from .mfcc import tensorflow_mfcc as tensorflow_mfcc

__all__ = [
    "FEATURE_NAMES",
    "Level",
    "frame_levels",
    "log_compress",
    "mel_spectrogram",
    "num_mel_frames",
    "num_mfcc_frames",
    "opensmile_functionals",
    "opensmile_mfcc",
    "overall_level",
    "resize_time_axis",
    "tensorflow_mel_spectrogram",
    "tensorflow_mfcc",
]
