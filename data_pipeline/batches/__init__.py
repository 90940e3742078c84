"""Prepared folder -> batches for training."""
