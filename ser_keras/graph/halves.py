"""A large batch through the network in two halves, which do not wait for each other."""

from collections.abc import Callable

import tensorflow as tf

from ser_keras.graph.requests import Tensors

# From here on two halves, a core each, are done before one batch on both cores: its parts come one
# after the other, and not each of them keeps two cores busy.
SMALLEST_HALVED = 8


def in_halves(network: Callable[[Tensors], tf.Tensor], inputs: Tensors) -> tf.Tensor:
    """What the network says of a batch.

    Args:
        network: from inputs to (batch, num_emotions); an example's answer is its own alone.
        inputs: tensors (batch, ...) by name.
    """
    size = tf.shape(next(iter(inputs.values())))[0]
    half = size // 2

    def both() -> tf.Tensor:
        first = {name: value[:half] for name, value in inputs.items()}
        second = {name: value[half:] for name, value in inputs.items()}
        return tf.concat([network(first), network(second)], axis=0)

    return tf.cond(size < SMALLEST_HALVED, lambda: network(inputs), both)
