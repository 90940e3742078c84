"""Training that begins with the weights of a trained model, not with new ones (`--init`)."""

from collections.abc import Sequence

import keras

from ser_keras.models.heads import LINEAR_CLASSIFIER, VOICE_STATISTICS
from ser_keras.training.trained import TrainedModel

KEPT, NEW = "kept", "new"
# Layers that are fitted to the new recordings before training.
LINEAR_HEAD = (VOICE_STATISTICS, LINEAR_CLASSIFIER)
# Moving statistics of every batch normalisation, those by step of the recurrence too.
STATISTICS = ("moving_mean", "moving_variance")


def start_from(model: keras.Model, trained: TrainedModel, *, heads: str, statistics: str) -> None:
    """Give a new model the weights of a trained one.

    Args:
        model: of the same variant and network settings; not trained yet.
        trained: what to begin with.
        heads: "kept", or "new" where the emotions are others: the layers that name them stay as
            they are in the new model.
        statistics: "kept", or "new": moving statistics begin as in a new model, and are those of
            the new recordings alone.
    """
    pairs = zip(model.weights, trained.model.weights, strict=True)
    for variable, known in pairs:
        is_head = f"_logits/{variable.name}" in variable.path
        is_new = (is_head and heads == NEW) or (statistics == NEW and variable.name in STATISTICS)
        is_fitted = any(f"{layer}/" in variable.path for layer in LINEAR_HEAD)
        if not (is_new or is_fitted):
            variable.assign(known.value)


def heads_for(emotions: Sequence[str], trained: TrainedModel) -> str:
    """Whether the heads of a model can be kept: for the same emotions in the same order."""
    return KEPT if tuple(emotions) == tuple(trained.info.emotions) else NEW
