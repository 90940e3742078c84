"""Any audio file -> mono float32 at 16 kHz, checked."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
