from .convolution import conv2d_max_pool as conv2d_max_pool
from .convolution import conv2d_moments as conv2d_moments
from .initializers import uniform_by_fan_in as uniform_by_fan_in

__all__ = [
    "conv2d_max_pool",
    "conv2d_moments",
    "uniform_by_fan_in",
]
