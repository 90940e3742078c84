"""Compile, fit, save and load: one model on one fold."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras

from ser_keras.errors import SerError
from ser_keras.models import build_model, head_loss_weights, input_names
from ser_keras.runs.files import CHECKPOINT_NAME, empty_folder, write_json
from ser_keras.scores.accuracies import METRIC_NAMES, score_predictions
from ser_keras.scores.calibration import calibrate
from ser_keras.settings import Preset
from ser_keras.training.callbacks import BestEpoch, HistoryCsv, TensorBoardFold, TestEpochs
from ser_keras.training.checkpoint import EpochCheckpoint
from ser_keras.training.epoch_lines import EpochLines
from ser_keras.training.inference import predict_logits, probabilities_of
from ser_keras.training.metrics import emotion_metrics

# What chooses the epoch, in words; `BestEpoch` does it.
SELECTION = "highest unweighted accuracy on the validation part, of equal ones the lowest loss"


@dataclass(frozen=True)
class FoldDatasets:
    """Batches of the three parts of a fold: (inputs, labels (batch,)).

    Attributes:
        train: Function of the number of an epoch, from 0: the batches of that epoch and all later
            ones, one epoch after the other, of known cardinality.
        validation, test: Each is read as a whole, as often as wanted.
    """

    train: Callable
    validation: object
    test: object


def compile_model(model: keras.Model, variant: str, settings: Preset, num_emotions: int) -> None:
    """Adam, and the weighted mean of the heads' cross entropies (section 2.3.1)."""
    weights = head_loss_weights(variant)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(
        optimizer=keras.optimizers.Adam(settings.learning_rate),
        loss=dict.fromkeys(weights, cross_entropy),
        loss_weights=weights,
        metrics={"logits": emotion_metrics(num_emotions)},
        # XLA is slower on CPUs; left to itself Keras compiles some of the variants and not others.
        jit_compile=False,
    )


def fit_fold(
    model: keras.Model,
    datasets: FoldDatasets,
    emotions: Sequence[str],
    settings: Preset,
    fold_dir: Path,
    config: Mapping,
) -> dict:
    """Train a compiled model, restore its best validation epoch and score the test part once.

    Training goes on after the last whole epoch where an earlier attempt of the same settings was
    stopped, and ends with the same numbers as without the stop.

    Args:
        model: As `build_model` and `compile_model` leave it.
        datasets: The parts of the fold.
        emotions: Names of the labels.
        settings: Epochs and learning rate.
        fold_dir: Gets history.csv, the TensorBoard folders train/ and validation/, and the
            checkpoint, which `finish_fold` removes.
        config: The resolved configuration and the number of the fold, shown in TensorBoard.

    Returns:
        best_epoch, last_epoch, median seconds_per_epoch, the validation scores of the best epoch,
        the scores of the test part, and what the best test epoch would have claimed under
        "optimistic". The temperature and what else `calibrate` fits on the validation part under
        "calibrated". Labels and probabilities of the test part (at temperature 1) under "labels"
        and "probabilities".

    Raises:
        SerError: No epoch ended with a finite validation loss.
    """
    best, test = BestEpoch(), TestEpochs(datasets.test, emotions)
    history = HistoryCsv(fold_dir / "history.csv")
    checkpoint = EpochCheckpoint(fold_dir / CHECKPOINT_NAME, config, best, test, history)
    first_epoch = checkpoint.resume(model)
    if first_epoch:
        print(f"goes on after epoch {first_epoch} of {settings.epochs}")
    else:
        empty_folder(fold_dir)
    callbacks = [
        keras.callbacks.LearningRateScheduler(lambda epoch: learning_rate_at(epoch, settings)),
        best,
        test,
        history,
        TensorBoardFold(fold_dir, config, datasets.validation, emotions),
        checkpoint,
        EpochLines(first_epoch=first_epoch),  # what has been said is on disk
    ]
    if first_epoch < settings.epochs:
        _fit(model, datasets, range(first_epoch, settings.epochs), callbacks)
    best.restore()
    labels, logits = predict_logits(model, datasets.test)
    calibrated = calibrate(predict_logits(model, datasets.validation), (labels, logits))
    probabilities = probabilities_of(logits)
    return {
        "best_epoch": best.epoch,
        "last_epoch": settings.epochs,
        "seconds_per_epoch": history.median_seconds,
        "validation": {
            name.removeprefix("val_"): best.logs[name]
            for name in ("val_weighted_accuracy", "val_unweighted_accuracy", "val_loss")
        },
        "scores": score_predictions(labels, probabilities, emotions).to_json(),
        "optimistic": test.best,
        "calibrated": calibrated.to_json(),
        "labels": labels,
        "probabilities": probabilities,
    }


def _fit(model: keras.Model, datasets: FoldDatasets, epochs: range, callbacks: Sequence) -> None:
    train = datasets.train(epochs.start)
    model.fit(
        _labels_for_each_output(train, model),
        validation_data=_labels_for_each_output(datasets.validation, model),
        initial_epoch=epochs.start,
        epochs=epochs.stop,
        steps_per_epoch=int(train.cardinality()) // len(epochs),
        shuffle=False,  # the data set shuffles
        callbacks=callbacks,
        verbose=0,
    )


def learning_rate_at(epoch: int, settings: Preset) -> float:
    """Learning rate of an epoch, counted from 0 as Keras counts."""
    return settings.learning_rate * 0.5 ** sum(epoch >= halved for halved in settings.halve_at)


def _labels_for_each_output(dataset, model):
    """(inputs, labels) -> (inputs, labels by output): each head learns from the same labels."""
    names = tuple(model.output)
    return dataset.map(lambda inputs, labels: (inputs, dict.fromkeys(names, labels)))


# --- A trained model on disk: our own JSON and a file of weights ---


def model_info(
    config: Mapping,
    fold: int,
    num_frames: tuple[int, int],
    n_mels: tuple[int, int],
    test_scores: Mapping,
) -> dict:
    """What a trained model is, for info.json: where it comes from, its inputs, its accuracies."""
    return {
        **{name: config[name] for name in ("variant", "preset", "emotions", "features", "corpus")},
        "protocol": config["protocol"],
        "fold": fold,
        "num_frames": num_frames,
        "n_mels": n_mels,
        "inputs": input_names(config["variant"]),
        **{name: test_scores[name] for name in METRIC_NAMES},
    }


def save_model(model: keras.Model, settings: Preset, info: Mapping, directory: Path) -> None:
    """Write config.json (how to build it), model.weights.h5 and info.json (what it is).

    A `.keras` file would be a program that loading runs; these are data.
    """
    directory.mkdir(parents=True, exist_ok=True)
    model.save_weights(directory / "model.weights.h5")
    write_json(directory / "config.json", asdict(settings))
    write_json(directory / "info.json", dict(info))


def load_model(directory: Path) -> tuple[keras.Model, dict]:
    """Build the model that `save_model` wrote and load its weights.

    Returns:
        The model, not compiled, and its info.json.

    Raises:
        SerError: A file is missing or damaged, or does not fit the others.
    """
    directory = Path(directory)
    try:
        settings = _settings(json.loads((directory / "config.json").read_text("utf-8")))
        info = json.loads((directory / "info.json").read_text("utf-8"))
        model = build_model(
            info["variant"],
            settings,
            len(info["emotions"]),
            tuple(info["num_frames"]),
            tuple(info["n_mels"]),
        )
        model.load_weights(directory / "model.weights.h5")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise SerError(
            f"{directory}: cannot load the model ({reason}), expected config.json, info.json and "
            "model.weights.h5 as train.py writes them: train the fold again"
        ) from error
    return model, info


def _settings(config: Mapping) -> Preset:
    # JSON turns tuples into lists.
    return Preset(**{name: tuple(v) if isinstance(v, list) else v for name, v in config.items()})
