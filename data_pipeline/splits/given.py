"""The protocol `given`: the folds that the corpus brings, taken as they are.

An utterance knows the number of the fold that tests it, or, where there is one fold, its part.
"""

from collections.abc import Collection

import numpy as np

from data_pipeline.contract import PARTS
from data_pipeline.errors import DataError
from data_pipeline.splits.columns import Columns

REMEDY = "take protocol speaker or random"


def brings_folds(table: Columns) -> bool:
    """Whether the corpus has folds of its own."""
    return set(table.column("fold").values) != {""}


def given_tests(table: Columns, source: str) -> list[tuple[str, np.ndarray]]:
    """The test part of each fold.

    Args:
        table: of the rows of the corpus.
        source: whose folds they are, for people.

    Returns:
        Of each fold, what is held out, in words, and the indices of its test part.

    Raises:
        DataError: the corpus has no folds, or they leave nothing to test or to train on.
    """
    parts = _rows_by_fold(table)
    if set(parts) <= set(PARTS):
        _check_parts(parts)
        return [(f"the test part of {source}", parts["test"])]
    if len(parts) < 2:
        raise DataError(
            f"all utterances are in fold {next(iter(parts))} of {source}, expected two folds or "
            f"more: add the others, or {REMEDY}"
        )
    return [(f"fold {number} of {source}", parts[number]) for number in sorted(parts, key=int)]


def _rows_by_fold(table: Columns) -> dict[str, np.ndarray]:
    folds = table.column("fold")
    parts = {value: np.flatnonzero(folds.codes == code) for code, value in enumerate(folds.values)}
    if set(parts) <= {""}:
        raise DataError(
            "the corpus brings no folds of its own (emobox, audformat and manifests with a column "
            f"fold may); {REMEDY}"
        )
    if "" in parts:
        names = [table.rows[row].utterance_id for row in parts[""].tolist()]
        raise DataError(
            f"{len(names)} utterances are in no fold, such as {min(names)}; give each a "
            f"fold, or {REMEDY}"
        )
    numbers = [fold for fold in parts if fold not in PARTS]
    if numbers and len(numbers) < len(parts):
        raise DataError(
            f"found the folds {', '.join(sorted(parts))}, expected numbers alone or the parts of "
            f"one fold; mend them, or {REMEDY}"
        )
    return parts


def _check_parts(parts: Collection[str]) -> None:
    for part in ("train", "test"):
        if part not in parts:
            raise DataError(
                f"the corpus gives no utterance for {part}, found {', '.join(sorted(parts))}; give "
                f"some, or {REMEDY}"
            )
