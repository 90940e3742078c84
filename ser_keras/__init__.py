"""Batches -> emotions: the dual-sequence LSTM of Wang et al. (ICASSP 2020) in Keras 3."""
