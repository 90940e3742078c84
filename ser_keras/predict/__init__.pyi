from .adapting import make_profile as make_profile
from .files import Prediction as Prediction
from .files import find_audio_files as find_audio_files
from .files import predict_files as predict_files
from .served_model import Answer as Answer
from .served_model import ServedModel as ServedModel
from .shipped import shipped_model as shipped_model

__all__ = [
    "Answer",
    "Prediction",
    "ServedModel",
    "find_audio_files",
    "make_profile",
    "predict_files",
    "shipped_model",
]
