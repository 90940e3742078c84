from .reader import make_demo_corpus as make_demo_corpus
from .reader import read_demo as read_demo

__all__ = [
    "make_demo_corpus",
    "read_demo",
]
