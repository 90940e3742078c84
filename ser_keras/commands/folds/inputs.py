"""What a training is given: prepared folders, copies of them, and a model to begin with."""

from pathlib import Path
from typing import TYPE_CHECKING

from ser_keras.commands.train_options import TrainingOrder

if TYPE_CHECKING:
    from data_pipeline.batches.copies import WithCopies
    from data_pipeline.records.prepared import Prepared
    from ser_keras.commands.folds.init import Start

DEMO_FOLDER = Path("build/demo")


def load_data(order: TrainingOrder) -> "Prepared":
    """The prepared folders that --data names; without any, the demo corpus, made and prepared."""
    from data_pipeline.corpora.catalogue import read_corpus
    from data_pipeline.records.preparing import prepare
    from data_pipeline.records.together import load_together

    if order.data:
        return load_together(order.data)
    print("no --data: training on the demo corpus, synthesised speech of ten voices")
    return prepare(read_corpus("demo", None), DEMO_FOLDER)


def load_copies(order: TrainingOrder, prepared: "Prepared") -> "WithCopies | None":
    """The same folders with those of --copies beside them."""
    if not order.copies:
        return None
    from data_pipeline.batches.copies import with_copies

    return with_copies(prepared, order.copies)


def open_start(order: TrainingOrder, prepared: "Prepared") -> "Start | None":
    """The model that --init names."""
    if order.init is None:
        return None
    from ser_keras.commands.folds.init import start_of

    return start_of(order.init, order, prepared)
