"""A recurrence over sequences that come step by step, for inference: no more a step than it needs.

`keras.layers.RNN` also hands out what training wants of each step, and reads its inputs from lists
of tensors.
"""

from collections.abc import Callable, Sequence

import keras
from keras import KerasTensor, ops

States = Sequence[KerasTensor]


def run_steps(
    step: Callable[[States, States], States], states: States, sequences: Sequence[KerasTensor]
) -> KerasTensor:
    """Run a step over sequences, and collect its first state.

    Args:
        step: from states and what the sequences have for this step to the next states.
        states: before the first step, (batch, units) each.
        sequences: (steps, ...) each.

    Returns:
        (steps, batch, units).
    """
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_steps(step, states, sequences)

    def scanned(states: States, inputs: States) -> tuple[States, KerasTensor]:
        states = step(states, inputs)
        return states, states[0]

    return ops.scan(scanned, tuple(states), tuple(sequences))[1]


def _tensorflow_steps(
    step: Callable[[States, States], States], states: States, sequences: Sequence[KerasTensor]
) -> KerasTensor:
    import tensorflow as tf

    count = tf.shape(sequences[0])[0]
    collected = tf.TensorArray(states[0].dtype, size=count, element_shape=states[0].shape)

    def body(number: tf.Tensor, collected: tf.TensorArray, *states: tf.Tensor) -> tuple:
        following = step(states, [sequence[number] for sequence in sequences])
        return number + 1, collected.write(number, following[0]), *following

    _, collected, *_ = tf.while_loop(
        lambda number, *_: number < count, body, (0, collected, *states)
    )
    return collected.stack()
