from .convolution import conv2d_max_pool as conv2d_max_pool
from .convolution import conv2d_moments as conv2d_moments
from .initializers import uniform_by_fan_in as uniform_by_fan_in
from .lstm import fused_lstm as fused_lstm
from .steps import run_steps as run_steps

__all__ = [
    "conv2d_max_pool",
    "conv2d_moments",
    "fused_lstm",
    "run_steps",
    "uniform_by_fan_in",
]
