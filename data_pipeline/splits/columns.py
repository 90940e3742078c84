"""Columns of many rows as numbers: what a million utterances share is found by counting."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

import numpy as np

from data_pipeline.names import alike_key
from data_pipeline.rows import UtteranceRow


@dataclass(frozen=True)
class Column:
    """The values of a column, each once, and which of them each row has.

    Attributes:
        values: sorted.
        codes: integers (num_rows,): row n has values[codes[n]].
    """

    values: tuple[str, ...]
    codes: np.ndarray

    def present(self, rows: np.ndarray) -> np.ndarray:
        """Which of the values some rows have: bool (num_values,).

        Args:
            rows: indices of these rows.
        """
        return np.bincount(self.codes[rows], minlength=len(self.values)) > 0


def coded(values: Sequence[str]) -> Column:
    """A column from its values, one a row."""
    unique = tuple(sorted(set(values)))
    code_of = {value: code for code, value in enumerate(unique)}
    codes = np.fromiter(map(code_of.__getitem__, values), np.int64, len(values))
    return Column(unique, codes)


def column_of(rows: Iterable[UtteranceRow], name: str) -> Column:
    """A column of the rows of a prepared folder."""
    return coded(list(map(attrgetter(name), rows)))


class Columns:
    """The columns of some rows, each coded once, when it is asked for."""

    def __init__(self, rows: Sequence[UtteranceRow]) -> None:
        self.rows = rows
        self._columns: dict[str | None, Column] = {}
        self._spellings: dict[str, np.ndarray] = {}

    @cached_property
    def position_of(self) -> dict[str, int]:
        """Utterance id -> where its row is."""
        return {row.utterance_id: position for position, row in enumerate(self.rows)}

    def column(self, name: str | None) -> Column:
        """A column; without a name, one that tells nothing."""
        if name not in self._columns:
            values = column_of(self.rows, name) if name else coded([""] * len(self.rows))
            self._columns[name] = values
        return self._columns[name]

    @cached_property
    def strata(self) -> np.ndarray:
        """What is to be even over folds: the emotion, within each corpus where there are several.

        One integer (num_rows,) for each pair that some row has, from 0.
        """
        corpora, emotions = self.column("corpus"), self.column("emotion")
        return recoded(corpora.codes * len(emotions.values) + emotions.codes)

    def spellings(self, name: str) -> np.ndarray:
        """Of each value of a column an integer: equal where two values are alike."""
        if name not in self._spellings:
            keys = [alike_key(value) for value in self.column(name).values]
            self._spellings[name] = coded(keys).codes
        return self._spellings[name]


def recoded(codes: np.ndarray) -> np.ndarray:
    """Integers (num_rows,) in the same order, from 0 and without gaps."""
    return np.unique(codes, return_inverse=True)[1]
