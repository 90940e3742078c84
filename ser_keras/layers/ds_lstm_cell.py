"""One step of the dual-sequence LSTM: equations (1) to (8) of the paper."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import KerasTensor, ops

from ser_keras.kernels.initializers import uniform_by_fan_in
from ser_keras.kernels.steps import run_steps
from ser_keras.layers.recurrent_batch_normalization import RecurrentBatchNormalization
from ser_keras.settings import GATE_NORMS


def check_cell(units: int, gate_norm: str) -> None:
    """Refuse settings that no cell can have.

    Raises:
        ValueError: naming what was received.
    """
    if gate_norm not in GATE_NORMS:
        raise ValueError(f"Received gate_norm={gate_norm!r}. Expected one of {GATE_NORMS}.")
    if units < 1:
        raise ValueError(f"Received units={units}. Expected 1 or more.")


@keras.saving.register_keras_serializable(package="ser_keras")
class DSLSTMCell(keras.layers.Layer):
    """The six-gate cell that reads two sequences at once, for `keras.layers.RNN`.

    The cell holds what depends on h: the recurrent weights of the six networks, side by side, and
    the normalisation of the four gates. The share of x_t, y_t and the bias in each network does
    not depend on h, so `DSLSTM` computes it for all steps in one product and hands it in.

    Reference:
        Wang et al., "Speech Emotion Recognition with Dual-Sequence LSTM Architecture", ICASSP
        2020, section 2.3.4.

    Args:
        units: size of h and C.
        timesteps: number of steps that have normalisation statistics of their own.
        gate_norm: "after_sigmoid", as the paper prints it, or "before_sigmoid", as in Cooijmans
            et al.
        momentum: weight of the old moving statistics at an update.
        epsilon: added to the variance.
        fan_in: number of inputs of a gate network, [x_t, y_t, h_{t-1}]; sets the scale of the
            recurrent weights at the start. `units` where it is not given.
        kwargs: as for every Keras layer.

    Call arguments:
        inputs: (batch, 6 * units), the share of x_t, y_t and bias in the six networks, in the
            order f, i_T, i_F, o, C_T, C_F.
        states: h and C, (batch, units) each, and the number of the step, (batch, 1).
        training: whether the gates are normalised by the statistics of the batch.

    Output shape:
        [h, what the normalisation was given] as (batch, 5 * units), and the new states.
    """

    def __init__(
        self,
        units: int,
        timesteps: int,
        gate_norm: str = "after_sigmoid",
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        fan_in: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_cell(units, gate_norm)
        self.units = units
        self.gate_norm = gate_norm
        self.fan_in = fan_in or units
        self.rbn = RecurrentBatchNormalization(
            timesteps, momentum, epsilon, name="rbn", dtype=self.dtype_policy
        )
        self.state_size = [units, units, 1]
        self.output_size = 5 * units

    def build(self, input_shape: tuple) -> None:
        if input_shape[-1] != 6 * self.units:
            raise ValueError(
                f"Received inputs of shape {tuple(input_shape)}. Expected (batch, 6 * units) = "
                f"(batch, {6 * self.units}): the share of x, y and bias in six networks, as "
                "`DSLSTM` computes it."
            )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=(self.units, 6 * self.units),
            initializer=uniform_by_fan_in(self.fan_in),
        )
        self.rbn.build((input_shape[0], 4 * self.units))

    def call(
        self, inputs: KerasTensor, states: Sequence[KerasTensor], training: bool = False
    ) -> tuple[KerasTensor, list[KerasTensor]]:
        h, C, step = states
        # (batch, 6 units): four gates, two memories.
        z = inputs + ops.matmul(h, self.recurrent_kernel)
        z_gates, z_memories = ops.split(z, [4 * self.units], axis=-1)

        gates, before_norm = self._gates(z_gates, step[0, 0], training)
        h, C = self._remember(gates, z_memories, C)
        return ops.concatenate([h, before_norm], axis=-1), [h, C, step + 1]

    def answer(self, inputs: KerasTensor) -> KerasTensor:
        """The h of whole sequences, as the steps of `call` without training give it.

        The normalisation of a step is then known beforehand, whatever the batch is.

        Args:
            inputs: (batch, steps, 6 * units), what `call` is given of each step.

        Returns:
            (batch, steps, units).
        """
        # (batch, steps, 6 units) -> (steps, batch, 6 units)
        sequence = ops.transpose(inputs, (1, 0, 2))
        nothing = ops.zeros((ops.shape(inputs)[0], self.units), inputs.dtype)
        scale, shift = self.rbn.scale_and_shift(ops.shape(inputs)[1])
        h = run_steps(self._answer_step, (nothing, nothing), (sequence, scale, shift))
        return ops.transpose(h, (1, 0, 2))

    def _answer_step(
        self, states: Sequence[KerasTensor], inputs: Sequence[KerasTensor]
    ) -> tuple[KerasTensor, KerasTensor]:
        (h, C), (x, scale, shift) = states, inputs
        z = x + ops.matmul(h, self.recurrent_kernel)
        z_gates, z_memories = ops.split(z, [4 * self.units], axis=-1)
        if self.gate_norm == "after_sigmoid":
            gates = ops.sigmoid(z_gates) * scale + shift
        else:
            gates = ops.sigmoid(z_gates * scale + shift)
        return self._remember(gates, z_memories, C)

    def _remember(
        self, gates: KerasTensor, z_memories: KerasTensor, C: KerasTensor
    ) -> tuple[KerasTensor, KerasTensor]:
        """The next h and C, from the four gates and what goes into the two memories."""
        f, i_T, i_F, o = ops.split(gates, 4, axis=-1)  # equations (1) to (4)
        C_T, C_F = ops.split(ops.tanh(z_memories), 2, axis=-1)  # equations (5) and (6)
        C = f * C + i_T * C_T + i_F * C_F  # equation (7)
        return o * ops.tanh(C), C  # equation (8)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "timesteps": self.rbn.timesteps,
            "gate_norm": self.gate_norm,
            "momentum": self.rbn.momentum,
            "epsilon": self.rbn.epsilon,
            "fan_in": self.fan_in,
        }

    def _gates(
        self, z: KerasTensor, step: KerasTensor, training: bool
    ) -> tuple[KerasTensor, KerasTensor]:
        """The four gates side by side, and what the normalisation was given for them."""
        if self.gate_norm == "after_sigmoid":
            before_norm = ops.sigmoid(z)
            return self.rbn(before_norm, step, training=training), before_norm
        return ops.sigmoid(self.rbn(z, step, training=training)), z
