"""`python -m ser_keras evaluate`: what a trained model is worth on a prepared folder."""

import argparse
from pathlib import Path

HELP = "score a trained or exported model on a prepared folder"
EXAMPLE = """\
  python -m ser_keras evaluate --model saved_models/ser --data build/mine
  python -m ser_keras evaluate --model runs/emodb-dual_level-paper-speaker-seed0 --fold 3 --data D

Each recording, and each speaker where speakers are known, is looked up among those that the model
was trained on: only what it never heard says how good it is on new voices. The folder of the
evaluation is a run: `python -m ser_keras report` reads it beside others."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `evaluate`."""
    add = parser.add_argument
    add(
        "--model",
        required=True,
        type=Path,
        metavar="DIR",
        help="an export (saved_models/<name>), or a run of train.py or a fold of one",
    )
    add("--fold", type=int, metavar="K", help="which fold of the run; needed where it has several")
    add("--data", nargs="+", required=True, type=Path, metavar="DIR", help="prepared folders")
    add(
        "--run-dir",
        type=Path,
        metavar="DIR",
        help="folder of the evaluation (default: runs/ and the names of data and model)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Ask the model about every utterance, score what it says, keep it as a run."""
    from ser_keras.engine import use_engine

    use_engine()
    from data_pipeline.records.together import load_together
    from ser_keras.commands.evaluation import (
        asked_rows,
        check_features,
        evaluation_config,
        evaluation_in_words,
        evaluation_result,
    )
    from ser_keras.commands.export import find_fold
    from ser_keras.runs.files import PREDICTIONS_NAME, fold_dir, read_predictions
    from ser_keras.runs.folder import write_summary
    from ser_keras.runs.naming import run_folder
    from ser_keras.runs.opening import kept_apart, open_run, refuse_file, writing_into
    from ser_keras.training.trained import is_trained, open_trained

    if arguments.run_dir:
        refuse_file(arguments.run_dir)
    found = arguments.model
    if not is_trained(found):
        found = find_fold(found, arguments.fold)
    trained, prepared = open_trained(found), load_together(arguments.data)
    check_features(trained, prepared)
    rows = asked_rows(trained, prepared)
    config = evaluation_config(trained, prepared, rows)
    run_dir = arguments.run_dir or run_folder(config, Path("runs"))
    fold = fold_dir(run_dir, 0)
    open_run(run_dir, config)
    with writing_into(run_dir), kept_apart({run_dir: config}, [fold]):
        result = evaluation_result(trained, prepared, rows, config, run_dir)
        write_summary(run_dir, 1)
    print(evaluation_in_words(result, read_predictions(fold / PREDICTIONS_NAME)))
    print(f"next: python -m ser_keras report {run_dir} ... --out build/report")
    return 0
