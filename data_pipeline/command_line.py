"""What stands behind an option on the command line: text -> value, refused where it is read."""

import argparse

ALL = "all"


def fold_number(text: str) -> int | str:
    """A number from 0, or `all`."""
    if text == ALL:
        return text
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"received {text!r}, expected a number from 0 or `{ALL}`")
    return int(text)


def positive(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"received {text!r}, expected a whole number from 1")
    return int(text)


def seed(text: str) -> int:
    """A whole number that every generator of random numbers takes, with some to spare."""
    if not text.isdecimal() or int(text) >= 2**31:
        raise argparse.ArgumentTypeError(
            f"received {text!r}, expected a whole number from 0 to {2**31 - 1}"
        )
    return int(text)


def batch_size(text: str) -> int:
    """A whole number from 8."""
    # With very few utterances a normalised gate is its beta, whatever the input (docs/fidelity.md).
    if positive(text) < 8:
        raise argparse.ArgumentTypeError(f"received {text!r}, expected 8 or more")
    return int(text)


def learning_rate(text: str) -> float:
    """A number in (0, 1)."""
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1:
        raise argparse.ArgumentTypeError(f"received {text!r}, expected a number in (0, 1)")
    return rate
