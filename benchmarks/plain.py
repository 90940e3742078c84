"""The dual-level model as a competent user would write it: the other side of `train_step`.

Stock layers throughout (`Conv2D`, `BatchNormalization`, `ReLU`, `MaxPooling2D`, `LSTM`), and the
DS-LSTM cell as the paper prints it, in `keras.layers.RNN`: [x_t, y_t, h_{t-1}] is put together at
every step and meets each network's weights there. Nothing is slowed down on purpose: the four
gates share one product, and the moving statistics are assigned in the cell, where they are known.
"""

import keras
import numpy as np
from keras import layers, ops

from ser_keras.layers import MeanOverTime
from ser_keras.models.heads import BATCH_NORM, align


class PlainCell(keras.layers.Layer):
    """Equations (1) to (8) for one step, input [x_t, y_t]."""

    def __init__(self, units, x_size, timesteps, **kwargs):
        super().__init__(**kwargs)
        self.units, self.x_size, self.timesteps = units, x_size, timesteps
        self.state_size = [units, units, 1]
        self.output_size = units

    def build(self, input_shape):
        units, x_size = self.units, self.x_size
        y_size = input_shape[-1] - x_size
        add = self.add_weight
        self.gate_kernel = add(shape=(x_size + y_size + units, 4 * units), name="gate_kernel")
        self.memory_T_kernel = add(shape=(x_size + units, units), name="memory_T_kernel")
        self.memory_F_kernel = add(shape=(y_size + units, units), name="memory_F_kernel")
        self.gate_bias = add(shape=(4 * units,), name="gate_bias")
        self.memory_T_bias = add(shape=(units,), name="memory_T_bias")
        self.memory_F_bias = add(shape=(units,), name="memory_F_bias")
        self.gamma = add(shape=(4 * units,), name="gamma")
        self.beta = add(shape=(4 * units,), name="beta")
        by_step = (self.timesteps, 4 * units)
        self.moving_mean = add(shape=by_step, trainable=False, name="moving_mean")
        self.moving_variance = add(shape=by_step, trainable=False, name="moving_variance")

    def call(self, inputs, states, training=False):
        h, C, step = states
        x, y = ops.split(inputs, [self.x_size], axis=-1)
        everything = ops.concatenate([inputs, h], axis=-1)
        gates = ops.sigmoid(ops.matmul(everything, self.gate_kernel) + self.gate_bias)
        gates = self._normalised(gates, ops.cast(step[0, 0], "int32"), training)
        f, i_T, i_F, o = ops.split(gates, 4, axis=-1)
        x_and_h, y_and_h = ops.concatenate([x, h], axis=-1), ops.concatenate([y, h], axis=-1)
        C_T = ops.tanh(ops.matmul(x_and_h, self.memory_T_kernel) + self.memory_T_bias)
        C_F = ops.tanh(ops.matmul(y_and_h, self.memory_F_kernel) + self.memory_F_bias)
        C = f * C + i_T * C_T + i_F * C_F
        h = o * ops.tanh(C)
        return h, [h, C, step + 1]

    def _normalised(self, gates, row, training):
        if training:
            mean, variance = ops.moments(gates, axes=0)
            for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
                old = ops.take(moving.value, row, axis=0)
                new = BATCH_NORM["momentum"] * old + (1 - BATCH_NORM["momentum"]) * batch
                moving.assign(ops.slice_update(moving.value, [row, 0], new[None]))
        else:
            mean = ops.take(self.moving_mean, row, axis=0)
            variance = ops.take(self.moving_variance, row, axis=0)
        scale = ops.rsqrt(variance + BATCH_NORM["epsilon"])
        return (gates - mean) * scale * self.gamma + self.beta


def plain_dual_level(network, num_emotions, num_frames, n_mels=(64, 128)) -> keras.Model:
    """`build_model("dual_level", network, ...)` from stock layers; the same inputs and outputs."""
    # Layers
    inputs = {
        "mfcc": keras.Input((None, 39), name="mfcc"),
        "num_mfcc_frames": keras.Input((), name="num_mfcc_frames", dtype="int32"),
        "mel_narrow": keras.Input((num_frames[0], n_mels[0]), name="mel_narrow"),
        "mel_wide": keras.Input((num_frames[1], n_mels[1]), name="mel_wide"),
    }
    # Model
    h = inputs["mfcc"]
    for number in (1, 2):
        lstm = layers.LSTM(network.units, return_sequences=True, name=f"mfcc_lstm_{number}")
        h = lstm(h)
    pooled = MeanOverTime()([h, inputs["num_mfcc_frames"]])
    mfcc_logits = layers.Dense(num_emotions, name="mfcc_logits")(pooled)
    x = _cnn(inputs["mel_narrow"], network.kernel_narrow, network.padding_narrow, network)
    y = _cnn(inputs["mel_wide"], network.kernel_wide, network.padding_wide, network)
    x, y = align(x, y, network.aligned_frames)
    for number in (1, 2):
        cell = PlainCell(network.units, x.shape[-1], x.shape[1])
        joined = layers.Concatenate()([x, y])
        x = layers.RNN(cell, return_sequences=True, name=f"ds_lstm_{number}")(joined)
        x = layers.BatchNormalization(**BATCH_NORM, name=f"ds_lstm_{number}_norm")(x)
    pooled = layers.GlobalAveragePooling1D()(x)
    ds_lstm_logits = layers.Dense(num_emotions, name="ds_lstm_logits")(pooled)
    outputs = {"mfcc_logits": mfcc_logits, "ds_lstm_logits": ds_lstm_logits}
    return keras.Model(inputs, {"logits": (mfcc_logits + ds_lstm_logits) / 2} | outputs)


def _cnn(mel, kernel_size, padding, network):
    name = mel.name.removeprefix("mel_")
    maps = layers.Reshape((*mel.shape[1:], 1))(mel)
    for number, filters in enumerate(network.filters, start=1):
        block = f"{name}_conv_{number}"
        if any(padding):
            maps = layers.ZeroPadding2D(padding)(maps)
        maps = layers.Conv2D(filters, kernel_size, use_bias=False, name=block)(maps)
        maps = layers.BatchNormalization(**BATCH_NORM, name=block + _NORM_SUFFIX)(maps)
        maps = layers.ReLU()(maps)
        maps = layers.MaxPooling2D()(maps)
    _, timesteps, bands, channels = maps.shape
    return layers.Reshape((timesteps, bands * channels))(maps)


# --- The same numbers in both models ---


def give_weights(plain: keras.Model, ours: keras.Model) -> None:
    """Give the plain model the weights of ours, moving statistics included."""
    values = in_plain_form({variable.path: variable.numpy() for variable in ours.variables})
    for variable in plain.variables:
        if "seed_generator" not in variable.path:
            variable.assign(values[plain_key(variable.path)])


def in_plain_form(values: dict) -> dict:
    """Weights of our model, or their gradients, arranged as in the plain model.

    Blocks of a matrix are only put together, so what is right for weights is for gradients.

    Args:
        values: {path of a variable of `build_model("dual_level", ...)`: array}.

    Returns:
        {`plain_key` of a variable of the plain model: array}.
    """
    plain = {plain_key(path): value for path, value in values.items()}
    for layer in ("ds_lstm_1", "ds_lstm_2"):
        parts = {name: plain.pop((layer, name)) for name in _OUR_CELL}
        plain |= {(layer, name): value for name, value in _joined(**parts).items()}
    return plain


def plain_key(path: str) -> tuple[str, str]:
    """(layer, weight) of a variable: the same for a block of ours and its stock layers."""
    layer, *_, name = path.split("/")
    return layer.removesuffix(_NORM_SUFFIX), name


_NORM_SUFFIX = "_stock_norm"
_OUR_CELL = (
    "x_gate_kernel",
    "y_gate_kernel",
    "x_memory_kernel",
    "y_memory_kernel",
    "recurrent_kernel",
    "bias",
)


def _joined(
    x_gate_kernel, y_gate_kernel, x_memory_kernel, y_memory_kernel, recurrent_kernel, bias
) -> dict:
    units = recurrent_kernel.shape[0]
    of_gates, of_T, of_F = np.split(recurrent_kernel, [4 * units, 5 * units], axis=1)
    gate_bias, memory_T_bias, memory_F_bias = np.split(bias, [4 * units, 5 * units])
    return {
        "gate_kernel": np.concatenate([x_gate_kernel, y_gate_kernel, of_gates]),
        "memory_T_kernel": np.concatenate([x_memory_kernel, of_T]),
        "memory_F_kernel": np.concatenate([y_memory_kernel, of_F]),
        "gate_bias": gate_bias,
        "memory_T_bias": memory_T_bias,
        "memory_F_bias": memory_F_bias,
    }
