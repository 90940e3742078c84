"""One fold of a run, from the prepared folder to its result: trained, or only tested."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from data_pipeline.batches.datasets import median_num_frames
from data_pipeline.batches.training_profile import measure_training_profile
from data_pipeline.contract import PARTS
from data_pipeline.errors import DataError
from data_pipeline.records.prepared import Prepared
from data_pipeline.rows import UtteranceRow, corpora_of
from data_pipeline.runtime import usable_cores
from data_pipeline.splits.fold import Fold
from ser_keras.commands.evaluation import trained_on
from ser_keras.commands.folds.data import (
    adapted_parts,
    fit_functionals,
    part_batches,
    training_batches,
    training_ids,
)
from ser_keras.commands.folds.init import Start, heard_by_init
from ser_keras.heard import heard_in, write_heard
from ser_keras.model_info import ModelInfo
from ser_keras.models.variants import input_names
from ser_keras.runs.files import MODEL_FOLDER, fold_dir
from ser_keras.runs.folder import FoldDetails, finish_fold, finish_test, write_summary
from ser_keras.runs.grid import Run
from ser_keras.runs.outcome import FoldOutcome
from ser_keras.scores.accuracies import Scores
from ser_keras.scores.calibration import answers
from ser_keras.training.fold import FoldDatasets, fit_fold
from ser_keras.training.inference import predict_logits, score_part
from ser_keras.training.initialising import start_from
from ser_keras.training.metrics import METRIC_NAMES
from ser_keras.training.model_files import build_from, load_model, save_model, write_info
from ser_keras.training.optimisation import compile_model

NO_PROFILES = (
    "note: profiles of voices will change nothing: the training voices hardly tell a voice from an "
    "emotion (docs/voices.md)"
)


def train_fold(
    run: Run,
    fold: Fold,
    prepared: Prepared,
    tested: bool,
    start: Start | None = None,
    copied: Prepared | None = None,
) -> None:
    """Build, compile, fit and score one fold; its result.json is written last.

    Args:
        run: what it belongs to.
        fold: which utterances train, validate and test.
        prepared: their features.
        tested: whether the test part is read.
        start: the model to begin with; None for new weights.
        copied: the same features with those of copies, for the linear head; None for no copies.

    Raises:
        DataError: the records are damaged.
    """
    print(f"fold {fold.number}: test on {fold.held_out}; {_counts_in_words(fold, run)}")
    config, directory = run.config, fold_dir(run.directory, fold.number)
    keras.utils.set_random_seed(config.seed + fold.number)
    info = _info_before_training(run, fold, prepared, start)
    model = build_from(info, config.settings.network)
    if start:
        start_from(model, start.trained, heads=start.heads, statistics=start.statistics)
    compile_model(model, config.variant, config.settings.optimiser, len(config.emotions))
    try:
        heard = None
        if info.takes_profile:
            heard = fit_functionals(model, run, fold, copied or prepared, info)
            if not heard[0].uses_profiles:
                print(NO_PROFILES)
        train_batches = training_batches(model, run, fold, prepared, info, heard)
        datasets = FoldDatasets(
            train_batches,
            part_batches(model, run, fold.validation, prepared, info),
            part_batches(model, run, fold.test, prepared, info) if tested else None,
        )
        outcome = fit_fold(model, datasets, config, fold.number, directory)
    except tf.errors.DataLossError as error:
        raise DataError(
            f"{prepared.directory}: the records are damaged ({error.message.splitlines()[0]}): "
            "prepare again with the same command, which makes damaged shards anew"
        ) from error
    if tested:
        outcome = replace(outcome, adapted=adapted_parts(model, run, fold, prepared, info))
    profile = measure_training_profile(prepared, fold.train)
    info = replace(_info_after_training(info, outcome), training_profile=profile)
    save_model(model, config.settings, info, directory / MODEL_FOLDER)
    _write_heard(fold, prepared, start, directory / MODEL_FOLDER)
    rows = _rows(prepared, fold.test)
    details = FoldDetails(
        held_out=fold.held_out,
        num_frames=info.num_frames,
        parameters=model.count_params(),
        cores=usable_cores(),
        utterances={part: len(getattr(fold, part)) for part in PARTS},
        trained_on=info.trained_on or (),
        heard_by_init=heard_by_init(start, fold, prepared)[0] if start else None,
        tested_on=corpora_of(rows, config.corpus),
    )
    result = finish_fold(run.directory, fold.number, config, outcome, rows, details)
    write_summary(run.directory, run.num_folds)
    keras.backend.clear_session()
    _print_result(result, fold)


def test_fold(run: Run, fold: Fold, prepared: Prepared) -> None:
    """Score the test part with the weights that were kept, where training did not look at it."""
    directory = fold_dir(run.directory, fold.number)
    print(f"{directory}: trained before without its test part, scored now")
    model, info = load_model(directory / MODEL_FOLDER)
    labels, logits = predict_logits(model, part_batches(model, run, fold.test, prepared, info))
    test = score_part(labels, logits, run.config.emotions, optimistic=None)
    found = answers(labels, logits, info.temperature, info.unsure_below)
    known = info.calibration
    calibration = {**known, "test": found} if known is not None else None
    info = replace(info, calibration=calibration, **_accuracies(test.scores))
    write_info(info, directory / MODEL_FOLDER)
    rows = _rows(prepared, fold.test)
    adapted = adapted_parts(model, run, fold, prepared, info)
    result = finish_test(run.directory, fold.number, test, calibration, rows, adapted)
    write_summary(run.directory, run.num_folds)
    keras.backend.clear_session()
    _print_result(result, fold)


# --- What both need ---


def _write_heard(fold: Fold, prepared: Prepared, start: Start | None, directory: Path) -> None:
    """Write what the model has heard; nothing where nobody knows."""
    own = heard_in(_rows(prepared, (*fold.train, *fold.validation)), prepared.corpus)
    before = start.trained.heard if start else ()
    if own is not None and before is not None:
        write_heard([own, *before], directory)


def _info_before_training(
    run: Run, fold: Fold, prepared: Prepared, start: Start | None
) -> ModelInfo:
    """What a model is before anything is known of its worth: where it is from, what it takes."""
    config = run.config
    return ModelInfo(
        variant=config.variant,
        preset=config.preset,
        emotions=config.emotions,
        features=config.features,
        corpus=config.corpus,
        protocol=config.protocol,
        fold=fold.number,
        trained_on=_trained_on(fold, prepared, start),
        # Statistics by step mean something at the length that they were taken at.
        num_frames=start.trained.info.num_frames
        if start
        else median_num_frames(prepared, fold.train),
        n_mels=prepared.features.n_mels,
        inputs=input_names(config.variant, config.settings.network),
        takes_profile=config.settings.network.functionals_weight > 0 or None,
    )


def _trained_on(fold: Fold, prepared: Prepared, start: Start | None) -> tuple[str, ...]:
    """Names of the corpora that the model was trained on, and of those of the one before it."""
    own = corpora_of(_rows(prepared, fold.train), prepared.corpus)
    before = trained_on(start.trained.info) if start else []
    return tuple(sorted({*own, *before}))


def _info_after_training(info: ModelInfo, outcome: FoldOutcome) -> ModelInfo:
    """The same with what was fitted on the validation part and scored on the test part."""
    known = outcome.calibration.to_json() if outcome.calibration else {}
    known |= _accuracies(outcome.test.scores) if outcome.test else {}
    return ModelInfo.from_json(info.to_json() | known)


def _rows(prepared: Prepared, utterance_ids: Iterable[str]) -> list[UtteranceRow]:
    """The rows of these utterances, in record order."""
    wanted = set(utterance_ids)
    return [row for row in prepared.utterances if row.utterance_id in wanted]


def _accuracies(scores: Scores) -> dict[str, Any]:
    return {name: getattr(scores, name) for name in METRIC_NAMES}


def _counts_in_words(fold: Fold, run: Run) -> str:
    count, validation = len(training_ids(run, fold)), len(fold.validation)
    trains = run.config.settings.input.validation_trains
    of_it = f" ({validation} of the validation part)" if trains else f", {validation} to validate"
    return f"{count} utterances to train{of_it}, {len(fold.test)} to test"


def _print_result(result: Mapping, fold: Fold) -> None:
    """Say what a fold came to: its test part, or that it was not read."""
    epochs = f"fold {fold.number}: epoch {result['best_epoch']} of {result['last_epoch']}"
    settings = result["settings"]
    chosen = f"{epochs}{'' if settings['last_epoch'] else ' chosen on validation'}"
    if result["tested"]:
        print(
            f"{chosen}; test WA {result['weighted_accuracy']:.1%}, "
            f"UA {result['unweighted_accuracy']:.1%} ({result['protocol']}, {fold.held_out})"
        )
    else:
        validation = result["validation"]
        trained = ", trained on, too," if settings["validation_trains"] else ""
        print(
            f"{chosen}; on validation{trained} WA is {validation['weighted_accuracy']:.1%} and UA "
            f"{validation['unweighted_accuracy']:.1%}; the test part was not read "
            f"({result['protocol']}, {fold.held_out})"
        )
