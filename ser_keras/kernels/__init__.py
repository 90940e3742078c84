"""Functions below the layers: how to convolve and recur fast, and how weights start."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
