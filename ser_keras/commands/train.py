"""Train the systems of Table 1, fold by fold, and export one.

    python train.py --fold 0                                     the demo corpus, one fold
    python train.py --data build/emodb                           every fold of a prepared corpus
    python train.py --data build/iemocap --protocol random --preset authors
    python train.py --data build/emodb --variant all --protocol all    Table 1, both protocols

A run (one variant, protocol and seed) has a folder of its own. Started again, the same command goes
on where it was stopped: finished folds are kept, and settings never mix (docs/training.md).
"""

import argparse
import logging
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported

from data_pipeline.contract import PROTOCOLS
from data_pipeline.errors import DataError
from ser_keras.commands.train_options import parse_args, run_folder
from ser_keras.errors import SerError
from ser_keras.runs.files import read_predictions
from ser_keras.runs.folder import (
    best_validated_fold,
    finish_fold,
    fold_dir,
    in_words,
    is_finished,
    open_run,
    write_summary,
)
from ser_keras.runs.grid import (
    Run,
    choose_folds,
    duration,
    jobs_in_order,
    missing,
    run_name,
    seconds_left,
    summary_table,
    usable_cores,
)
from ser_keras.settings import PRESETS

DEMO_FOLDER = Path("build/demo")
# Each training leaves about 0.1 GB behind: TensorFlow does not free the graph of a fitted LSTM.
TRAININGS_A_PROCESS = 20


def main(argv=None) -> int:
    """Run the command line; 0 when all went well, 1 for a fault that the user can mend."""
    arguments = parse_args(argv, __doc__, PROTOCOLS)
    # It warns of models that are traced again, as each fold's is for batches of other lengths.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    try:
        train(arguments)
    except (DataError, SerError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped: finished epochs are kept; the same command goes on", file=sys.stderr)
        return 1
    return 0


def train(arguments: argparse.Namespace) -> None:
    """Load the data, train the folds that are missing, sum up, export a single run."""
    demo = arguments.data is None
    prepared = prepare_demo() if demo else load(arguments.data)
    settings = resolve_settings(arguments)
    runs = plan_runs(arguments, prepared, settings)
    audit_folds(runs, prepared)
    for run in runs:
        open_run(run.directory, run.config)

    jobs = jobs_in_order(runs)
    anew = bool(missing(jobs))
    trained = 0
    for position, (run, fold) in enumerate(jobs, start=1):
        if is_finished(run.directory, fold.number):
            print(f"{fold_dir(run.directory, fold.number)}: finished before, kept")
            continue
        if trained == TRAININGS_A_PROCESS:
            start_again()
        print(f"\n{run.directory.name}, {position} of {len(jobs)} trainings")
        train_fold(run, fold, prepared, settings)
        trained += 1
        print_time_left(runs, missing(jobs))
    if len(runs) > 1:
        print(f"\n{run.directory.parent}:\n{summary_table(runs)}")
        return
    print(f"\n{run.directory}: {in_words(write_summary(run.directory, run.num_folds))}")
    saved = arguments.export or Path("saved_models") / run.directory.name
    export(run, saved, anew)
    print_next_steps(run.directory, saved, demo_file(run) if demo else None)


def load(folder: Path):
    """The prepared folder that --data names."""
    from data_pipeline.records.prepared import load_prepared

    return load_prepared(folder)


def prepare_demo():
    """Make the demo corpus, where it is not there yet, and prepare it."""
    from data_pipeline.corpora.catalogue import read_corpus
    from data_pipeline.records.preparing import prepare

    print("no --data: training on the demo corpus, synthesised speech of ten voices")
    return prepare(read_corpus("demo", None), DEMO_FOLDER)


def resolve_settings(arguments: argparse.Namespace):
    """The preset, and what the command line says instead."""
    given = {
        name: getattr(arguments, name)
        for name in ("gate_norm", "epochs", "batch_size", "learning_rate")
        if getattr(arguments, name) is not None
    }
    settings = replace(PRESETS[arguments.preset], **given)
    print(f"preset {arguments.preset}: {settings}")
    return settings


def plan_runs(arguments: argparse.Namespace, prepared, settings) -> list[Run]:
    """Every protocol with every seed and every variant."""
    from data_pipeline.splits.folds import assign_folds, folds_key

    runs = []
    for protocol in arguments.protocol:
        for seed in range(arguments.seed, arguments.seed + arguments.repeats):
            folds = assign_folds(prepared.utterances, protocol, prepared.group_by, seed)
            chosen = choose_folds(folds, arguments.fold)
            for variant in arguments.variant:
                config = describe_run(arguments.preset, prepared, settings, protocol, variant, seed)
                config["folds_key"] = folds_key(folds)
                runs.append(
                    Run(run_folder(arguments, run_name(config)), config, len(folds), chosen)
                )
    return runs


def describe_run(preset, prepared, settings, protocol, variant, seed) -> dict:
    """Everything that decides the numbers: config.json, and the head of every result.json."""
    from ser_keras.training.fold import SELECTION

    return {
        **prepared.identity,
        "protocol": protocol,
        "selection": SELECTION,
        "variant": variant,
        "preset": preset,
        "settings": asdict(settings),
        "seed": seed,
    }


def audit_folds(runs, prepared) -> None:
    """Say what the parts of the folds share; voices on both sides end it under `speaker`."""
    from data_pipeline.splits.leakage import audit, audit_in_words

    run_of = {(run.config["protocol"], run.config["seed"]): run for run in runs}
    found = {key: audit(prepared.utterances, run.folds, key[0]) for key, run in run_of.items()}
    for protocol, seed in found:
        if seed == runs[0].config["seed"]:  # other seeds draw other folds, which share as much
            print(f"\nprotocol {protocol}: {audit_in_words(found[protocol, seed])}")


def train_fold(run: Run, fold, prepared, settings) -> None:
    """Build, compile, fit and evaluate one fold; its result.json is written last."""
    import keras
    import tensorflow as tf

    from data_pipeline.batches.datasets import (
        make_dataset,
        make_training_dataset,
        median_num_frames,
    )
    from data_pipeline.batches.training_profile import measure_training_profile
    from ser_keras.models import build_model, input_names
    from ser_keras.training.fold import (
        FoldDatasets,
        compile_model,
        fit_fold,
        model_info,
        save_model,
    )

    print(f"fold {fold.number}: test on {fold.held_out}; {counts_line(fold)}")
    config, emotions = run.config, prepared.emotions
    keras.utils.set_random_seed(config["seed"] + fold.number)
    num_frames = median_num_frames(prepared, fold.train)

    common = {
        "batch_size": settings.batch_size,
        "num_frames": num_frames,
        "inputs": input_names(config["variant"]),
    }

    def train_batches(first_epoch):
        epochs = range(first_epoch, settings.epochs)
        return make_training_dataset(
            prepared, fold.train, seed=config["seed"], epochs=epochs, **common
        )

    datasets = FoldDatasets(
        train_batches,
        make_dataset(prepared, fold.validation, **common),
        make_dataset(prepared, fold.test, **common),
    )
    n_mels = prepared.features.n_mels
    model = build_model(config["variant"], settings, len(emotions), num_frames, n_mels)
    compile_model(model, config["variant"], settings, len(emotions))
    directory = fold_dir(run.directory, fold.number)
    identity = {**config, "fold": fold.number}
    try:
        outcome = fit_fold(model, datasets, emotions, settings, directory, identity)
    except tf.errors.DataLossError as error:
        raise DataError(
            f"{prepared.directory}: the records are damaged ({error.message.splitlines()[0]}): "
            "prepare again with the same command, which makes damaged shards anew"
        ) from error
    info = model_info(config, fold.number, num_frames, n_mels, outcome["scores"])
    profile = measure_training_profile(prepared, fold.train)
    info |= outcome["calibrated"] | {"training_profile": asdict(profile)}
    save_model(model, settings, info, directory / "model")
    details = {
        "held_out": fold.held_out,
        "num_frames": num_frames,
        "parameters": model.count_params(),
        "cores": usable_cores(),
        "utterances": {n: len(getattr(fold, n)) for n in ("train", "validation", "test")},
        **outcome["calibrated"],
    }
    rows = [row for row in prepared.utterances if row.utterance_id in set(fold.test)]
    result = finish_fold(run.directory, fold.number, config, outcome, rows, details)
    write_summary(run.directory, run.num_folds)
    keras.backend.clear_session()
    print(
        f"fold {fold.number}: epoch {result['best_epoch']} of {result['last_epoch']} chosen on "
        f"validation; test WA {result['weighted_accuracy']:.1%}, "
        f"UA {result['unweighted_accuracy']:.1%} ({result['protocol']}, {fold.held_out})"
    )


def start_again() -> None:
    """Replace this process by a fresh one with the same command, which goes on."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def counts_line(fold) -> str:
    """How many utterances each part has."""
    return (
        f"{len(fold.train)} utterances to train, {len(fold.validation)} to validate, "
        f"{len(fold.test)} to test"
    )


def print_time_left(runs, jobs) -> None:
    """Say how many trainings are left, and for about how long."""
    if jobs:
        print(f"left to train: {len(jobs)}, about {duration(seconds_left(runs, jobs))}")


def best_fold(run: Run) -> Path:
    """The folder of the fold that is exported."""
    return best_validated_fold(run.directory, run.num_folds)


def export(run: Run, directory: Path, anew: bool) -> None:
    """Export the fold that did best on its validation part, where that is not there already."""
    from ser_keras.export.saved_model import export_saved_model, saved_versions
    from ser_keras.training.fold import load_model

    if anew or not saved_versions(directory):
        model, info = load_model(best_fold(run) / "model")
        print(f"\nexported: {export_saved_model(model, info, directory)}")


def demo_file(run: Run) -> Path:
    """An utterance of the demo that the exported fold was tested on."""
    from data_pipeline.corpora.catalogue import read_corpus

    tested = read_predictions(best_fold(run) / "predictions.csv").utterance_ids
    utterances = read_corpus("demo", None).utterances
    return next(u.path for u in utterances if u.utterance_id == tested[0])


def print_next_steps(run_dir: Path, saved: Path, example: Path | None) -> None:
    """Predict one held-out file, where there is one, and say what to do next."""
    from ser_keras.commands.predict import text_form
    from ser_keras.predict.files import predict_files
    from ser_keras.predict.served_model import ServedModel

    if example:
        (answer,) = predict_files(ServedModel(saved), [example])
        print(text_form(answer))
    print(
        "next:\n"
        f"  python -m ser_keras predict --model {saved} FILE...   emotions of your files\n"
        f"  tensorboard --logdir {run_dir}   curves and confusion matrices\n"
        "  python -m data_pipeline prepare --help   train on your own corpus"
    )


if __name__ == "__main__":
    sys.exit(main())
