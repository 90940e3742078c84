"""Batches -> emotions: the dual-sequence LSTM of Wang et al. (ICASSP 2020) in Keras 3."""

import lazy_loader as lazy

from data_pipeline.runtime import use_onednn, use_small_threads

# Before anything here imports TensorFlow.
use_onednn()
use_small_threads()

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
