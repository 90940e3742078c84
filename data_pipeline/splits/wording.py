"""A leakage audit as people read it."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from data_pipeline.names import visible
from data_pipeline.splits.leakage import GUESSES, SHARED_COLUMNS, Audit, Guess, Shared


def audit_in_words(found: Audit, trained_on: Sequence[str] = ("train",)) -> str:
    """An audit as people read it: two small tables and what was fitted where.

    Args:
        found: from `audit`.
        trained_on: the parts that weights are fitted on; the validation part, where it is not one
            of them, chooses the epoch.

    Returns:
        Several lines, without the last line break.
    """
    lines = ["leakage audit"]
    lines += [_table_line("heard before, worst fold", "test, also outside", "validation, in train")]
    lines += [_shared_line(found.shared, column) for column in SHARED_COLUMNS]
    lines += [_table_line("guessing without listening", "WA (mean of folds)", "UA")]
    lines += [_guess_line(guess) for guess in found.guesses]
    lines += _fitted_lines(found.lengths, trained_on)
    lines += _alike_lines(found.shared)
    for number, emotions in found.untrained.items():
        lines.append(f"  fold {number} trains on no {', '.join(emotions)}, so it cannot name it")
    for number, emotions in found.untested.items():
        lines.append(f"  fold {number} tests no {', '.join(emotions)}; its UA is of the others")
    lines += [f"  {remark}" for remark in found.remarks]
    return "\n".join(lines)


def _table_line(name: str, *cells: str) -> str:
    return f"  {name:28}" + "".join(f"{cell:>22}" for cell in cells)


def _shared_line(found: Iterable[Shared], column: str) -> str:
    cells = []
    for part in ("test", "validation"):
        of_part = [shared for shared in found if (shared.column, shared.part) == (column, part)]
        worst = max(of_part, key=_num_shared)
        cells.append(f"{_num_shared(worst)} of {worst.total}" if worst.total else "not known")
    return _table_line(f"  {SHARED_COLUMNS[column]}", *cells)


def _num_shared(shared: Shared) -> int:
    return len(shared.values) + len(shared.alike)


def _alike_lines(found: Iterable[Shared]) -> list[str]:
    return [
        f"  fold {shared.fold}: speakers of {shared.part} are in {' or '.join(shared.others)} "
        f"under another spelling: {', '.join(map(visible, shared.alike))}; give each one name"
        for shared in found
        if shared.column == "speaker" and shared.alike
    ]


def _guess_line(guess: Guess) -> str:
    pairs = (
        (guess.weighted_accuracy, guess.fold_weighted_accuracy),
        (guess.unweighted_accuracy, guess.fold_unweighted_accuracy),
    )
    cells = (f"{pooled:.1%} ({np.mean(of_folds):.1%})" for pooled, of_folds in pairs)
    return _table_line(f"  {GUESSES[guess.column]}", *cells)


def _fitted_lines(
    lengths: Mapping[str, tuple[int, int, int]], trained_on: Sequence[str]
) -> list[str]:
    chosen = "" if "validation" in trained_on else "on validation: the epoch; "
    return [
        f"  fitted on {' and '.join(trained_on)}: weights, normalisation; "
        f"on train: length of the spectrograms; {chosen}on test: nothing",
        *(
            f"    {name} spectrograms: median {smallest} to {largest} frames by fold "
            f"({everything} if validation and test were counted too)"
            for name, (smallest, largest, everything) in lengths.items()
        ),
    ]
