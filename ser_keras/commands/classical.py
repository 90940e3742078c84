"""`python -m ser_keras classical`: an SVM on openSMILE functionals, on the folds of `train.py`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from data_pipeline.command_line import seed
from data_pipeline.contract import FUNCTIONALS, PROTOCOLS
from ser_keras.settings import CLASSICAL, NORMALISED_BY, SVM_COSTS, SvmSettings

if TYPE_CHECKING:
    from data_pipeline.records.prepared import Prepared
    from ser_keras.runs.config import RunConfig

HELP = "train and test a linear SVM on openSMILE functionals, on the folds of train.py"
EXAMPLE = (
    "  python -m ser_keras classical --data build/emodb --root ~/corpora/emodb\n"
    "  python -m ser_keras classical --data build/emodb build/nemo --root ~/corpora/emodb "
    "~/corpora/nemo \\\n      --protocol corpus"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `classical`."""
    add = parser.add_argument
    add("--data", nargs="+", required=True, type=Path, metavar="DIR", help="prepared folders")
    add(
        "--root",
        nargs="+",
        default=[],
        type=Path,
        metavar="DIR_OR_CSV",
        help="where the corpus of each --data lies, in their order, as `prepare --root` was told: "
        "a prepared folder has no audio. Needed once; the functionals are then kept in the folder",
    )
    sizes = " or ".join(f"{size:,} of {name}" for name, size in FUNCTIONALS.items())
    add(
        "--features",
        choices=FUNCTIONALS,
        default=next(iter(FUNCTIONALS)),
        help=f"openSMILE's functionals: {sizes} (default: %(default)s); licensed for research only",
    )
    add(
        "--protocol",
        choices=PROTOCOLS,
        default=next(iter(PROTOCOLS)),
        help="the same folds as those of train.py with the same --seed (default: %(default)s)",
    )
    add(
        "--normalise",
        choices=NORMALISED_BY,
        default=NORMALISED_BY[0],
        help="functionals are standardised by the utterances that are trained on, or each corpus "
        "by itself: then the tested utterances take part, without their labels (default: "
        "%(default)s)",
    )
    add("--seed", type=seed, default=0, metavar="N", help="of the folds (default: %(default)s)")
    add("--run-dir", type=Path, metavar="DIR", help="default: runs/ and the settings' names")


def run(arguments: argparse.Namespace) -> int:
    """Train and test the SVM on every fold; the run folder is that of a trained network."""
    from data_pipeline.records.functional_store import load_functionals
    from data_pipeline.records.together import load_together
    from data_pipeline.splits.checking import check_folds
    from data_pipeline.splits.folds import assign_folds, folds_key
    from data_pipeline.splits.leakage import audit
    from data_pipeline.splits.wording import audit_in_words
    from ser_keras.runs.files import fold_dir
    from ser_keras.runs.folder import write_summary
    from ser_keras.runs.naming import run_folder
    from ser_keras.runs.opening import kept_apart, open_run, refuse_file, writing_into
    from ser_keras.training.svm import run_fold

    if arguments.run_dir:
        refuse_file(arguments.run_dir)
    if arguments.root and len(arguments.root) != len(arguments.data):
        arguments.usage_error(
            f"received {len(arguments.data)} --data and {len(arguments.root)} --root, expected a "
            "root for each, in the same order, or none where the functionals are kept"
        )
    prepared = load_together(arguments.data)
    folds = assign_folds(
        prepared.utterances,
        arguments.protocol,
        prepared.group_by,
        arguments.seed,
        source=prepared.folds_of,
        emotions=prepared.emotions,
    )
    check_folds(folds, prepared.utterances, trained_on=("train", "validation"))
    print(audit_in_words(audit(prepared.utterances, folds, arguments.protocol)))
    config = config_of(arguments, prepared, folds_key(folds))
    run_dir = arguments.run_dir or run_folder(config, Path("runs"))
    directories = [fold_dir(run_dir, fold.number) for fold in folds]
    open_run(run_dir, config)
    with writing_into(run_dir), kept_apart({run_dir: config}, directories):
        roots = dict(zip(arguments.data, arguments.root, strict=False))
        functionals = load_functionals(prepared, arguments.features, roots)
        for fold in folds:
            result = run_fold(fold, prepared.utterances, functionals, config, run_dir)
            print(
                f"fold {fold.number}: test WA {result['weighted_accuracy']:.1%}, "
                f"UA {result['unweighted_accuracy']:.1%} ({result['protocol']}, {fold.held_out})"
            )
        summary = write_summary(run_dir, len(folds))
    for name in ("weighted_accuracy", "unweighted_accuracy"):
        score = summary[name]
        print(
            f"{name}: {score['mean']:.1%} +- {score['sample_standard_deviation']:.1%} over "
            f"{len(folds)} folds, pooled {score['pooled']:.1%} (protocol {arguments.protocol})"
        )
    print(f"next: python -m ser_keras report {run_dir} ... --out build/report")
    return 0


def config_of(arguments: argparse.Namespace, prepared: "Prepared", key: str) -> "RunConfig":
    """The configuration of the run, with the same keys as that of a network."""
    from ser_keras.runs.config import RunConfig, recordings_key
    from ser_keras.training.svm import SELECTION

    return RunConfig(
        **prepared.identity | {"features": {"functionals": arguments.features}},
        protocol=arguments.protocol,
        selection=SELECTION,
        variant=f"svm_{arguments.features}",
        preset=CLASSICAL,
        settings=SvmSettings(cost=SVM_COSTS[arguments.features], normalised_by=arguments.normalise),
        seed=arguments.seed,
        folds_key=key,
        recordings_key=recordings_key(prepared.utterances),
    )
