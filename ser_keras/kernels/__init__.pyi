from .convolution import conv2d_max_pool as conv2d_max_pool
from .convolution import conv2d_moments as conv2d_moments

__all__ = [
    "conv2d_max_pool",
    "conv2d_moments",
]
