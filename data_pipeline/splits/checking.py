"""Whether every fold can be trained, told before the first one is."""

from collections.abc import Iterable, Mapping, Sequence

from data_pipeline.contract import PARTS
from data_pipeline.errors import DataError
from data_pipeline.names import visible
from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.fold import Fold

# Folds that an error describes; of the others it says how many there are.
_MOST_FOLDS = 3


def check_folds(
    folds: Sequence[Fold],
    rows: Iterable[UtteranceRow],
    *,
    trained_on: Sequence[str] = ("train",),
) -> None:
    """Refuse folds of which one cannot be trained.

    Args:
        folds: from `assign_folds`.
        rows: every utterance of the folds.
        trained_on: the parts that a system is fitted to: of networks train, of the SVM validation,
            too.

    Raises:
        DataError: a part of a fold has no utterance, or there are fewer than two emotions to train
            on; it names the folds.
    """
    emotion_of = {row.utterance_id: row.emotion for row in rows}
    faults = [
        f"fold {fold.number} ({visible(fold.held_out)}) {fault}"
        for fold in folds
        if (fault := _fault(fold, emotion_of, trained_on))
    ]
    if faults:
        more = [f"and {len(faults) - _MOST_FOLDS} more"] if len(faults) > _MOST_FOLDS else []
        raise DataError(
            f"{', '.join(faults[:_MOST_FOLDS] + more)}; expected utterances in every part and two "
            "emotions or more to train on: add recordings of other emotions by other speakers, or "
            "take protocol random"
        )


def _fault(fold: Fold, emotion_of: Mapping[str, str], trained_on: Sequence[str]) -> str:
    """What a fold lacks; "" if nothing."""
    empty = [part for part in PARTS if not getattr(fold, part)]
    if empty:
        return f"has no utterance to {' and to '.join(empty)}"
    emotions = {emotion_of[i] for part in trained_on for i in getattr(fold, part)}
    return f"has only {visible(*emotions)} to train on" if len(emotions) < 2 else ""
