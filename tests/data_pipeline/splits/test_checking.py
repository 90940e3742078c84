"""Folds that cannot be trained are named before the first one is."""

import pytest

from data_pipeline.errors import DataError
from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.checking import check_folds
from data_pipeline.splits.fold import Fold
from data_pipeline.splits.folds import assign_folds


def make_rows(emotions_of, per_speaker=10):
    """Speaker -> emotions, said in turn."""
    return [
        UtteranceRow(
            utterance_id=f"{speaker}_{n}", speaker=speaker, emotion=emotions[n % len(emotions)]
        )
        for speaker, emotions in emotions_of.items()
        for n in range(per_speaker)
    ]


BOTH = ("angry", "sad")


@pytest.mark.parametrize("protocol", ["speaker", "random"])
def test_folds_that_can_be_trained_are_silent(protocol):
    rows = make_rows({f"s{n}": BOTH for n in range(4)})
    check_folds(assign_folds(rows, protocol, "speaker", 0), rows)


def test_a_fold_with_one_emotion_to_train_on_is_named():
    # Without s2 all are angry.
    rows = make_rows({"s0": ("angry",), "s1": ("angry",), "s2": ("sad",)})
    folds = assign_folds(rows, "speaker", "speaker", 0)
    for parts in (("train",), ("train", "validation")):
        with pytest.raises(DataError, match=r"fold 2 \(speaker s2\) has only angry to train on"):
            check_folds(folds, rows, trained_on=parts)


def test_validation_counts_for_those_who_train_on_it():
    rows = make_rows({"s0": ("angry",), "s1": ("sad",), "s2": BOTH})
    train, validation, test = (
        tuple(row.utterance_id for row in rows if row.speaker == speaker)
        for speaker in ("s0", "s1", "s2")
    )
    fold = Fold(number=4, train=train, validation=validation, test=test, held_out="speaker s2")
    with pytest.raises(DataError, match="fold 4 .* has only angry to train on; .* protocol random"):
        check_folds([fold], rows)
    check_folds([fold], rows, trained_on=("train", "validation"))


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_an_empty_part_is_named(part):
    rows = make_rows({"s0": BOTH, "s1": BOTH, "s2": BOTH})
    (fold, *_) = assign_folds(rows, "speaker", "speaker", 0)
    parts = {name: getattr(fold, name) for name in ("train", "validation", "test")} | {part: ()}
    with pytest.raises(DataError, match=f"fold 7 .x. has no utterance to {part}"):
        check_folds([Fold(number=7, held_out="x", **parts)], rows)


def test_many_faulty_folds_are_one_line():
    rows = make_rows({f"s\n{n}": ("angry",) for n in range(5)})
    folds = [
        Fold(
            number=n,
            held_out=f"speaker s\n{n}",
            train=tuple(row.utterance_id for row in rows[20:]),
            validation=(rows[0].utterance_id,),
            test=(rows[1].utterance_id,),
        )
        for n in range(5)
    ]
    with pytest.raises(DataError, match=r"fold 0 .*fold 2 .* and 2 more; expected") as caught:
        check_folds(folds, rows)
    assert len(str(caught.value).splitlines()) == 1
