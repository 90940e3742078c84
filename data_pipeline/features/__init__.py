"""Waveform -> MFCC_E_D_A, mel power spectrograms, levels and functionals."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
