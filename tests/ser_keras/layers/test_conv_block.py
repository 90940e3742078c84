"""The fast CNN block against the same block of stock Keras layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from ser_keras.kernels.convolution import conv2d_max_pool, conv2d_moments
from ser_keras.layers import ConvBlock

CASES = [
    pytest.param((3, 21, 18, 1), (4, 4), (0, 0), id="paper"),
    pytest.param((3, 21, 18, 1), (2, 4), (0, 1), id="authors, narrow"),
    pytest.param((2, 14, 19, 1), (4, 2), (1, 0), id="authors, wide"),
    pytest.param((3, 15, 12, 5), (4, 4), (0, 0), id="second block"),
    pytest.param((2, 12, 11, 3), (2, 4), (0, 1), id="second block, padded"),
]


class StockBlock(keras.Model):
    """What `ConvBlock` stands for, layer by layer."""

    def __init__(self, filters, kernel_size, padding):
        super().__init__()
        self.pad = keras.layers.ZeroPadding2D(padding)
        self.conv = keras.layers.Conv2D(filters, kernel_size, use_bias=False)
        self.norm = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
        self.pool = keras.layers.MaxPooling2D(2)

    def call(self, inputs, training=False):
        return self.pool(ops.relu(self.norm(self.conv(self.pad(inputs)), training=training)))


def blocks_of_equal_weights(shape, kernel_size, padding, filters=6):
    """A `ConvBlock` and a `StockBlock`; gammas of both signs."""
    rng = np.random.default_rng(0)
    block, stock = (
        ConvBlock(filters, kernel_size, padding),
        StockBlock(filters, kernel_size, padding),
    )
    block.build(shape)
    stock(np.zeros(shape, "float32"))
    weights = [rng.normal(size=w.shape) for w in block.weights]
    weights[-1] = np.abs(weights[-1]) + 0.5  # a variance
    assert (weights[1] < 0).any()
    assert (weights[1] > 0).any()
    block.set_weights(weights)
    stock.set_weights(weights)
    return block, stock


def spectrogram_like(shape, seed=1):
    """Large level, small differences: decibels, the hard case for float32 statistics."""
    rng = np.random.default_rng(seed)
    return tf.constant((-60 + 12 * rng.normal(size=shape)).astype("float32"))


@pytest.mark.parametrize(("shape", "kernel_size", "padding"), CASES)
def test_values_gradients_and_statistics_equal_stock_layers(shape, kernel_size, padding):
    x = spectrogram_like(shape)
    results = []
    for layer in blocks_of_equal_weights(shape, kernel_size, padding):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
            direction = tf.cos(tf.reshape(tf.range(tf.size(y), dtype=tf.float32), tf.shape(y)))
            loss = tf.reduce_sum(direction * y)
        sources = [x, *(w.value for w in layer.trainable_weights)]
        moving = [w.numpy() for w in layer.non_trainable_weights]
        results.append([y, *tape.gradient(loss, sources), *moving, layer(x, training=False)])
    names = "output", "input", "kernel", "gamma", "beta", "mean", "variance", "inference"
    for name, ours, stock in zip(names, *results, strict=True):
        scale = np.abs(stock).max()
        np.testing.assert_allclose(ours, stock, atol=3e-5 * scale, rtol=1e-4, err_msg=name)


def stock_conv_and_pool(x, kernel):
    return tf.nn.max_pool2d(tf.nn.conv2d(x, kernel, 1, "VALID"), 2, 2, "VALID")


@pytest.mark.parametrize("kernel_shape", [(4, 4, 1, 3), (2, 4, 3, 2)])
def test_ties_send_the_gradient_where_stock_pooling_sends_it(kernel_shape):
    rng = np.random.default_rng(2)
    x = tf.constant(rng.integers(-1, 2, size=(2, 13, 12, kernel_shape[2])).astype("float32"))
    kernel = tf.constant(rng.integers(-1, 2, size=kernel_shape).astype("float32"))
    gradients = []
    for pooled in (conv2d_max_pool, stock_conv_and_pool):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = pooled(x, kernel)
            weights = tf.reshape(tf.range(tf.size(y), dtype=tf.float32), tf.shape(y))
            loss = tf.reduce_sum(weights * y)
        gradients.append([y, *tape.gradient(loss, [x, kernel])])
    for ours, stock in zip(*gradients, strict=True):
        np.testing.assert_array_equal(ours, stock)


def test_moments_of_a_kernel_that_sees_only_differences():
    """Its responses are a thousandth of the level: raw second moments would lose them."""
    x = spectrogram_like((4, 60, 40, 1))
    smooth = tf.nn.avg_pool2d(x, 7, 1, "SAME")
    kernel = np.zeros((4, 4, 1, 1), "float32")
    kernel[0, 0], kernel[0, 1] = 1, -1
    mean, variance = conv2d_moments(smooth, tf.constant(kernel))
    response = tf.nn.conv2d(tf.cast(smooth, tf.float64), kernel.astype("float64"), 1, "VALID")
    np.testing.assert_allclose(variance, np.var(response), rtol=1e-4)
    np.testing.assert_allclose(mean, np.mean(response), atol=1e-4)


def test_digital_silence_gives_finite_values_and_gradients():
    block = ConvBlock(4)
    x = tf.fill((2, 12, 12, 1), -100.0)
    with tf.GradientTape() as tape:
        y = block(x, training=True)
        loss = tf.reduce_sum(y)
    gradients = tape.gradient(loss, [w.value for w in block.trainable_weights])
    assert all(np.isfinite(value).all() for value in (y, *gradients))


def test_any_batch_config_round_trip_and_mixed_precision():
    model = keras.Sequential([keras.Input((16, 14, 1)), ConvBlock(3), ConvBlock(2, (2, 2))])
    twin = keras.Sequential.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    for batch in (1, 5):
        x = spectrogram_like((batch, 16, 14, 1))
        assert model(x).shape == (batch, *model.output_shape[1:])
        np.testing.assert_array_equal(model(x), twin(x))
    half = ConvBlock(3, dtype="mixed_float16")
    y = half(spectrogram_like((8, 16, 14, 1)), training=True)
    assert y.dtype == tf.float16
    assert np.isfinite(y).all()
    assert half.moving_variance.dtype == "float32"


def test_bad_settings_say_what_was_received_and_expected():
    with pytest.raises(ValueError, match=r"Received filters=0.*Expected"):
        ConvBlock(0)
