from .best_epoch import BestEpoch as BestEpoch
from .checkpoint import Checkpoint as Checkpoint
from .epoch_lines import EpochLines as EpochLines
from .history import HistoryCsv as HistoryCsv
from .optimistic import OptimisticScores as OptimisticScores
from .tensorboard import TensorBoardFold as TensorBoardFold

__all__ = [
    "BestEpoch",
    "Checkpoint",
    "EpochLines",
    "HistoryCsv",
    "OptimisticScores",
    "TensorBoardFold",
]
