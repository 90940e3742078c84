"""Batches -> emotions: the dual-sequence LSTM of Wang et al. (ICASSP 2020) in Keras 3."""

import os

# TensorFlow has Intel's oneDNN kernels, but uses them of itself on the newest processors only. On
# older ones the gradient of the second convolution's kernel then takes 15 times as long, which
# doubles a training step. Read by TensorFlow when it is imported; a value that is set stays.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
