"""A linear layer that has one kernel for recordings without a profile and one for those with."""

from typing import Any

import keras
from keras import KerasTensor, ops


@keras.saving.register_keras_serializable(package="ser_keras")
class ProfileDense(keras.layers.Layer):
    """Two linear classifiers: of voices that nothing is known of, and of voices with a profile.

    What tells emotions apart in units of all voices is not what does in units of the own voice: a
    voice that is not known asks for functionals that voices have in common. Nothing here is
    trained with the other layers: `training.linear_head` fits both.

    Args:
        units: of the output, one an emotion.
        kwargs: as for every Keras layer.

    Call arguments:
        inputs: a pair: functionals (batch, num_functionals) in units of the voice, and its
            profiles (batch, 2, num_functionals), zeros where there is none.
        training: in training it says nothing, zeros: it was fitted on the same recordings before,
            and what the other heads learn is not to hide behind it.

    Output shape:
        (batch, units), float32.
    """

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(autocast=False, trainable=False, **kwargs)
        self.units = units

    def build(self, input_shape: tuple[tuple, tuple]) -> None:
        kernel = (2, input_shape[0][-1], self.units)
        self.kernel = self.add_weight(
            shape=kernel, name="kernel", initializer="zeros", trainable=False, dtype="float32"
        )
        self.bias = self.add_weight(
            shape=(2, self.units),
            name="bias",
            initializer="zeros",
            trainable=False,
            dtype="float32",
        )

    def call(self, inputs: tuple[KerasTensor, KerasTensor], training: bool = False) -> KerasTensor:
        functionals, profiles = (ops.cast(part, "float32") for part in inputs)
        if training:  # from the profiles, so that no functionals are computed
            return ops.zeros((ops.shape(profiles)[0], self.units), "float32")
        known = ops.any(ops.not_equal(profiles, 0), axis=(1, 2))[:, None]
        of_nobody, of_known = (
            ops.matmul(functionals, self.kernel[number]) + self.bias[number] for number in (0, 1)
        )
        return ops.where(known, of_known, of_nobody)

    def compute_output_shape(self, input_shape: tuple[tuple, tuple]) -> tuple:
        return (input_shape[0][0], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}
