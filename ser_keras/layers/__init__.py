"""Keras layers: the dual-level model in `keras.ops`, and the front ends in TensorFlow."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
