from .variants import build_model as build_model
from .variants import head_loss_weights as head_loss_weights
from .variants import input_names as input_names

__all__ = ["build_model", "head_loss_weights", "input_names"]
