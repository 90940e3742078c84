"""Train a speech-emotion model of Table 1, fold by fold, and export it.

    python train.py --fold 0                                     the demo corpus, one fold
    python train.py --data build/emodb --fold all                every fold of a prepared corpus
    python train.py --data build/iemocap --fold --protocol random --preset authors

A run goes on where it was stopped: finished folds are kept, and settings never mix.
"""

import argparse
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported

from data_pipeline.errors import DataError
from data_pipeline.folds import PROTOCOLS, assign_folds
from ser_keras.errors import SerError
from ser_keras.models.variants import VARIANTS
from ser_keras.presets import PRESETS
from ser_keras.runs import (
    begin_fold,
    best_validated_fold,
    finish_fold,
    fold_dir,
    in_words,
    is_finished,
    open_run,
    write_summary,
)

ALL_FOLDS = "all"
DEMO_FOLDER = Path("build/demo")


def main(argv=None) -> int:
    """Run the command line; 0 when all went well, 1 for a fault that the user can mend."""
    arguments = parse_args(argv)
    try:
        train(arguments)
    except (DataError, SerError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped: finished folds are kept; the same command goes on", file=sys.stderr)
        return 1
    return 0


def parse_args(argv=None) -> argparse.Namespace:
    """Parse the command line; usage errors exit with 2."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, metavar="DIR", help="prepared folder; without it, the demo corpus")
    add(
        "--fold",
        nargs="?",
        const=ALL_FOLDS,
        default=ALL_FOLDS,
        type=_fold_number,
        metavar="K",
        help="one fold by its number, from 0; `all`, also without a number: every fold",
    )
    add(
        "--protocol",
        choices=PROTOCOLS,
        default="speaker",
        help="what the test part is: speaker = voices (sessions for IEMOCAP) that training never "
        "hears, random = a stratified fifth of the utterances (default: %(default)s)",
    )
    add("--variant", choices=VARIANTS, default="dual_level", help="a system of Table 1")
    add(
        "--preset",
        choices=PRESETS,
        help="settings as the paper prints them, as its authors ran them, or small ones for the "
        "demo (default: paper; without --data, demo; see docs/fidelity.md)",
    )
    add("--epochs", type=_positive, metavar="N", help="instead of the preset's")
    add("--batch-size", type=_batch_size, metavar="N", help="instead of the preset's; 8 or more")
    add("--learning-rate", type=_rate, metavar="X", help="instead of the preset's")
    add("--seed", type=int, default=0, metavar="N", help="of folds, weights and shuffling")
    add("--run-dir", type=Path, metavar="DIR", help="default: runs/ and the settings' names")
    add("--export", type=Path, metavar="DIR", help="default: saved_models/ and the run's name")
    arguments = parser.parse_args(argv)
    arguments.preset = arguments.preset or ("paper" if arguments.data else "demo")
    return arguments


def train(arguments: argparse.Namespace) -> None:
    """Load the data, train the folds that are missing, sum up, export."""
    demo = arguments.data is None
    prepared = prepare_demo() if demo else load(arguments.data)
    settings = resolve_settings(arguments)
    folds = assign_folds(prepared.utterances, arguments.protocol, prepared.group_by, arguments.seed)
    chosen = choose_folds(folds, arguments.fold)
    run_dir = arguments.run_dir or Path("runs") / run_name(arguments, prepared)
    config = describe_run(arguments, prepared, settings)
    open_run(run_dir, config)

    missing = [fold for fold in chosen if not is_finished(run_dir, fold.number)]
    for fold in chosen:
        if fold in missing:
            train_fold(fold, prepared, settings, config, run_dir)
        else:
            print(f"fold {fold.number}: finished before, kept ({fold_dir(run_dir, fold.number)})")
    print(f"\n{run_dir}: {in_words(write_summary(run_dir, len(folds)))}")
    saved = arguments.export or Path("saved_models") / run_dir.name
    export(run_dir, len(folds), saved, anew=bool(missing))
    print_next_steps(run_dir, saved, demo_file(chosen[-1]) if demo else None)


def load(folder: Path):
    """The prepared folder that --data names."""
    from data_pipeline.tfrecords import load_prepared

    return load_prepared(folder)


def prepare_demo():
    """Make the demo corpus, where it is not there yet, and prepare it."""
    from data_pipeline.corpora import read_corpus
    from data_pipeline.prepare import prepare

    print("no --data: training on the demo corpus, synthesised speech of ten voices")
    return prepare(read_corpus("demo", None), DEMO_FOLDER)


def resolve_settings(arguments: argparse.Namespace):
    """The preset, and what the command line says instead."""
    given = {
        name: getattr(arguments, name)
        for name in ("epochs", "batch_size", "learning_rate")
        if getattr(arguments, name) is not None
    }
    settings = replace(PRESETS[arguments.preset], **given)
    print(f"preset {arguments.preset}: {settings}")
    return settings


def choose_folds(folds, wanted):
    """The folds that --fold names."""
    if wanted == ALL_FOLDS:
        return folds
    if wanted >= len(folds):
        raise DataError(
            f"received --fold {wanted}, expected 0 to {len(folds) - 1} or `all`: this protocol "
            f"has {len(folds)} folds on this corpus"
        )
    return [folds[wanted]]


def run_name(arguments: argparse.Namespace, prepared) -> str:
    """A name that tells runs apart by what people compare."""
    parts = (prepared.corpus, arguments.variant, arguments.preset, arguments.protocol)
    return "-".join((*parts, f"seed{arguments.seed}"))


def describe_run(arguments: argparse.Namespace, prepared, settings) -> dict:
    """Everything that decides the numbers: config.json, and the head of every result.json."""
    from ser_keras.training import SELECTION

    return {
        "corpus": prepared.corpus,
        "data_key": prepared.metadata["key"],
        "emotions": list(prepared.emotions),
        "label_map": prepared.metadata["label_map"],
        "subset": prepared.metadata["subset"],
        "features": prepared.features,
        "protocol": arguments.protocol,
        "group_by": prepared.group_by,
        "selection": SELECTION,
        "variant": arguments.variant,
        "preset": arguments.preset,
        "settings": asdict(settings),
        "seed": arguments.seed,
    }


def train_fold(fold, prepared, settings, config, run_dir: Path) -> None:
    """Build, compile, fit and evaluate one fold; its result.json is written last."""
    import keras

    from data_pipeline.datasets import make_dataset, median_num_frames
    from data_pipeline.training_profile import training_profile
    from ser_keras.models import build_model, input_names
    from ser_keras.training import FoldDatasets, compile_model, fit_fold, save_model

    print(f"\nfold {fold.number}: test on {fold.held_out}; {counts_line(fold)}")
    keras.utils.set_random_seed(config["seed"] + fold.number)
    variant, emotions = config["variant"], prepared.emotions
    num_frames = median_num_frames(prepared, fold.train)

    def batches(utterance_ids, shuffle_seed=None):
        return make_dataset(
            prepared,
            utterance_ids,
            settings.batch_size,
            num_frames=num_frames,
            inputs=input_names(variant),
            shuffle_seed=shuffle_seed,
        )

    datasets = FoldDatasets(
        batches(fold.train, config["seed"]), batches(fold.validation), batches(fold.test)
    )
    n_mels = tuple(n_fft // 4 for n_fft in prepared.features["n_fft"])
    model = build_model(variant, settings, len(emotions), num_frames, n_mels)
    compile_model(model, variant, settings, len(emotions))
    directory = begin_fold(run_dir, fold.number)
    outcome = fit_fold(model, datasets, emotions, settings, directory, config)
    accuracies = {n: outcome["scores"][n] for n in ("weighted_accuracy", "unweighted_accuracy")}
    info = {
        **{n: config[n] for n in ("variant", "preset", "emotions", "features", "corpus")},
        "protocol": config["protocol"],
        "fold": fold.number,
        "num_frames": num_frames,
        "n_mels": n_mels,
        "inputs": input_names(variant),
        **accuracies,
        **outcome["calibrated"],
        "training_profile": training_profile(prepared, fold.train),
    }
    save_model(model, settings, info, directory / "model")
    details = {
        "held_out": fold.held_out,
        "num_frames": num_frames,
        "parameters": model.count_params(),
        "utterances": {n: len(getattr(fold, n)) for n in ("train", "validation", "test")},
    }
    rows = [row for row in prepared.utterances if row["utterance_id"] in set(fold.test)]
    result = finish_fold(run_dir, fold.number, config, outcome, rows, details)
    keras.backend.clear_session()
    print(
        f"fold {fold.number}: epoch {result['best_epoch']} of {result['last_epoch']} chosen on "
        f"validation; test WA {result['weighted_accuracy']:.1%}, "
        f"UA {result['unweighted_accuracy']:.1%} ({result['protocol']}, {fold.held_out})"
    )


def counts_line(fold) -> str:
    """How many utterances each part has."""
    return (
        f"{len(fold.train)} utterances to train, {len(fold.validation)} to validate, "
        f"{len(fold.test)} to test"
    )


def export(run_dir: Path, num_folds: int, directory: Path, anew: bool) -> None:
    """Export the fold that did best on its validation part, where that is not there already."""
    from ser_keras.export import export_saved_model, saved_versions
    from ser_keras.training import load_model

    if anew or not saved_versions(directory):
        model, info = load_model(best_validated_fold(run_dir, num_folds) / "model")
        print(f"\nexported: {export_saved_model(model, info, directory)}")


def demo_file(fold) -> Path:
    """An utterance of the demo whose speaker this fold never heard in training."""
    from data_pipeline.corpora import read_corpus

    utterances = read_corpus("demo", None).utterances
    return next(u.path for u in utterances if u.utterance_id == fold.test[0])


def print_next_steps(run_dir: Path, saved: Path, example: Path | None) -> None:
    """Predict one held-out file, where there is one, and say what to do next."""
    from ser_keras.predict import predict_files
    from ser_keras.predict_command import text_form
    from ser_keras.served_model import ServedModel

    if example:
        (answer,) = predict_files(ServedModel(saved), [example])
        print(text_form(answer))
    print(
        "next:\n"
        f"  python -m ser_keras predict --model {saved} FILE...   emotions of your files\n"
        f"  tensorboard --logdir {run_dir}   curves and confusion matrices\n"
        "  python -m data_pipeline prepare --help   train on your own corpus"
    )


def _fold_number(text: str) -> int | str:
    if text == ALL_FOLDS:
        return text
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"received {text!r}, expected a number from 0 or `all`")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"received {text!r}, expected a whole number from 1")
    return int(text)


def _batch_size(text: str) -> int:
    # With very few utterances a normalised gate is its beta, whatever the input (docs/fidelity.md).
    if _positive(text) < 8:
        raise argparse.ArgumentTypeError(f"received {text!r}, expected 8 or more")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1:
        raise argparse.ArgumentTypeError(f"received {text!r}, expected a number in (0, 1)")
    return rate


if __name__ == "__main__":
    sys.exit(main())
