from .codec import parse_example as parse_example
from .describing import describe as describe
from .functional_store import load_functionals as load_functionals
from .prepared import Prepared as Prepared
from .prepared import load_prepared as load_prepared
from .preparing import prepare as prepare
from .rereading import read_again as read_again
from .verifying import record_dataset as record_dataset
from .verifying import verify as verify

__all__ = [
    "Prepared",
    "describe",
    "load_functionals",
    "load_prepared",
    "parse_example",
    "prepare",
    "read_again",
    "record_dataset",
    "verify",
]
