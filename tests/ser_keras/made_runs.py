"""Runs as training writes them, with predictions made up, and how to read a table about them."""

import csv

import numpy as np

from data_pipeline.rows import UtteranceRow
from ser_keras.runs.folder import finish_fold, fold_dir, open_run, write_summary
from ser_keras.scores.accuracies import METRIC_NAMES, score_predictions

EMOTIONS = ("angry", "happy", "sad")
NUM_UTTERANCES, NUM_SPEAKERS = 120, 8
LABELS = np.random.default_rng(0).choice(3, NUM_UTTERANCES, p=[0.5, 0.3, 0.2])
SPEAKERS = [f"s{n % NUM_SPEAKERS}" for n in range(NUM_UTTERANCES)]
BEST_EPOCHS = (3, 5)


def make_config(**changes):
    config = {"corpus": "made_up", "emotions": list(EMOTIONS), "label_map": {"A": "angry"}}
    config |= {"subset": "all", "protocol": "random", "variant": "dual_level", "preset": "paper"}
    return config | {"settings": {"gate_norm": "after_sigmoid"}, "seed": 0} | changes


def write_run(directory, accuracy=0.7, folds=(0, 1), summary=True, **changes):
    """A run of two folds as training writes it; predictions follow from accuracy and seed."""
    config = make_config(**changes)
    open_run(directory, config)
    draw = np.random.default_rng([int(1000 * accuracy), config["seed"]])
    probabilities = draw.dirichlet([1, 1, 1], NUM_UTTERANCES) * 0.3
    right = draw.random(NUM_UTTERANCES) < accuracy
    named = np.where(right, LABELS, (LABELS + draw.integers(1, 3, NUM_UTTERANCES)) % 3)
    probabilities[np.arange(NUM_UTTERANCES), named] += 0.7
    for number in folds:
        tested = np.arange(number, NUM_UTTERANCES, 2) if number else np.arange(0, NUM_UTTERANCES, 2)
        write_fold(directory, number, config, tested, probabilities[tested])
    if summary:
        write_summary(directory, 2)
    return directory


def write_fold(directory, number, config, tested, probabilities):
    folder = fold_dir(directory, number)
    folder.mkdir()
    scored = score_predictions(LABELS[tested], probabilities, EMOTIONS).to_json()
    matrix = (np.diag(np.bincount(LABELS[tested], minlength=3))).tolist()  # all right
    optimistic = {name: 1.0 for name in METRIC_NAMES}
    optimistic |= {f"{name}_confusion_matrix": matrix for name in METRIC_NAMES}
    outcome = {"labels": LABELS[tested], "probabilities": probabilities.astype(np.float32)}
    outcome |= {"scores": scored, "optimistic": optimistic, "best_epoch": BEST_EPOCHS[number]}
    outcome |= {"last_epoch": 6, "seconds_per_epoch": 2.5, "validation": {}}
    with (folder / "history.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "unweighted_accuracy", "val_unweighted_accuracy"])
        writer.writerows([e, 0.1 * e, 0.05 * e + 0.2 * number] for e in range(1, 7))
    rows = [
        UtteranceRow(utterance_id=f"u{n}", speaker=SPEAKERS[n], emotion=EMOTIONS[LABELS[n]])
        for n in tested
    ]
    finish_fold(directory, number, config, outcome, rows, {"parameters": 1234567, "cores": 2})


def cells(markdown, title):
    """The cells of the first table line whose first cell is `title`."""
    lines = [line.strip("| ").split(" | ") for line in markdown.splitlines()]
    return next(line for line in lines if line[0] == title)
