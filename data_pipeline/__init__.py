"""Speech on disk -> batches for training.

A corpus is read (`corpora`), its files are decoded (`audio`) and turned into features
(`features`), which are written as records (`records`), divided into folds (`splits`) and read as
batches (`batches`).

The names below are what users need; each is imported when it is asked for first, so that reading a
corpus does not wait for TensorFlow.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
