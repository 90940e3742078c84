"""How weights start: the rule of the authors' framework, for every layer of every model.

The paper names no initialisation; the authors' code leaves PyTorch's defaults in force, which
draw weights and biases of convolutions, linear layers and recurrences from one uniform rule.
"""

import math

import keras


def uniform_by_fan_in(fan_in: int) -> keras.initializers.Initializer:
    """Uniform over +-1 / sqrt(fan_in).

    Args:
        fan_in: number of inputs that feed one output, or the number of units for the weights of
            an LSTM.
    """
    limit = 1 / math.sqrt(fan_in)
    return keras.initializers.RandomUniform(-limit, limit)
