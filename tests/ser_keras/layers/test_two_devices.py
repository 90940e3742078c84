"""A training step on two devices: replicas learn from both halves and keep one common value."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ser_keras.layers.conv_block import ConvBlock
from ser_keras.layers.ds_lstm import DSLSTM

HALF, STEPS = 8, 5


def make_model():
    """Both layers that keep moving statistics, in one model."""
    keras.utils.set_random_seed(3)
    mel = keras.Input((2 * STEPS + 2, 10, 1), name="mel")
    maps = ConvBlock(2, (3, 3), name="block")(mel)
    sequence = keras.layers.Reshape((STEPS, -1))(maps)
    h = DSLSTM(3, name="ds_lstm")([sequence, sequence])
    model = keras.Model(mel, keras.layers.Dense(2)(h[:, -1]))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, jit_compile=False)
    return model


def halves():
    rng = np.random.default_rng(0)
    mels = rng.normal(size=(2 * HALF, 2 * STEPS + 2, 10, 1)).astype("float32")
    mels[HALF:] = 3 * mels[HALF:] + 1  # the second half is unlike the first
    return mels, rng.integers(0, 2, 2 * HALF)


def statistics(model):
    return [v for v in model.non_trainable_variables if "moving" in v.path]


def trained_on(mels, labels):
    """Moving statistics after one step on one device."""
    model = make_model()
    model.fit(mels, labels, batch_size=len(mels), shuffle=False, verbose=0)
    return [np.asarray(variable) for variable in statistics(model)]


@pytest.fixture(scope="module")
def distributed():
    """The model after one step, half of the batch on each device."""
    mels, labels = halves()
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    assert strategy.num_replicas_in_sync == 2
    with strategy.scope():
        model = make_model()
    model.fit(mels, labels, batch_size=2 * HALF, shuffle=False, verbose=0)
    return model


def test_statistics_are_the_mean_of_both_halves(distributed):
    mels, labels = halves()
    first, second = trained_on(mels[:HALF], labels[:HALF]), trained_on(mels[HALF:], labels[HALF:])
    found = statistics(distributed)
    assert len(found) == 4
    for variable, one, other in zip(found, first, second, strict=True):
        assert not np.allclose(one, other, rtol=1e-3), variable.path
        expected = (one + other) / 2
        np.testing.assert_allclose(np.asarray(variable), expected, rtol=1e-4, atol=1e-6)


def test_replicas_keep_one_common_value(distributed):
    for variable in distributed.variables:
        first, second = (value.numpy() for value in variable.value.values)
        np.testing.assert_array_equal(first, second)
