"""What a fold reads: batches of its parts, and the recordings that its linear head is fitted on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from data_pipeline.batches.copies import copies_of
from data_pipeline.batches.datasets import make_dataset, make_training_dataset
from data_pipeline.contract import POSITION
from data_pipeline.records.prepared import Prepared
from data_pipeline.splits.fold import Fold
from ser_keras.model_info import ModelInfo
from ser_keras.models.linear_part import give_head
from ser_keras.runs.grid import Run
from ser_keras.runs.outcome import AdaptedPart
from ser_keras.training.adapted import score_adapted
from ser_keras.training.linear_head import fit_linear_head
from ser_keras.training.profiles import (
    Recordings,
    measure_recordings,
    of_nobody,
    with_drawn_profiles,
)
from ser_keras.voices.linear_head import LinearHead

# The linear head is fitted on so many recordings at most, drawn from all: their functionals are
# 0.3 GB, and fitting has them in memory several times over.
MOST_FITTED = 20_000


def adapted_parts(
    model: keras.Model, run: Run, fold: Fold, prepared: Prepared, info: ModelInfo
) -> Mapping[str, AdaptedPart]:
    """The test part with profiles of its voices, of a model that takes them."""
    if not info.takes_profile:
        return {}
    reading = reading_of(run, info) | {"inputs": (*info.inputs, POSITION)}
    batches = make_dataset(prepared, fold.test, **reading)
    speakers = [row.speaker for row in prepared.utterances]
    tested = measure_recordings(model, batches, speakers)
    return score_adapted(model, batches, tested, run.config.emotions, run.config.seed)


def training_batches(
    model: keras.Model,
    run: Run,
    fold: Fold,
    prepared: Prepared,
    info: ModelInfo,
    heard: tuple[LinearHead, Recordings] | None,
) -> Callable[[int], tf.data.Dataset]:
    """The training batches from an epoch on, as a function of its number."""
    settings, seed = run.config.settings, run.config.seed
    common = reading_of(run, info)
    drawn = heard if settings.input.profiles else None
    if drawn:
        common |= {"inputs": (*info.inputs, POSITION)}

    def train_batches(first_epoch: int) -> tf.data.Dataset:
        epochs = range(first_epoch, settings.optimiser.epochs)
        batches = make_training_dataset(
            prepared,
            training_ids(run, fold),
            seed=seed,
            epochs=epochs,
            balanced=settings.input.balance,
            **common,
        )
        if not drawn:
            return of_nobody(batches, model)
        first_batch = int(batches.cardinality()) // len(epochs) * first_epoch
        known = with_drawn_profiles(batches, model, *drawn, seed, first_batch)
        return known.apply(tf.data.experimental.assert_cardinality(int(batches.cardinality())))

    return train_batches


def part_batches(
    model: keras.Model, run: Run, ids: Sequence[str], prepared: Prepared, info: ModelInfo
) -> tf.data.Dataset:
    """The batches of a part that is not trained on."""
    return of_nobody(make_dataset(prepared, ids, **reading_of(run, info)), model)


def training_ids(run: Run, fold: Fold) -> list[str]:
    """The utterances that are trained on: those of the validation part, too, where it trains."""
    more = fold.validation if run.config.settings.input.validation_trains else ()
    return [*fold.train, *more]


def fit_functionals(
    model: keras.Model, run: Run, fold: Fold, prepared: Prepared, info: ModelInfo
) -> tuple[LinearHead, Recordings]:
    """Fit the linear head of a model and put it there; what it was fitted on."""
    config = run.config
    trained = training_ids(run, fold)
    wanted = [*trained, *copies_of(prepared, trained)]
    if len(wanted) > MOST_FITTED:
        drawn = np.random.default_rng(config.seed).choice(wanted, MOST_FITTED, replace=False)
        wanted = drawn.tolist()
    reading = reading_of(run, info) | {"inputs": (*info.inputs, POSITION)}
    speakers = [row.speaker for row in prepared.utterances]
    recordings = measure_recordings(model, make_dataset(prepared, wanted, **reading), speakers)
    head = fit_linear_head(
        recordings.functionals,
        recordings.labels,
        recordings.voices,
        len(config.emotions),
        config.settings.optimiser,
        config.seed,
    )
    give_head(model, head)
    return head, recordings


def reading_of(run: Run, info: ModelInfo) -> dict[str, Any]:
    """How every part of a fold is read."""
    return {
        "batch_size": run.config.settings.optimiser.batch_size,
        "num_frames": info.num_frames,
        "inputs": info.inputs,
    }
