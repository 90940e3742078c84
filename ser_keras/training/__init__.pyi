from .fold import FoldDatasets as FoldDatasets
from .fold import fit_fold as fit_fold
from .inference import predict_logits as predict_logits
from .metrics import UnweightedAccuracy as UnweightedAccuracy
from .model_files import load_model as load_model
from .model_files import save_model as save_model
from .optimisation import compile_model as compile_model
from .svm import fit_svm as fit_svm
from .svm import score_svm as score_svm

__all__ = [
    "FoldDatasets",
    "UnweightedAccuracy",
    "compile_model",
    "fit_fold",
    "fit_svm",
    "load_model",
    "predict_logits",
    "save_model",
    "score_svm",
]
