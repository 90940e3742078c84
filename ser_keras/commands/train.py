"""Train the systems of Table 1, fold by fold, and export one: the story, from top to bottom.

A run (one variant, protocol and seed) has a folder of its own. Started again, the same command goes
on where it was stopped: finished folds are kept, and settings never mix (docs/training.md).
"""

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from data_pipeline.command_line import run_command
from ser_keras.commands.folds.inputs import load_copies, load_data, open_start
from ser_keras.commands.train_options import TrainingOrder, add_arguments, order_of
from ser_keras.engine import use_engine
from ser_keras.settings import as_text

if TYPE_CHECKING:  # the types of what is imported when it is needed: help shall not wait for it
    from data_pipeline.batches.copies import WithCopies
    from data_pipeline.records.prepared import Prepared
    from ser_keras.commands.folds.init import Start
    from ser_keras.runs.config import RunConfig
    from ser_keras.runs.grid import Job, Run

HELP = "train the systems of Table 1, fold by fold, and export one"
EXAMPLE = """\
  python train.py --fold 0                                     the demo corpus, one fold
  python train.py --data build/emodb                           every fold of a prepared corpus
  python train.py --data build/iemocap --protocol random --preset authors
  python train.py --data build/emodb build/nemo --protocol corpus    train on one, test on the other
  python train.py --data build/emodb --variant all --protocol all    Table 1, both protocols
  python train.py --data build/mine --set network.units=64 optimiser.learning_rate=3e-4 --no-test
"""
__all__ = ["EXAMPLE", "HELP", "add_arguments", "main", "run"]

# Each training leaves about 0.1 GB behind: TensorFlow does not free the graph of a fitted LSTM.
TRAININGS_A_PROCESS = 20


def main(argv: Sequence[str] | None = None) -> int:
    """Run `python train.py`; the exit code."""
    return run_command("python train.py", sys.modules[__name__], argv)


def run(arguments: argparse.Namespace) -> int:
    """Load the data, train the folds that are missing, sum up, export a single run."""
    order = order_of(arguments)
    use_engine()
    arguments.when_stopped = ": finished epochs are kept; the same command goes on"
    # It warns of models that are traced again, as each fold's is for batches of other lengths.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    print_settings(order)
    check_run_dir(order)
    prepared = load_data(order)
    copied = load_copies(order, prepared)
    start = open_start(order, prepared)
    runs = plan_runs(order, prepared, start, copied)
    print_audits(runs, prepared, start)
    saved = place_of_export(runs[0], order) if len(runs) == 1 else None
    with opened(runs):
        trained = train_missing(runs, prepared, order.tested, start, copied)
        if saved:
            finish_run(runs[0], order, saved, anew=trained)
        else:
            print_table(runs)
    return 0


# --- What is to be trained ---


def print_settings(order: TrainingOrder) -> None:
    """Say what is trained with."""
    settings = (f"{name}={as_text(value)}" for name, value in order.settings.by_name().items())
    print(f"preset {order.preset}: {', '.join(settings)}")


def check_run_dir(order: TrainingOrder) -> None:
    """Refuse a --run-dir that no run can be in, before any work."""
    from ser_keras.runs.opening import refuse_file

    if order.run_dir:
        refuse_file(order.run_dir)


def plan_runs(
    order: TrainingOrder,
    prepared: "Prepared",
    start: "Start | None" = None,
    copied: "WithCopies | None" = None,
) -> list["Run"]:
    """Every protocol with every seed and every variant, each in its folder.

    Where training begins with another model, the network is that of the model.
    """
    from data_pipeline.splits.checking import check_folds
    from data_pipeline.splits.folds import assign_folds, folds_key
    from ser_keras.runs.config import RunConfig, recordings_key
    from ser_keras.runs.grid import Run, choose_folds
    from ser_keras.training.callbacks.best_epoch import LAST, SELECTION

    settings = start.settings(order.settings) if start else order.settings
    if copied:
        settings = settings.with_values({"input.speeds": copied.speeds})
    runs, recordings = [], recordings_key(prepared.utterances)
    for protocol in order.protocols:
        for seed in order.seeds:
            folds = assign_folds(
                prepared.utterances,
                protocol,
                prepared.group_by,
                seed,
                emotions=prepared.emotions,
                source=prepared.folds_of,
            )
            chosen = choose_folds(folds, order.fold)
            check_folds(chosen, prepared.utterances)
            for variant in order.variants:
                config = RunConfig(
                    **prepared.identity,
                    protocol=protocol,
                    selection=LAST if settings.optimiser.last_epoch else SELECTION,
                    variant=variant,
                    preset=order.preset,
                    settings=settings,
                    seed=seed,
                    folds_key=folds_key(folds),
                    recordings_key=recordings,
                    init=start.config if start else None,
                )
                runs.append(Run(folder_of(order, config), config, len(folds), chosen))
    return runs


def folder_of(order: TrainingOrder, config: "RunConfig") -> Path:
    """Where a run goes: what --run-dir names is the folder of a single run, or holds several."""
    from ser_keras.runs.naming import run_folder

    if order.run_dir and order.num_runs == 1:
        return order.run_dir
    return run_folder(config, order.run_dir or Path("runs"))


def print_audits(runs: Sequence["Run"], prepared: "Prepared", start: "Start | None" = None) -> None:
    """Say what the parts of the folds share; voices on both sides end it under `speaker`."""
    from data_pipeline.splits.leakage import audit
    from data_pipeline.splits.wording import audit_in_words

    run_of = {(run.config.protocol, run.config.seed): run for run in runs}
    more = ("validation",) if runs[0].config.settings.input.validation_trains else ()
    found = {
        (protocol, seed): audit(prepared.utterances, run.folds, protocol)
        for (protocol, seed), run in run_of.items()
    }
    for protocol, seed in found:
        if seed == runs[0].config.seed:  # other seeds draw other folds, which share as much
            print(
                f"\nprotocol {protocol}: {audit_in_words(found[protocol, seed], ('train', *more))}"
            )
    if start:
        from ser_keras.commands.folds.init import check_heard

        for (protocol, _), run in run_of.items():
            check_heard(start, run.folds, protocol, prepared)


def place_of_export(run: "Run", order: TrainingOrder) -> Path:
    """Where the run's model goes; what cannot be its place is refused before it is trained."""
    from ser_keras.errors import SerError
    from ser_keras.export.place import check_export_place, export_place
    from ser_keras.runs.opening import is_in_the_way

    if not (order.export or run.name):
        raise SerError(
            f"{run.directory}: has no name that the model could get; say where it goes: --export "
            "DIR"
        )
    saved = order.export or export_place(run.name, run.config, run.directory)
    if is_in_the_way(saved, run.directory):
        raise SerError(
            f"{saved}: is in the way of the run in {run.directory}; give another --export"
        )
    check_export_place(saved, run.config, run.directory)
    return saved


@contextmanager
def opened(runs: Sequence["Run"]) -> Iterator[None]:
    """Begin the folders of the runs, or go on with them, and keep other processes out of them.

    Those of other settings are refused, and those with something that training did not write.
    """
    from ser_keras.runs.files import fold_dir
    from ser_keras.runs.opening import kept_apart, open_run, writing_into

    folds = [fold_dir(run.directory, fold.number) for run in runs for fold in run.folds]
    with ExitStack() as stack:
        for run in runs:
            stack.enter_context(writing_into(run.directory))
        for run in runs:
            open_run(run.directory, run.config)
        stack.enter_context(kept_apart({run.directory: run.config for run in runs}, folds))
        yield


# --- Training ---


def train_missing(
    runs: Sequence["Run"],
    prepared: "Prepared",
    tested: bool,
    start: "Start | None" = None,
    copied: "WithCopies | None" = None,
) -> bool:
    """Train, or only test, each fold that is not finished; whether any was not."""
    from ser_keras.commands.folds.work import test_fold, train_fold
    from ser_keras.runs.files import fold_dir
    from ser_keras.runs.folder import is_finished
    from ser_keras.runs.grid import jobs_in_order, unfinished

    jobs = jobs_in_order(runs)
    anew, trained = False, 0
    for position, (run, fold) in enumerate(jobs, start=1):
        if is_finished(run.directory, fold.number, tested):
            print(f"{fold_dir(run.directory, fold.number)}: finished before, kept")
            continue
        anew = True
        if is_finished(run.directory, fold.number):
            test_fold(run, fold, prepared)
        else:
            if trained == TRAININGS_A_PROCESS:
                start_again()
            print(f"\n{run.name}, {position} of {len(jobs)} trainings")
            train_fold(run, fold, prepared, tested, start, copied)
            trained += 1
            print_time_left(runs, unfinished(jobs))
    return anew


def start_again() -> None:
    """Replace this process by a fresh one with the same command, which goes on."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def print_time_left(runs: Sequence["Run"], jobs: Sequence["Job"]) -> None:
    """Say how many trainings are left, and for about how long."""
    from ser_keras.runs.grid import duration, seconds_left

    if jobs:
        print(f"left to train: {len(jobs)}, about {duration(seconds_left(runs, jobs))}")


# --- The end ---


def print_table(runs: Sequence["Run"]) -> None:
    """Sum up several runs."""
    from ser_keras.runs.grid import summary_table

    print(f"\n{runs[0].directory.parent}:\n{summary_table(runs)}")


def finish_run(run: "Run", order: TrainingOrder, saved: Path, anew: bool) -> None:
    """Sum up a single run, export it where that is not done yet, and say what to do next."""
    from ser_keras.runs.folder import best_validated_fold, summary_in_words, write_summary

    summary = write_summary(run.directory, run.num_folds)
    print(f"\n{run.directory}: {summary_in_words(summary)}")
    best = best_validated_fold(run.directory, run.num_folds)
    export(best, saved, anew)
    if not order.data and order.tested:
        from ser_keras.commands.demo_answer import print_answer

        print_answer(saved, best)
    print(
        "next:\n"
        f"  python -m ser_keras predict --model {saved} FILE...   emotions of your files\n"
        f"  tensorboard --logdir {run.directory}   curves and confusion matrices\n"
        "  python -m data_pipeline prepare --help   train on your own corpus"
    )


def export(fold: Path, directory: Path, anew: bool) -> None:
    """Export the model of a fold, where it is new or there is none yet."""
    from ser_keras.commands.export import export_fold
    from ser_keras.graph.layout import saved_versions

    if anew or not saved_versions(directory):
        print(f"\nexported: {export_fold(fold, directory)}")
