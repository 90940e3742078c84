from .audio.reading import load_waveform as load_waveform
from .batches.datasets import make_dataset as make_dataset
from .batches.datasets import make_training_dataset as make_training_dataset
from .batches.datasets import median_num_frames as median_num_frames
from .corpora.catalogue import read_corpus as read_corpus
from .corpora.corpus import Corpus as Corpus
from .corpora.corpus import Utterance as Utterance
from .errors import DataError as DataError
from .records.describing import describe as describe
from .records.prepared import Prepared as Prepared
from .records.prepared import load_prepared as load_prepared
from .records.preparing import prepare as prepare
from .records.verifying import verify as verify
from .rows import UtteranceRow as UtteranceRow
from .splits.fold import Fold as Fold
from .splits.folds import assign_folds as assign_folds
from .splits.folds import folds_key as folds_key
from .splits.leakage import audit as audit
from .splits.wording import audit_in_words as audit_in_words

__all__ = [
    "Corpus",
    "DataError",
    "Fold",
    "Prepared",
    "Utterance",
    "UtteranceRow",
    "assign_folds",
    "audit",
    "audit_in_words",
    "describe",
    "folds_key",
    "load_prepared",
    "load_waveform",
    "make_dataset",
    "make_training_dataset",
    "median_num_frames",
    "prepare",
    "read_corpus",
    "verify",
]
