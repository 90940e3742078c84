"""What TensorFlow reads from the environment when it is imported: set here, and before that.

A value that the user has set stays.
"""

import os


def quiet_tensorflow() -> None:
    """Leave out TensorFlow's notices at the start: they would bury the line that matters."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def use_onednn() -> None:
    """Turn Intel's oneDNN kernels on, on every processor.

    Of itself TensorFlow uses them on the newest processors only. On older ones the gradient of the
    second convolution's kernel then takes 15 times as long, which doubles a training step.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def usable_cores() -> int:
    """Processors that this process may use, as `taskset` leaves them where the system has it."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
