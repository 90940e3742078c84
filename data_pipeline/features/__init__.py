"""Waveform -> MFCC_E_D_A, mel power spectrograms, levels and functionals."""
