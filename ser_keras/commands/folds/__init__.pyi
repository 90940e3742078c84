from .work import test_fold as test_fold
from .work import train_fold as train_fold

__all__ = ["test_fold", "train_fold"]
