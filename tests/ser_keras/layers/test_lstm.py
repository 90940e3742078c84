"""The LSTM that answers in one operation, beside the stock layer and beside NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ser_keras.layers.lstm import LSTM

UNITS, FEATURES = 5, 3


@pytest.fixture
def pair():
    """Ours and the stock layer, with the same weights, none of them near zero."""
    ours, stock = LSTM(UNITS), keras.layers.LSTM(UNITS, return_sequences=True)
    rng = np.random.default_rng(1)
    for layer in (ours, stock):
        layer.build((None, None, FEATURES))
    weights = [rng.normal(0, 1, w.shape).astype(np.float32) for w in stock.get_weights()]
    ours.set_weights(weights)
    stock.set_weights(weights)
    return ours, stock


def speech(batch, steps):
    return np.random.default_rng(2).normal(0, 1, (batch, steps, FEATURES)).astype(np.float32)


def by_hand(x, kernel, recurrent_kernel, bias):
    """Equations of the LSTM, step by step, in double precision."""

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    h = c = np.zeros((len(x), UNITS))
    outputs = []
    for step in range(x.shape[1]):
        i, f, memory, o = np.split(x[:, step] @ kernel + h @ recurrent_kernel + bias, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(memory)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, axis=1)


@pytest.mark.parametrize(("batch", "steps"), [(1, 1), (1, 40), (2, 7), (9, 40)])
def test_inference_is_the_lstm(pair, batch, steps):
    ours, stock = pair
    x = speech(batch, steps)
    answer = ours(x, training=False)
    np.testing.assert_allclose(answer, by_hand(x, *ours.get_weights()), atol=1e-6)
    np.testing.assert_allclose(answer, stock(x, training=False), atol=1e-6)


def operations(layer, training):
    traced = tf.function(lambda x: layer(x, training=training)).get_concrete_function(
        tf.TensorSpec((None, None, FEATURES))
    )
    return {operation.type for operation in traced.graph.get_operations()}


def test_only_inference_goes_the_short_way(pair):
    """It does go it, or all of this would pass with the stock layer."""
    ours, _ = pair
    assert "BlockLSTM" in operations(ours, training=False)
    assert "While" in operations(ours, training=True)
    assert "BlockLSTM" not in operations(ours, training=True)


def test_training_is_the_stock_layer(pair):
    ours, stock = pair
    x = speech(3, 11)
    gradients = []
    for layer in pair:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(x, training=True) ** 2)
        gradients.append(tape.gradient(loss, layer.trainable_variables))
    for own, other in zip(*gradients, strict=True):
        np.testing.assert_array_equal(own, other)


@pytest.mark.parametrize("policy", ["mixed_float16", "float64"])
def test_other_precisions_are_answered_too(policy):
    layer = LSTM(UNITS, dtype=policy)
    assert layer(speech(2, 4)).dtype == layer.compute_dtype


def test_it_is_read_again_as_it_was(pair):
    ours, _ = pair
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(ours))
    again.build((None, None, FEATURES))
    again.set_weights(ours.get_weights())
    np.testing.assert_array_equal(again(speech(2, 6)), ours(speech(2, 6)))
