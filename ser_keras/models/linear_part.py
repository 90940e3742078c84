"""The linear head of a model: taken out of it as arrays, and put into it."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import KerasTensor

from ser_keras.models.heads import (
    LEVEL_SCALING,
    LINEAR_CLASSIFIER,
    STREAM_FUNCTIONALS,
    VOICE_STATISTICS,
)
from ser_keras.voices.linear_head import LinearHead

# Weights of the layer of statistics, which `LinearHead` calls the same.
STATISTICS = ("mean", "deviation", "effects", "usual_spread")


def give_head(model: keras.Model, head: LinearHead) -> None:
    """Put a head into a model that has one."""
    arrays = head.arrays()
    layer = model.get_layer(VOICE_STATISTICS)
    for name in STATISTICS:
        getattr(layer, name).assign(arrays[name])
    model.get_layer(LINEAR_CLASSIFIER).set_weights([head.kernel, head.bias])


def head_of(model: keras.Model) -> LinearHead:
    """The linear head of a model that has one."""
    layer = model.get_layer(VOICE_STATISTICS)
    arrays = {name: np.array(getattr(layer, name)) for name in STATISTICS}
    kernel, bias = model.get_layer(LINEAR_CLASSIFIER).get_weights()
    return LinearHead(**arrays, kernel=kernel, bias=bias)


def functionals_of(model: keras.Model, inputs: Mapping[str, KerasTensor]) -> KerasTensor:
    """Functionals (batch, num_functionals) of streams, as the linear head of a model has them."""
    names = {layer.name for layer in model.layers}
    if LEVEL_SCALING in names:
        inputs = model.get_layer(LEVEL_SCALING)(dict(inputs))
    return model.get_layer(STREAM_FUNCTIONALS)(dict(inputs))
