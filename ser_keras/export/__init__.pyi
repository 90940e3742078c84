from .check import check_saved_model as check_saved_model
from .onnx import export_onnx as export_onnx
from .saved_model import export_saved_model as export_saved_model

__all__ = [
    "check_saved_model",
    "export_onnx",
    "export_saved_model",
]
