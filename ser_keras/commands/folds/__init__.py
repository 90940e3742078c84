"""The folds of a run: what each begins with, hears, and comes to."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
