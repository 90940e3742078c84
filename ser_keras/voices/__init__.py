"""Voice profiles: what recordings of a voice, without labels, say about it; NumPy alone."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
