"""Many runs in one command: their names, the order of their folds, the time left, one table."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.command_line import ALL
from ser_keras.errors import SerError
from ser_keras.scores.accuracies import METRIC_NAMES
from ser_keras.settings import PRESETS
from ser_keras.runs.folder import finished_results, is_finished, write_summary


@dataclass(frozen=True)
class Run:
    """One variant under one protocol with one seed.

    Attributes:
        directory: The run folder.
        config: The resolved configuration, as config.json holds it.
        num_folds: Folds of the protocol on this corpus.
        folds: Those of them that are asked for.
    """

    directory: Path
    config: Mapping
    num_folds: int
    folds: Sequence


def run_name(config: Mapping) -> str:
    """A name that tells runs apart by what people compare."""
    gate_norm = config["settings"]["gate_norm"]
    usual = PRESETS[config["preset"]].gate_norm
    parts = [config[name] for name in ("corpus", "variant", "preset", "protocol")]
    parts += [f"seed{config['seed']}"] + [gate_norm] * (gate_norm != usual)
    return "-".join(parts)


def jobs_in_order(runs: Sequence[Run]) -> list[tuple]:
    """(run, fold) in the order of training: a fold of every system, then the next fold.

    Protocols and seeds stay in the order of the runs. So the table fills evenly, and the time left
    is known as soon as each system has trained once.
    """
    order = list(dict.fromkeys(_table_of(run) for run in runs))
    jobs = [(run, fold) for run in runs for fold in run.folds]
    return sorted(jobs, key=lambda job: (order.index(_table_of(job[0])), job[1].number))


def _table_of(run: Run) -> tuple:
    return run.config["protocol"], run.config["seed"]


def seconds_left(runs: Sequence[Run], jobs: Sequence[tuple]) -> float:
    """Estimate of the training time of these jobs from the finished folds of these runs.

    A fold is taken to last as long as the finished folds of the same variant did on average, or,
    where there is none, as long as those of all variants. At least one must be finished.
    """
    seconds: dict[str, list[float]] = {}
    for run in runs:
        for result in finished_results(run.directory, run.num_folds):
            fold_seconds = result["seconds_per_epoch"] * result["last_epoch"]
            seconds.setdefault(run.config["variant"], []).append(fold_seconds)
    every = [value for values in seconds.values() for value in values]
    of_variant = {variant: sum(values) / len(values) for variant, values in seconds.items()}
    usual = sum(every) / len(every)
    return sum(of_variant.get(run.config["variant"], usual) for run, _ in jobs)


def duration(seconds: float) -> str:
    """A duration as people say it: "3 h 05 min", "12 min", "40 s"."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{round(seconds)} s"
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def summary_table(runs: Sequence[Run]) -> str:
    """The runs side by side: means over folds, and what a choice on the test part would claim."""
    width = max(len(run.directory.name) for run in runs)
    head = f"{'':{width}}     folds      WA      UA   best epoch on test:     WA      UA"
    return "\n".join([head, *(_table_row(run, width) for run in runs)])


def _table_row(run: Run, width: int) -> str:
    summary = write_summary(run.directory, run.num_folds)
    folds = f"{summary['folds_finished']} of {summary['folds_total']}"
    honest, claimed = (
        "".join(f"{part[name]['mean']:8.1%}" for name in METRIC_NAMES)
        for part in (summary, summary["optimistic"])
    )
    return f"{run.directory.name:{width}}{folds:>10}{honest}{'':21}{claimed}"


def missing(jobs) -> list[tuple]:
    """The (run, fold) that are not finished yet."""
    return [job for job in jobs if not is_finished(job[0].directory, job[1].number)]


def usable_cores() -> int:
    """Processors that this process may use, as `taskset` leaves them where the system has it."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose_folds(folds, wanted):
    """The folds that --fold names."""
    if wanted == ALL:
        return folds
    if wanted >= len(folds):
        raise SerError(
            f"received --fold {wanted}, expected 0 to {len(folds) - 1} or `all`: this protocol "
            f"has {len(folds)} folds on this corpus"
        )
    return [folds[wanted]]
