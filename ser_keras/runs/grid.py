"""Many runs in one command: the order of their folds, the time left, one table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.command_line import ALL
from data_pipeline.splits.fold import Fold
from ser_keras.errors import SerError
from ser_keras.runs.config import RunConfig
from ser_keras.runs.contents import is_tested
from ser_keras.runs.folder import finished_results, is_finished, write_summary
from ser_keras.scores.accuracies import METRIC_NAMES


@dataclass(frozen=True)
class Run:
    """One variant under one protocol with one seed.

    Attributes:
        directory: the run folder.
        config: the resolved configuration.
        num_folds: folds of the protocol on this corpus.
        folds: those of them that are asked for.
    """

    directory: Path
    config: RunConfig
    num_folds: int
    folds: Sequence[Fold]

    @property
    def name(self) -> str:
        """Of the folder, also where it is called `.` or `..`."""
        return self.directory.resolve().name


Job = tuple[Run, Fold]


def choose_folds(folds: Sequence[Fold], wanted: int | str) -> Sequence[Fold]:
    """The folds that --fold names: all of them, or the one with that number."""
    if isinstance(wanted, str):
        return folds
    if wanted >= len(folds):
        raise SerError(
            f"received --fold {wanted}, expected 0 to {len(folds) - 1} or `{ALL}`: this protocol "
            f"has {len(folds)} folds on this corpus"
        )
    return [folds[wanted]]


def jobs_in_order(runs: Sequence[Run]) -> list[Job]:
    """(run, fold) in the order of training: a fold of every system, then the next fold.

    Protocols and seeds stay in the order of the runs. So the table fills evenly, and the time left
    is known as soon as each system has trained once.
    """
    order = list(dict.fromkeys(_table_of(run) for run in runs))
    jobs = [(run, fold) for run in runs for fold in run.folds]
    return sorted(jobs, key=lambda job: (order.index(_table_of(job[0])), job[1].number))


def _table_of(run: Run) -> tuple[str, int]:
    return run.config.protocol, run.config.seed


def unfinished(jobs: Sequence[Job]) -> list[Job]:
    """Those that are still to be trained."""
    return [job for job in jobs if not is_finished(job[0].directory, job[1].number)]


def seconds_left(runs: Sequence[Run], jobs: Sequence[Job]) -> float:
    """Estimate of the training time of these jobs from the finished folds of these runs.

    A fold is taken to last as long as the finished folds of the same variant did on average, or,
    where there is none, as long as those of all variants. At least one must be finished.
    """
    seconds: dict[str, list[float]] = {}
    for run in runs:
        for result in finished_results(run.directory, run.num_folds):
            fold_seconds = result["seconds_per_epoch"] * result["last_epoch"]
            seconds.setdefault(run.config.variant, []).append(fold_seconds)
    every = [value for values in seconds.values() for value in values]
    of_variant = {variant: sum(values) / len(values) for variant, values in seconds.items()}
    usual = sum(every) / len(every)
    return sum(of_variant.get(run.config.variant, usual) for run, _ in jobs)


def duration(seconds: float) -> str:
    """A duration as people say it: "3 h 05 min", "12 min", "40 s"."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{round(seconds)} s"
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


# --- One table ---


def summary_table(runs: Sequence[Run]) -> str:
    """The runs side by side: means over folds, and what a choice on the test part would claim."""
    summaries = {run.name: write_summary(run.directory, run.num_folds) for run in runs}
    width = max(map(len, summaries))
    head = f"{'':{width}}     folds      WA      UA   best epoch on test:     WA      UA"
    rows = (_table_row(name, summary, width) for name, summary in summaries.items())
    return "\n".join([head, *rows])


def _table_row(name: str, summary: Mapping, width: int) -> str:
    folds = f"{summary['folds_finished']} of {summary['folds_total']}"
    if not is_tested(summary):
        return (
            f"{name:{width}}{folds:>10}{_cells(summary['validation'])}  on validation, not tested"
        )
    claimed = _cells(summary["optimistic"]) if summary["optimistic"] else ""
    return f"{name:{width}}{folds:>10}{_cells(summary)}{'':21}{claimed}".rstrip()


def _cells(scores: Mapping) -> str:
    return "".join(f"{scores[name]['mean']:8.1%}" for name in METRIC_NAMES)
