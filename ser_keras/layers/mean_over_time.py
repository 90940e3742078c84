"""Mean pooling over the frames that an utterance really has."""

import keras
from keras import KerasTensor, ops


@keras.saving.register_keras_serializable(package="ser_keras")
class MeanOverTime(keras.layers.Layer):
    """Average each sequence over its own frames and leave the padding out (section 2.3.2).

    Call arguments:
        inputs: a pair: sequences (batch, frames, features) and num_frames (batch,) integers, 1 or
            more. What stands beyond num_frames has no influence, whatever it is.

    Output shape:
        (batch, features).

    Example:
        >>> sequences = keras.ops.array([[[1.0], [3.0], [99.0]]])
        >>> MeanOverTime()([sequences, keras.ops.array([2])]).numpy()
        array([[2.]], dtype=float32)
    """

    def call(self, inputs: tuple[KerasTensor, KerasTensor]) -> KerasTensor:
        sequences, num_frames = inputs
        frames = ops.arange(ops.shape(sequences)[1])
        # (1, frames, 1) < (batch, 1, 1)
        real = frames[None, :, None] < ops.cast(num_frames, frames.dtype)[:, None, None]
        total = ops.sum(ops.where(real, sequences, ops.zeros_like(sequences)), axis=1)
        return total / ops.cast(num_frames, sequences.dtype)[:, None]

    def compute_output_shape(self, input_shape: tuple[tuple, tuple]) -> tuple:
        sequences, _ = input_shape
        return (sequences[0], sequences[-1])
