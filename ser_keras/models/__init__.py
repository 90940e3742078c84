"""The models of Table 1."""

from ser_keras.models.variants import VARIANTS, build_model, head_loss_weights, input_names

__all__ = ["VARIANTS", "build_model", "head_loss_weights", "input_names"]
