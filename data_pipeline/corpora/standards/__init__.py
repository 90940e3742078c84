"""Readers of what many corpora come in: EmoBox's metadata, audformat's databases."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
