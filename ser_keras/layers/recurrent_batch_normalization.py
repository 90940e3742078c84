"""Batch normalisation that knows the step of the recurrence: `rbn` in equations (1) to (4)."""

from typing import Any

import keras
from keras import KerasTensor, ops


@keras.saving.register_keras_serializable(package="ser_keras")
class RecurrentBatchNormalization(keras.layers.Layer):
    """Normalise each timestep by its own statistics; gamma and beta are shared by all steps.

    In training a step is normalised by the mean and variance of the batch at that step; at
    inference by the moving statistics of that step, and beyond the last step by those of the
    last. `call` runs inside a recurrence and therefore assigns nothing: Keras may call a cell
    more often than there are steps. `update_moving_statistics` takes the values of all steps
    after the recurrence and assigns once.

    Reference:
        Cooijmans et al., "Recurrent Batch Normalization", ICLR 2017, section 3: statistics by
        step, gamma = 0.1 and beta = 0 at the start.

    Args:
        timesteps: number of steps that have moving statistics of their own.
        momentum: weight of the old moving statistics at an update.
        epsilon: added to the variance.
        kwargs: as for every Keras layer.

    Call arguments:
        inputs: (batch, features), the values of one step.
        step: scalar number of the step, from 0.
        training: whether the statistics of the batch are used.

    Output shape:
        (batch, features).
    """

    def __init__(self, timesteps: int, momentum: float = 0.9, epsilon: float = 1e-5, **kwargs: Any):
        super().__init__(**kwargs)
        self.timesteps = timesteps
        self.momentum = momentum
        self.epsilon = epsilon
        if timesteps < 1:
            raise ValueError(f"Received timesteps={timesteps}. Expected 1 or more.")

    def build(self, input_shape: tuple) -> None:
        features = (input_shape[-1],)
        by_step = (self.timesteps, *features)
        self.gamma = self.add_weight(
            name="gamma", shape=features, initializer=keras.initializers.Constant(0.1)
        )
        self.beta = self.add_weight(name="beta", shape=features, initializer="zeros")
        self.moving_mean = self._statistic("moving_mean", by_step, "zeros")
        self.moving_variance = self._statistic("moving_variance", by_step, "ones")

    def call(
        self, inputs: KerasTensor, step: KerasTensor | int, training: bool = False
    ) -> KerasTensor:
        if training:
            mean, variance = ops.moments(inputs, axes=0)
        else:
            row = ops.minimum(ops.cast(step, "int32"), self.timesteps - 1)
            mean = ops.take(self.moving_mean, row, axis=0)
            variance = ops.take(self.moving_variance, row, axis=0)
        scale = self.gamma * ops.rsqrt(variance + self.epsilon)
        return (inputs - mean) * scale + self.beta

    def scale_and_shift(self, steps: int) -> tuple[KerasTensor, KerasTensor]:
        """What `call` without training multiplies by and adds, of so many steps.

        Returns:
            (steps, features) each.
        """
        rows = ops.minimum(ops.arange(steps), self.timesteps - 1)
        mean = ops.take(self.moving_mean, rows, axis=0)
        variance = ops.take(self.moving_variance, rows, axis=0)
        scale = self.gamma * ops.rsqrt(variance + self.epsilon)
        return scale, self.beta - mean * scale

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "timesteps": self.timesteps,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
        }

    def update_moving_statistics(self, sequences: KerasTensor) -> None:
        """Move the statistics of every step towards those of a batch, once.

        Args:
            sequences: (batch, steps, features), what `call` was given step by step. Steps beyond
                `timesteps` are left out; steps that are missing keep their statistics.
        """
        sequences = ops.stop_gradient(sequences[:, : self.timesteps])
        mean, variance = ops.moments(ops.cast(sequences, self.variable_dtype), axes=0)
        # (batch, steps, features) -> (steps, features)
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            seen = batch.shape[0]
            updated = self.momentum * moving[:seen] + (1 - self.momentum) * batch
            moving.assign(ops.concatenate([updated, moving[seen:]], axis=0))

    def _statistic(self, name: str, shape: tuple, initializer: str) -> keras.Variable:
        # aggregation="mean": replicas of a distributed run keep one common value.
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            trainable=False,
            autocast=False,
            aggregation="mean",
        )
