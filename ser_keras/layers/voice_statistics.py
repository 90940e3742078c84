"""Functionals in standard units of the training voices, or of one voice that has a profile."""

from typing import Any

import keras
from keras import KerasTensor, ops

from ser_keras.voices.linear_head import LIMIT


@keras.saving.register_keras_serializable(package="ser_keras")
class VoiceStatistics(keras.layers.Layer):
    """Subtract the mean of a voice, divide by its deviation; know what the training voices were.

    Nothing here is trained: `training.linear_head` measures it before training. Beside the mean and
    the deviation of the training voices it keeps what `voices.adapting` asks for, so that a saved
    or exported model can make profiles.

    Args:
        num_emotions: of the model.
        num_columns: how many functionals, the first ones, are means of the columns of the streams;
            as many deviations of the same columns follow.
        kwargs: as for every Keras layer.

    Call arguments:
        inputs: a pair: functionals (batch, num_functionals), and profiles (batch, 2,
            num_functionals) in standard units: the mean of each voice, and the logarithm of its
            deviation. Zeros are the training voices.

    Output shape:
        (batch, num_functionals), the functionals in standard units of the voice, within LIMIT; and
        the mean and the deviation of the frames of the voice, (batch, num_columns) each: those of
        the streams, in their own units.
    """

    def __init__(self, num_emotions: int, num_columns: int, **kwargs: Any):
        super().__init__(autocast=False, trainable=False, **kwargs)
        self.num_emotions, self.num_columns = num_emotions, num_columns

    def build(self, input_shape: tuple[tuple, tuple]) -> None:
        size = input_shape[0][-1]
        self.mean = self._statistic((size,), "mean", "zeros")
        self.deviation = self._statistic((size,), "deviation", "ones")
        self.effects = self._statistic((self.num_emotions, size), "effects", "zeros")
        self.usual_spread = self._statistic((), "usual_spread", "ones")

    def _statistic(self, shape: tuple, name: str, start: str) -> keras.Variable:
        return self.add_weight(
            shape=shape, name=name, initializer=start, trainable=False, dtype="float32"
        )

    def call(self, inputs: tuple[KerasTensor, KerasTensor]) -> tuple[KerasTensor, ...]:
        functionals, profiles = (ops.cast(part, "float32") for part in inputs)
        standard = (functionals - self.mean) / self.deviation
        standard = ops.clip(standard, -LIMIT, LIMIT)
        centre, width = profiles[:, 0], ops.exp(profiles[:, 1])  # (batch, num_functionals)
        return (standard - centre) / width, *self._of_frames(centre, width)

    def _of_frames(
        self, centre: KerasTensor, width: KerasTensor
    ) -> tuple[KerasTensor, KerasTensor]:
        """Mean and deviation of the frames of a voice, over all of its recordings.

        The variance of all frames is that of the recordings' means and the mean of their own
        variances; these are what their deviations' mean and variance say.
        """
        count = self.num_columns
        own_centre = self.mean + self.deviation * centre
        own_width = self.deviation * width
        means, deviations = slice(0, count), slice(count, 2 * count)
        variance = (
            ops.square(own_width[:, means])
            + ops.square(own_centre[:, deviations])
            + ops.square(own_width[:, deviations])
        )
        return own_centre[:, means], ops.sqrt(variance)

    def get_config(self) -> dict[str, Any]:
        own = {"num_emotions": self.num_emotions, "num_columns": self.num_columns}
        return {**super().get_config(), **own}
