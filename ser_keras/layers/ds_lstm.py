"""The dual-sequence LSTM over whole sequences."""

from typing import Any

import keras
from keras import KerasTensor, ops

from ser_keras.kernels.initializers import uniform_by_fan_in
from ser_keras.layers.ds_lstm_cell import DSLSTMCell, check_cell


@keras.saving.register_keras_serializable(package="ser_keras")
class DSLSTM(keras.layers.Layer):
    """Run a `DSLSTMCell` over two sequences of the same number of steps.

    The recurrence, its normalisation and its weights stay in full precision under a mixed policy:
    it is bound by its number of steps, not by its arithmetic, and variances do not fit half
    precision. The moving statistics of each step are updated once a batch, after the recurrence.

    Reference:
        Wang et al., "Speech Emotion Recognition with Dual-Sequence LSTM Architecture", ICASSP
        2020, section 2.3.4.

    Args:
        units: size of h and C; the paper uses 200.
        timesteps: number of steps that have normalisation statistics of their own. The number of
            steps of the input where it is not given.
        gate_norm: "after_sigmoid" (the paper, equations 1 to 4) or "before_sigmoid".
        momentum: weight of the old moving statistics at an update.
        epsilon: added to the variance.
        kwargs: as for every Keras layer.

    Call arguments:
        inputs: a pair: x (batch, steps, x features) and y (batch, steps, y features).
        training: whether the gates are normalised by the statistics of the batch.

    Output shape:
        (batch, steps, units), the sequence of h.

    Example:
        >>> x, y = keras.random.normal((8, 20, 208)), keras.random.normal((8, 20, 464))
        >>> DSLSTM(200)([x, y]).shape
        TensorShape([8, 20, 200])
    """

    def __init__(
        self,
        units: int,
        timesteps: int | None = None,
        gate_norm: str = "after_sigmoid",
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_cell(units, gate_norm)
        self.units = units
        self.timesteps = timesteps
        self.gate_norm = gate_norm
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, input_shape: tuple[tuple, tuple]) -> None:
        x_shape, y_shape = input_shape
        if x_shape[1] != y_shape[1] or (x_shape[1] is None and self.timesteps is None):
            raise ValueError(
                f"Received x of shape {tuple(x_shape)} and y of shape {tuple(y_shape)}. Expected "
                "the same number of steps, and `timesteps` where it is not known beforehand."
            )
        units, x_size, y_size = self.units, x_shape[-1], y_shape[-1]
        gate_fan_in = x_size + y_size + units
        self.x_gate_kernel = self._kernel("x_gate_kernel", x_size, 4 * units, gate_fan_in)
        self.y_gate_kernel = self._kernel("y_gate_kernel", y_size, 4 * units, gate_fan_in)
        self.x_memory_kernel = self._kernel("x_memory_kernel", x_size, units, x_size + units)
        self.y_memory_kernel = self._kernel("y_memory_kernel", y_size, units, y_size + units)
        self.bias = self.add_weight(
            name="bias", shape=(6 * units,), initializer=uniform_by_fan_in(gate_fan_in)
        )
        cell = DSLSTMCell(
            units,
            self.timesteps or x_shape[1],
            self.gate_norm,
            self.momentum,
            self.epsilon,
            gate_fan_in,
            dtype=self.variable_dtype,
        )
        self.rnn = keras.layers.RNN(cell, return_sequences=True, dtype=self.variable_dtype)
        self.rnn.build((x_shape[0], x_shape[1], 6 * units))

    def call(self, inputs: tuple[KerasTensor, KerasTensor], training: bool = False) -> KerasTensor:
        projected = ops.cast(self.project(*inputs), self.variable_dtype)
        if not training:
            return ops.cast(self.rnn.cell.answer(projected), self.compute_dtype)
        outputs = self.rnn(projected, training=True)
        # (batch, steps, 5 units) -> h (batch, steps, units), four gates (batch, steps, 4 units)
        h, before_norm = ops.split(outputs, [self.units], axis=-1)
        self.rnn.cell.rbn.update_moving_statistics(before_norm)
        return ops.cast(h, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[tuple, tuple]) -> tuple:
        return (*input_shape[0][:2], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "timesteps": self.timesteps,
            "gate_norm": self.gate_norm,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
        }

    def project(self, x: KerasTensor, y: KerasTensor) -> KerasTensor:
        """The share of x, y and bias in the six networks, for all steps: (batch, steps, 6 units).

        The memory of x does not see y, and the other way round: equations (5) and (6).
        """
        gates = ops.matmul(x, self.x_gate_kernel) + ops.matmul(y, self.y_gate_kernel)
        memory_T = ops.matmul(x, self.x_memory_kernel)
        memory_F = ops.matmul(y, self.y_memory_kernel)
        return ops.concatenate([gates, memory_T, memory_F], axis=-1) + self.bias

    def _kernel(self, name: str, rows: int, columns: int, fan_in: int) -> keras.Variable:
        return self.add_weight(
            name=name, shape=(rows, columns), initializer=uniform_by_fan_in(fan_in)
        )
