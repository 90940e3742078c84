"""Guessing emotions without listening: what is most frequent where something else is the same."""

from collections.abc import Sequence

import numpy as np

from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.columns import Column, Columns, column_of


def guess_emotions(
    known: Sequence[UtteranceRow], asked: Sequence[UtteranceRow], column: str | None
) -> list[str]:
    """The emotion that is most frequent among known rows with the same value of a column.

    Args:
        known: rows whose emotion may be looked at.
        asked: rows to guess; their emotion is not looked at.
        column: what is looked at; None looks at nothing. A value that was never seen, or "",
            gets the most frequent emotion of all known rows. Of equally frequent emotions the
            more frequent over all wins, then the first in the alphabet.

    Returns:
        An emotion for each row asked, in order.
    """
    emotions = column_of(known, "emotion")
    values = Columns([*known, *asked]).column(column)
    own, others = values.codes[: len(known)], values.codes[len(known) :]
    guessed = guess_codes(emotions.codes, Column(values.values, own), others)
    return [emotions.values[code] for code in guessed]


def guess_codes(emotions: np.ndarray, known: Column, asked: np.ndarray) -> np.ndarray:
    """`guess_emotions`, with numbers for the names.

    Args:
        emotions: of the known rows, integers (num_known,) in alphabetical order.
        known: the column of these rows.
        asked: the codes of the rows to guess (num_asked,).

    Returns:
        An emotion for each (num_asked,).
    """
    totals = np.bincount(emotions)
    num_values, num_emotions = len(known.values), len(totals)
    counts = np.bincount(
        known.codes * num_emotions + emotions, minlength=num_values * num_emotions
    ).reshape(num_values, num_emotions)
    counts[[not value for value in known.values]] = 0
    # Where nothing was seen all counts are 0, so that the totals decide.
    most = counts == counts.max(axis=1, keepdims=True)
    return np.where(most, totals, -1).argmax(axis=1)[asked]
