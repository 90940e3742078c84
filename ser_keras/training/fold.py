"""One model on one fold: fit it, choose the epoch, calibrate, and score the test part."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from ser_keras.errors import SerError
from ser_keras.runs.config import RunConfig
from ser_keras.runs.files import CHECKPOINT_NAME, HISTORY_NAME
from ser_keras.runs.outcome import FoldOutcome
from ser_keras.runs.ownership import empty_fold
from ser_keras.scores.calibration import calibrate
from ser_keras.settings import Settings
from ser_keras.training.callbacks.best_epoch import BestEpoch
from ser_keras.training.callbacks.checkpoint import Checkpoint, Remembered
from ser_keras.training.callbacks.epoch_lines import EpochLines
from ser_keras.training.callbacks.history import HistoryCsv
from ser_keras.training.callbacks.optimistic import OptimisticScores
from ser_keras.training.callbacks.tensorboard import TensorBoardFold
from ser_keras.training.inference import predict_logits, score_part
from ser_keras.training.optimisation import learning_rate_at


@dataclass(frozen=True)
class FoldDatasets:
    """Batches of the three parts of a fold: (inputs, labels (batch,)).

    Attributes:
        train: function of the number of an epoch, from 0: the batches of that epoch and all later
            ones, one epoch after the other, of known cardinality.
        validation: read as a whole, as often as wanted.
        test: the same; None where the test part is not to be read.
    """

    train: Callable[[int], tf.data.Dataset]
    validation: tf.data.Dataset
    test: tf.data.Dataset | None


def fit_fold(
    model: keras.Model,
    datasets: FoldDatasets,
    config: RunConfig[Settings],
    fold: int,
    directory: Path,
) -> FoldOutcome:
    """Train a compiled model, restore its best validation epoch and score the test part once.

    Training goes on after the last whole epoch where an earlier attempt of the same settings was
    stopped, and ends with the same numbers as without the stop.

    Args:
        model: as `build_model` and `compile_model` leave it.
        datasets: the parts of the fold.
        config: the resolved configuration; its optimiser's settings are used, all of it is shown
            in TensorBoard.
        fold: number of the fold.
        directory: gets history.csv, the TensorBoard folders train/ and validation/, and the
            checkpoint, which `finish_fold` removes.

    Returns:
        What it came to; without a test part nothing about one.

    Raises:
        SerError: no epoch ended with a finite validation loss, or the folder holds something
            that training did not write.
    """
    optimiser = config.settings.optimiser
    checkpoint = Checkpoint(
        directory / CHECKPOINT_NAME, config, fold, _memory(datasets, config, directory)
    )
    first_epoch = checkpoint.resume(model)
    remembered = checkpoint.remembered
    if first_epoch:
        print(f"goes on after epoch {first_epoch} of {optimiser.epochs}")
    else:
        empty_fold(directory)
    shown = {**config.to_json(), "fold": fold}
    if first_epoch < optimiser.epochs:
        watched = [remembered.optimistic] if remembered.optimistic else []
        callbacks = [
            keras.callbacks.LearningRateScheduler(lambda epoch: learning_rate_at(epoch, optimiser)),
            remembered.best,
            *watched,
            remembered.history,
            TensorBoardFold(directory, shown, datasets.validation, config.emotions),
            checkpoint,
            EpochLines(  # what has been said is on disk
                first_epoch=first_epoch,
                validation_trains=config.settings.input.validation_trains,
            ),
        ]
        _fit(model, datasets, range(first_epoch, optimiser.epochs), callbacks)
    try:
        remembered.best.restore()
    except SerError as error:
        raise SerError(f"fold {fold}: {error}") from error
    return _outcome(model, datasets, config, remembered)


def _memory(datasets: FoldDatasets, config: RunConfig, directory: Path) -> Remembered:
    test = datasets.test
    optimistic = None if test is None else OptimisticScores(test, config.emotions)
    best = BestEpoch(last=config.settings.optimiser.last_epoch)
    return Remembered(best, HistoryCsv(directory / HISTORY_NAME), optimistic)


def _fit(model: keras.Model, datasets: FoldDatasets, epochs: range, callbacks: Iterable) -> None:
    train = datasets.train(epochs.start)
    _build_training(model)
    model.fit(
        _labels_for_each_output(train, model),
        validation_data=_labels_for_each_output(datasets.validation, model),
        initial_epoch=epochs.start,
        epochs=epochs.stop,
        steps_per_epoch=int(train.cardinality()) // len(epochs),
        shuffle=False,  # the data set shuffles
        callbacks=list(callbacks),
        verbose=0,
    )


def _build_training(model: keras.Model) -> None:
    """Make what optimiser, losses and metrics remember: a step that does is traced twice."""
    model.optimizer.build(model.trainable_variables)
    logits = {name: keras.ops.zeros((1, *head.shape[1:])) for name, head in model.output.items()}
    labels = dict.fromkeys(logits, keras.ops.zeros((1,), "int64"))
    model.compute_loss(y=labels, y_pred=logits)
    model.compute_metrics(None, labels, logits)
    model.reset_metrics()


def _labels_for_each_output(dataset: tf.data.Dataset, model: keras.Model) -> tf.data.Dataset:
    """(inputs, labels) -> (inputs, labels by output): each head learns from the same labels."""
    names = tuple(model.output)
    return dataset.map(lambda inputs, labels: (inputs, dict.fromkeys(names, labels)))


def _outcome(
    model: keras.Model, datasets: FoldDatasets, config: RunConfig[Settings], remembered: Remembered
) -> FoldOutcome:
    best, optimistic = remembered.best, remembered.optimistic
    trains = config.settings.input.validation_trains
    validation = predict_logits(model, datasets.validation)
    tested = None if datasets.test is None else predict_logits(model, datasets.test)
    return FoldOutcome(
        best_epoch=best.epoch,
        last_epoch=config.settings.optimiser.epochs,
        seconds_per_epoch=remembered.history.median_seconds,
        validation=_validation_scores(best.logs),
        # On what was trained on, no answer is as uncertain as on other recordings.
        calibration=None if trains else calibrate(validation, tested),
        test=tested and score_part(*tested, config.emotions, optimistic and optimistic.best),
    )


def _validation_scores(logs: Mapping[str, float]) -> dict[str, float]:
    names = ("weighted_accuracy", "unweighted_accuracy", "loss")
    return {name: logs[f"val_{name}"] for name in names}
