from .accuracies import Scores as Scores
from .accuracies import score_predictions as score_predictions
from .calibration import Calibration as Calibration
from .calibration import calibrate as calibrate
from .predictions import Predictions as Predictions
from .statistics import Comparison as Comparison
from .statistics import bootstrap_interval as bootstrap_interval
from .statistics import compare as compare
from .statistics import holm as holm
from .statistics import matched_confusions as matched_confusions
from .statistics import speaker_confusions as speaker_confusions
from .summary import summarise as summarise

__all__ = [
    "Calibration",
    "Comparison",
    "Predictions",
    "Scores",
    "bootstrap_interval",
    "calibrate",
    "compare",
    "holm",
    "matched_confusions",
    "score_predictions",
    "speaker_confusions",
    "summarise",
]
