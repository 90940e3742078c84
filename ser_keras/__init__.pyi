from .model_info import ModelInfo as ModelInfo
from .settings import PRESETS as PRESETS
from .settings import VARIANTS as VARIANTS
from .settings import Settings as Settings

__all__ = ["PRESETS", "VARIANTS", "ModelInfo", "Settings"]
