from .datasets import make_dataset as make_dataset
from .datasets import make_training_dataset as make_training_dataset
from .datasets import median_num_frames as median_num_frames
from .training_profile import measure_training_profile as measure_training_profile

__all__ = [
    "make_dataset",
    "make_training_dataset",
    "measure_training_profile",
    "median_num_frames",
]
