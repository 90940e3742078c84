"""How a model is optimised: Adam, the loss of its heads, the learning rate of an epoch."""

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
        optimizer=keras.optimizers.Adam(optimiser.learning_rate),
        loss=dict.fromkeys(weights, cross_entropy),
        loss_weights=weights,
        metrics={"logits": emotion_metrics(num_emotions)},
        # XLA is slower on CPUs; left to itself Keras compiles some of the variants and not others.
        jit_compile=False,
    )


def learning_rate_at(epoch: int, optimiser: Optimiser) -> float:
    """The learning rate of an epoch, counted from 0 as Keras counts."""
    halvings = sum(epoch >= halved for halved in optimiser.halve_at)
    return optimiser.learning_rate * 0.5**halvings
