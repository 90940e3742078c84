"""What a model says about a data set, against Keras itself."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ser_keras.errors import SerError
from ser_keras.training.inference import predict_probabilities, probabilities_of

INPUTS = np.random.default_rng(5).normal(size=(40, 5)).astype(np.float32)
LABELS = np.random.default_rng(6).integers(0, 3, 40).astype(np.int32)
TEST = tf.data.Dataset.from_tensor_slices(({"mfcc": INPUTS}, LABELS)).batch(16)


def test_probabilities_are_the_softmax_of_the_logits_in_order():
    inputs = {"mfcc": keras.Input((5,), name="mfcc")}
    model = keras.Model(inputs, {"logits": keras.layers.Dense(3)(inputs["mfcc"])})
    labels, probabilities = predict_probabilities(model, TEST)
    logits = model.predict(TEST, verbose=0)["logits"]
    expected = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    assert probabilities.dtype == np.float32
    np.testing.assert_array_equal(labels, np.concatenate([y for _, y in TEST]))
    with pytest.raises(SerError, match="no utterances"):
        predict_probabilities(model, TEST.take(0))


def test_probabilities_are_rounded_once_from_double_precision():
    """Sums and exponentials in float32 would differ in the last bits, and with the machine."""
    logits = np.random.default_rng(7).normal(0, 8, (500, 4)).astype(np.float32)
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    expected = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    np.testing.assert_array_equal(probabilities_of(logits), expected)
