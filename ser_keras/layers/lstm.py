"""The stock LSTM, answered in one operation when nothing is trained."""

from typing import Any

import keras
from keras import KerasTensor


@keras.saving.register_keras_serializable(package="ser_keras")
class LSTM(keras.layers.LSTM):
    """`keras.layers.LSTM` with `return_sequences`; one utterance takes a third of its time.

    That is inference in float32. Trained, under another policy and on another engine it is the
    stock layer. Frames beyond an utterance's own are run over like the others: what follows leaves
    them out (`MeanOverTime`).

    Args:
        units: size of h and C.
        kwargs: as for `keras.layers.LSTM`; activations stay as they are there.

    Call arguments:
        sequences: (batch, steps, features).
        training: whether gradients and dropout are wanted.

    Output shape:
        (batch, steps, units).
    """

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(units, **{**kwargs, "return_sequences": True})

    def call(
        self,
        sequences: KerasTensor,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> KerasTensor:
        plain = initial_state is None and mask is None and self.compute_dtype == "float32"
        if training or not plain or keras.backend.backend() != "tensorflow":
            return super().call(sequences, initial_state, mask, training)
        from ser_keras.kernels.lstm import fused_lstm

        cell = self.cell
        return fused_lstm(sequences, cell.kernel, cell.recurrent_kernel, cell.bias)
