from .catalogue import CORPORA as CORPORA
from .catalogue import read_corpus as read_corpus
from .corpus import Corpus as Corpus
from .corpus import Utterance as Utterance

__all__ = [
    "CORPORA",
    "Corpus",
    "Utterance",
    "read_corpus",
]
