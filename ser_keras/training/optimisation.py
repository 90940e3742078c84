"""How a model is optimised: Adam, the loss of its heads, the learning rate of an epoch."""

import math

import keras

from ser_keras.models.variants import head_loss_weights
from ser_keras.settings import Optimiser
from ser_keras.training.metrics import emotion_metrics


def compile_model(
    model: keras.Model, variant: str, optimiser: Optimiser, num_emotions: int
) -> None:
    """Compile with Adam and the weighted mean of the heads' cross entropies (section 2.3.1)."""
    weights = head_loss_weights(variant)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(
        optimizer=_optimizer(optimiser),
        loss=dict.fromkeys(weights, cross_entropy),
        loss_weights=weights,
        metrics={"logits": emotion_metrics(num_emotions)},
        # XLA is slower on CPUs; left to itself Keras compiles some of the variants and not others.
        jit_compile=False,
    )


def _optimizer(optimiser: Optimiser) -> keras.optimizers.Optimizer:
    if not optimiser.weight_decay:
        return keras.optimizers.Adam(optimiser.learning_rate)
    decaying = keras.optimizers.AdamW(optimiser.learning_rate, weight_decay=optimiser.weight_decay)
    decaying.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return decaying


def learning_rate_at(epoch: int, optimiser: Optimiser) -> float:
    """The learning rate of an epoch, counted from 0 as Keras counts."""
    halvings = sum(epoch >= halved for halved in optimiser.halve_at)
    rate = optimiser.learning_rate * 0.5**halvings
    return (
        rate * (1 + math.cos(math.pi * epoch / optimiser.epochs)) / 2 if optimiser.cosine else rate
    )
