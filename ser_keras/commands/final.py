"""`python -m ser_keras final`: the recipe of a run, trained on every recording, for use."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_pipeline.records.prepared import Prepared
    from data_pipeline.splits.fold import Fold
    from ser_keras.runs.config import RunConfig

HELP = "train the recipe of a finished run on every recording, and export it for use"
EXAMPLE = (
    "  python train.py --data build/mine --preset recommended\n"
    "  python -m ser_keras final runs/mine-dual_level-recommended-speaker-seed0 --data build/mine "
    "\\\n      --out saved_models/mine"
)
# One utterance in so many is not trained on where the recipe chooses its epoch.
HELD_BACK = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `final`."""
    parser.description = (
        "A run under a protocol says what a recipe is worth, and each of its models has not heard "
        "the voices of a fold. This trains the recipe once more on all of them. Nobody is left to "
        "test it: the figures, and when to say unsure, are those of the run."
    )
    add = parser.add_argument
    add("run_dir", type=Path, metavar="RUN", help="the run, with every fold tested")
    add("--data", nargs="+", required=True, type=Path, metavar="DIR", help="its prepared folders")
    add("--copies", nargs="+", default=[], type=Path, metavar="DIR", help="its copies")
    add(
        "--out",
        required=True,
        type=Path,
        metavar="DIR",
        help="folder of the model's versions; the training lies in DIR-run",
    )


def run(arguments: argparse.Namespace) -> int:
    """Train on everything, export."""
    from ser_keras.engine import use_engine

    use_engine()
    from data_pipeline.batches.copies import with_copies
    from data_pipeline.records.together import load_together
    from ser_keras.commands.export import export_fold
    from ser_keras.commands.folds import train_fold
    from ser_keras.runs.files import fold_dir
    from ser_keras.runs.folder import is_finished
    from ser_keras.runs.grid import Run
    from ser_keras.runs.opening import kept_apart, open_run, writing_into

    prepared = load_together(arguments.data)
    copied = with_copies(prepared, arguments.copies) if arguments.copies else None
    config, summary = recipe_of(arguments.run_dir)
    check_same(arguments.run_dir, config, prepared, copied.speeds if copied else ())
    fold = everything(prepared, config)
    directory = arguments.out.with_name(f"{arguments.out.name}-run")
    final = Run(directory, config, 1, [fold])
    with writing_into(directory):
        open_run(directory, config)
        with kept_apart({directory: config}, [fold_dir(directory, 0)]):
            if not is_finished(directory, 0):
                train_fold(final, fold, prepared, tested=False, copied=copied)
    version = export_fold(fold_dir(directory, 0), arguments.out, recipe=summary)
    print(f"exported: {version}\nnext: python -m ser_keras predict --model {arguments.out} FILE...")
    return 0


def recipe_of(run_dir: Path) -> tuple["RunConfig", dict[str, Any]]:
    """The configuration of a run as that of a training on everything, and what the run came to.

    Raises:
        SerError: there is no such run, or not every fold of it is tested.
    """
    from data_pipeline.contract import FINAL
    from ser_keras.errors import SerError
    from ser_keras.runs.config import RunConfig
    from ser_keras.runs.files import (
        CONFIG_NAME,
        PREDICTIONS_NAME,
        RESULT_NAME,
        SUMMARY_NAME,
        fold_dirs,
        read_json,
        read_predictions,
    )
    from ser_keras.scores.recipe import by_group, parts_of

    config = RunConfig.from_json(read_json(run_dir / CONFIG_NAME))
    summary = read_json(run_dir / SUMMARY_NAME)
    if not summary.get("tested", True) or summary["folds_finished"] != summary["folds_total"]:
        raise SerError(
            f"{run_dir}: not every fold is tested, expected a run whose figures stand: finish it "
            "with the command that began it, without --no-test"
        )
    folds = fold_dirs(run_dir)
    recipe = {
        "protocol": config.protocol,
        **summary,
        "parts": parts_of([read_json(fold / RESULT_NAME) for fold in folds]),
        "groups": by_group([read_predictions(fold / PREDICTIONS_NAME) for fold in folds]),
    }
    return replace(config, protocol=FINAL, folds_key=""), recipe


def check_same(
    run_dir: Path, config: "RunConfig", prepared: "Prepared", speeds: tuple[float, ...]
) -> None:
    """Refuse data that the run was not made on.

    Raises:
        SerError: the folders, or the speeds of the copies, are others.
    """
    from ser_keras.errors import SerError

    wanted = config.settings.input.speeds
    if config.data_key != prepared.key:
        raise SerError(
            f"{run_dir}: is a run on {config.corpus} as it was prepared then, received "
            f"{prepared.directory}; expected the same folders"
        )
    if tuple(wanted) != speeds:
        raise SerError(
            f"{run_dir}: was trained with copies at the speeds {list(wanted)}, received "
            f"{list(speeds)}; expected the same: give its --copies"
        )


def everything(prepared: "Prepared", config: "RunConfig") -> "Fold":
    """A fold that tests nobody; one utterance in HELD_BACK is its validation part."""
    import numpy as np

    from data_pipeline.splits.fold import Fold

    ids = [row.utterance_id for row in prepared.utterances]
    order = np.random.default_rng(config.seed).permutation(len(ids))
    held_back = set(order[: max(1, len(ids) // HELD_BACK)].tolist())
    return Fold(
        number=0,
        train=tuple(one for number, one in enumerate(ids) if number not in held_back),
        validation=tuple(one for number, one in enumerate(ids) if number in held_back),
        test=(),
        held_out="nobody",
    )
