"""One block of the CNN for mel spectrograms: convolution, batch norm, ReLU, 2 x 2 max pooling."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import KerasTensor, ops

from ser_keras.kernels.convolution import conv2d_max_pool, conv2d_moments
from ser_keras.kernels.initializers import uniform_by_fan_in


@keras.saving.register_keras_serializable(package="ser_keras")
class ConvBlock(keras.layers.Layer):
    """Convolution, batch normalisation, ReLU and 2 x 2 max pooling (section 2.3.3).

    Equal to `Conv2D(use_bias=False)`, `BatchNormalization`, `ReLU` and `MaxPooling2D` in that
    order, and faster: the affine part of the normalisation goes into the kernel or before the
    maximum, so a negative gamma is right too, and ReLU, which commutes with the maximum, sees a
    quarter of the values. A block that takes one channel never builds its feature map (see
    `conv2d_max_pool` and `conv2d_moments`).

    The convolution has no bias: the normalisation subtracts it again.

    Reference:
        Wang et al., "Speech Emotion Recognition with Dual-Sequence LSTM Architecture", ICASSP
        2020. Batch norm, its place and its constants are from the authors' code.

    Args:
        filters: number of output channels.
        kernel_size: (time, mel) size of the kernel.
        padding: (time, mel) zeros added on each side; the paper adds none.
        momentum: weight of the old moving statistics at an update.
        epsilon: added to the variance.
        kwargs: as for every Keras layer.

    Call arguments:
        inputs: (batch, time, mels, channels).
        training: whether the statistics of the batch are used, and the moving ones updated.

    Output shape:
        (batch, (time + 2 p - k + 1) // 2, (mels + 2 p - k + 1) // 2, filters).

    Example:
        >>> ConvBlock(8)(keras.random.normal((2, 76, 64, 1))).shape
        TensorShape([2, 36, 30, 8])
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Sequence[int] = (4, 4),
        padding: Sequence[int] = (0, 0),
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = tuple(kernel_size)
        self.padding = tuple(padding)
        self.momentum = momentum
        self.epsilon = epsilon
        self.input_spec = keras.layers.InputSpec(ndim=4)
        if filters < 1 or len(self.kernel_size) != 2 or len(self.padding) != 2:
            raise ValueError(
                f"Received filters={filters}, kernel_size={kernel_size}, padding={padding}. "
                "Expected a positive number of filters and two pairs (time, mel)."
            )

    def build(self, input_shape: tuple) -> None:
        channels = input_shape[-1]
        height, width = self.kernel_size
        self.kernel = self.add_weight(
            name="kernel",
            shape=(height, width, channels, self.filters),
            initializer=uniform_by_fan_in(height * width * channels),
            autocast=False,
        )
        self.gamma = self._per_filter("gamma", "ones")
        self.beta = self._per_filter("beta", "zeros")
        self.moving_mean = self._per_filter("moving_mean", "zeros", trainable=False)
        self.moving_variance = self._per_filter("moving_variance", "ones", trainable=False)

    def call(self, inputs: KerasTensor, training: bool = False) -> KerasTensor:
        inputs = self._padded(inputs)
        kernel = ops.cast(self.kernel, inputs.dtype)
        one_channel = inputs.shape[-1] == 1
        mean, variance = self.moving_mean.value, self.moving_variance.value
        feature_map = None
        if training:
            feature_map = None if one_channel else ops.conv(inputs, kernel, 1, "valid")
            mean, variance = self._batch_statistics(inputs, feature_map)
            self._update_moving_statistics(mean, variance)
        scale = self.gamma * ops.rsqrt(variance + self.epsilon)
        shift = ops.cast(self.beta - mean * scale, inputs.dtype)
        scale = ops.cast(scale, inputs.dtype)
        # (batch, time, mels, channels) -> (batch, windows in time, windows in mels, filters)
        if one_channel:
            pooled = conv2d_max_pool(inputs, kernel * scale)
        elif feature_map is None:
            pooled = ops.max_pool(ops.conv(inputs, kernel * scale, 1, "valid"), 2, 2)
        else:
            pooled = ops.max_pool(feature_map * scale, 2, 2)
        return ops.relu(pooled + shift)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        sizes = (
            size if size is None else (size + 2 * padding - kernel + 1) // 2
            for size, padding, kernel in zip(
                input_shape[1:3], self.padding, self.kernel_size, strict=True
            )
        )
        return (input_shape[0], *sizes, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "padding": self.padding,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
        }

    def _per_filter(self, name: str, initializer: str, trainable: bool = True) -> keras.Variable:
        return self.add_weight(
            name=name,
            shape=(self.filters,),
            initializer=initializer,
            trainable=trainable,
            autocast=False,
            aggregation="none" if trainable else "mean",
        )

    def _batch_statistics(
        self, inputs: KerasTensor, feature_map: KerasTensor | None
    ) -> tuple[KerasTensor, KerasTensor]:
        """Mean and variance of the feature map, in full precision under a mixed policy too."""
        if feature_map is None:
            return conv2d_moments(ops.cast(inputs, self.variable_dtype), self.kernel)
        return ops.moments(ops.cast(feature_map, self.variable_dtype), (0, 1, 2))

    def _padded(self, inputs: KerasTensor) -> KerasTensor:
        time, mel = self.padding
        if not time and not mel:
            return inputs
        return ops.pad(inputs, [[0, 0], [time, time], [mel, mel], [0, 0]])

    def _update_moving_statistics(self, mean: KerasTensor, variance: KerasTensor) -> None:
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            batch = ops.stop_gradient(batch)
            moving.assign(self.momentum * moving + (1 - self.momentum) * batch)
