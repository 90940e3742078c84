"""A part of each stream is hidden in training, so that no part alone decides."""

from typing import Any

import keras
from keras import KerasTensor, ops


@keras.saving.register_keras_serializable(package="ser_keras")
class StreamMasking(keras.layers.Layer):
    """Put a stretch of frames and a stretch of columns of each sequence to zero, in training alone.

    Place and length of each stretch are drawn anew for each sequence, the length evenly from none
    to a share of all. Zero is the mean of a stream in standard units.

    Reference:
        Park et al., "SpecAugment: A Simple Data Augmentation Method for Automatic Speech
        Recognition", Interspeech 2019, section 2: time masking and frequency masking.

    Args:
        share: the largest part of the frames, and of the columns, from 0 to 1.
        seed: of the places; None for Keras's global seed.
        kwargs: as for every Keras layer.

    Call arguments:
        sequences: (batch, frames, columns).
        training: whether anything is hidden.

    Output shape:
        That of the sequences.
    """

    def __init__(self, share: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if not 0 <= share <= 1:
            raise ValueError(f"Received share={share}. Expected a part, from 0 to 1.")
        self.share = share
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, sequences: KerasTensor, training: bool = False) -> KerasTensor:
        if not training:
            return sequences
        shown_frames = self._shown(sequences, axis=1)[:, :, None]
        shown_columns = self._shown(sequences, axis=2)[:, None, :]
        return sequences * ops.cast(shown_frames & shown_columns, sequences.dtype)

    def _shown(self, sequences: KerasTensor, axis: int) -> KerasTensor:
        """Which frames or columns of each sequence stay: bool (batch, frames or columns)."""
        shape = ops.shape(sequences)
        size = ops.cast(shape[axis], "float32")
        drawn = keras.random.uniform((shape[0], 2), seed=self.seed_generator)
        length = drawn[:, :1] * self.share * size
        start = drawn[:, 1:] * (size - length)
        number = ops.cast(ops.arange(shape[axis]), "float32")[None]
        return (number < start) | (number >= start + length)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "share": self.share}
