"""A large batch in two halves has the answers of the whole, and each example its own."""

import numpy as np
import pytest
import tensorflow as tf

from ser_keras.graph.halves import SMALLEST_HALVED, in_halves


@pytest.mark.parametrize("size", [1, SMALLEST_HALVED - 1, SMALLEST_HALVED, SMALLEST_HALVED + 1, 33])
def test_every_example_keeps_its_place(size):
    seen = []

    def network(inputs):
        tf.py_function(lambda x: seen.append(len(x)), [inputs["a"]], [])
        return inputs["a"] * 2 + inputs["b"]

    inputs = {"a": tf.range(size), "b": tf.range(size) * 100}
    answers = tf.function(in_halves, autograph=False)(network, inputs)
    np.testing.assert_array_equal(answers, np.arange(size) * 102)
    assert sum(seen) == size
    assert len(seen) == (1 if size < SMALLEST_HALVED else 2)
