"""Runs as training writes them, with predictions made up, and how to read a table about them."""

import csv

import numpy as np

from data_pipeline.rows import UtteranceRow
from ser_keras.runs.config import RunConfig
from ser_keras.runs.files import fold_dir
from ser_keras.runs.folder import FoldDetails, finish_fold, write_summary
from ser_keras.runs.opening import open_run
from ser_keras.runs.outcome import FoldOutcome, ScoredPart
from ser_keras.scores.accuracies import METRIC_NAMES, score_predictions
from ser_keras.settings import CLASSICAL

EMOTIONS = ("angry", "happy", "sad")
NUM_UTTERANCES, NUM_SPEAKERS = 120, 8
LABELS = np.random.default_rng(0).choice(3, NUM_UTTERANCES, p=[0.5, 0.3, 0.2])
SPEAKERS = [f"s{n % NUM_SPEAKERS}" for n in range(NUM_UTTERANCES)]
BEST_EPOCHS = (3, 5)
DETAILS = FoldDetails(
    held_out="half", parameters=1234567, cores=2, utterances={}, trained_on=(), tested_on=()
)


def make_config(**changes):
    """A configuration; changes are in the form of config.json."""
    config = {"corpus": "made_up", "emotions": list(EMOTIONS), "label_map": {"A": "angry"}}
    config |= {"subset": "all", "protocol": "random", "variant": "dual_level", "preset": "paper"}
    config |= {"data_key": "made up", "features": {}, "group_by": "speaker", "selection": "luck"}
    classical = changes.get("preset") == CLASSICAL
    config |= {"settings": {"cost": 0.1} if classical else {"gate_norm": "after_sigmoid"}}
    config |= {"seed": 0} | changes
    return RunConfig.from_json(config)


def write_run(
    directory, accuracy=0.7, folds=(0, 1), summary=True, untested=(), watched=True, **changes
):
    """A run of two folds as training writes it; predictions follow from accuracy and seed.

    Args:
        directory: the run folder.
        accuracy: share of right answers, about.
        folds: those that are trained and tested.
        summary: whether there is a summary.json.
        untested: folds that are trained with --no-test.
        watched: whether the test part was scored in every epoch of the tested folds.
        changes: to the configuration.
    """
    config = make_config(**changes)
    open_run(directory, config)
    draw = np.random.default_rng([int(1000 * accuracy), config.seed])
    probabilities = draw.dirichlet([1, 1, 1], NUM_UTTERANCES) * 0.3
    right = draw.random(NUM_UTTERANCES) < accuracy
    named = np.where(right, LABELS, (LABELS + draw.integers(1, 3, NUM_UTTERANCES)) % 3)
    probabilities[np.arange(NUM_UTTERANCES), named] += 0.7
    for number in (*folds, *untested):
        tested = np.arange(number, NUM_UTTERANCES, 2) if number in folds else []
        test = scored_part(tested, probabilities[tested], watched) if number in folds else None
        write_fold(directory, number, config, accuracy, tested, test)
    if summary:
        write_summary(directory, 2)
    return directory


def scored_part(tested, probabilities, watched):
    matrix = (np.diag(np.bincount(LABELS[tested], minlength=3))).tolist()  # all right
    optimistic = {name: 1.0 for name in METRIC_NAMES}
    optimistic |= {f"{name}_confusion_matrix": matrix for name in METRIC_NAMES}
    return ScoredPart(
        labels=LABELS[tested],
        probabilities=probabilities.astype(np.float32),
        scores=score_predictions(LABELS[tested], probabilities, EMOTIONS),
        optimistic=optimistic if watched else None,
    )


def write_fold(directory, number, config, accuracy, tested, test):
    folder = fold_dir(directory, number)
    folder.mkdir()
    with (folder / "history.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "unweighted_accuracy", "val_unweighted_accuracy"])
        writer.writerows([e, 0.1 * e, 0.05 * e + 0.2 * number] for e in range(1, 7))
    # Each fold has other figures, so that there is a deviation.
    validation = {"weighted_accuracy": accuracy, "unweighted_accuracy": accuracy - 0.1 * number}
    outcome = FoldOutcome(
        best_epoch=BEST_EPOCHS[number],
        last_epoch=6,
        seconds_per_epoch=2.5,
        validation=validation | {"loss": 0.5},
        test=test,
    )
    rows = [
        UtteranceRow(utterance_id=f"u{n}", speaker=SPEAKERS[n], emotion=EMOTIONS[LABELS[n]])
        for n in tested
    ]
    finish_fold(directory, number, config, outcome, rows, DETAILS)


def cells(markdown, title):
    """The cells of the first table line whose first cell is `title`."""
    lines = [line.strip("| ").split(" | ") for line in markdown.splitlines()]
    return next(line for line in lines if line[0] == title)
