from .errors import SerError as SerError
from .export.saved_model import export_saved_model as export_saved_model
from .layers.ds_lstm import DSLSTM as DSLSTM
from .layers.ds_lstm_cell import DSLSTMCell as DSLSTMCell
from .layers.recurrent_batch_normalization import (
    RecurrentBatchNormalization as RecurrentBatchNormalization,
)
from .model_info import ModelInfo as ModelInfo
from .models.variants import build_model as build_model
from .predict.files import predict_files as predict_files
from .predict.served_model import ServedModel as ServedModel
from .settings import PRESETS as PRESETS
from .settings import VARIANTS as VARIANTS
from .settings import Settings as Settings
from .training.model_files import load_model as load_model

__all__ = [
    "DSLSTM",
    "PRESETS",
    "VARIANTS",
    "DSLSTMCell",
    "ModelInfo",
    "RecurrentBatchNormalization",
    "SerError",
    "ServedModel",
    "Settings",
    "build_model",
    "export_saved_model",
    "load_model",
    "predict_files",
]
