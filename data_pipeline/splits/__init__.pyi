from .checking import check_folds as check_folds
from .copies import check_copies as check_copies
from .fold import Fold as Fold
from .folds import assert_speaker_disjoint as assert_speaker_disjoint
from .folds import assign_folds as assign_folds
from .folds import folds_key as folds_key
from .guessing import guess_emotions as guess_emotions
from .leakage import Audit as Audit
from .leakage import audit as audit
from .wording import audit_in_words as audit_in_words

__all__ = [
    "Audit",
    "Fold",
    "assert_speaker_disjoint",
    "assign_folds",
    "audit",
    "audit_in_words",
    "check_copies",
    "check_folds",
    "folds_key",
    "guess_emotions",
]
