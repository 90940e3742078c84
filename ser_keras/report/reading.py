"""The runs of a report: read, checked against each other, and named."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from data_pipeline.contract import EVALUATION, PROTOCOLS
from data_pipeline.errors import shown
from ser_keras.errors import SerError
from ser_keras.report.paper_table import TITLES
from ser_keras.report.recordings import other_recordings
from ser_keras.report.reported_run import ReportedRun, flat_settings
from ser_keras.runs.contents import COMMON, is_tested, read_run_folder
from ser_keras.runs.packed import is_packed, read_packed_run


def read_runs(directories: Sequence[Path]) -> list[ReportedRun]:
    """Read runs, each once, in the order of the paper's table and then as named.

    Args:
        directories: run folders as training writes them, or packed ones.

    Raises:
        SerError: a folder without a finished fold, files that contradict each other, an unknown
            protocol, or runs of different corpora, label maps or subsets.
    """
    unique = {Path(directory).resolve(): Path(directory) for directory in directories}
    runs = [_read_run(directory) for directory in unique.values()]
    for first, other in combinations(runs, 2):
        _check_comparable(first, other)
    order = list(TITLES)
    runs.sort(key=lambda run: order.index(run.variant) if run.variant in order else len(order))
    return _with_titles(runs)


def _read_run(directory: Path) -> ReportedRun:
    read = read_packed_run if is_packed(directory) else read_run_folder
    contents = read(directory)
    run = ReportedRun(
        directory=directory,
        results=tuple(result for result in contents.results if is_tested(result)),
        untested=tuple(result for result in contents.results if not is_tested(result)),
        predictions=tuple(contents.predictions.values()),
        histories=contents.histories,
        num_folds=contents.num_folds,
    )
    if run.protocol not in (*PROTOCOLS, EVALUATION):
        raise SerError(
            f"{directory}: received a run of the protocol {run.protocol}, expected "
            f"{' or '.join(PROTOCOLS)}: make the report with the version that trained it"
        )
    return run


def _check_comparable(first: ReportedRun, other: ReportedRun) -> None:
    for name in COMMON:
        here, there = first.identity[name], other.identity[name]
        if here != there:
            raise SerError(
                f"received runs that cannot stand in one table: {name} is {here} in "
                f"{first.directory} and {there} in {other.directory}, expected the same: make a "
                "report for each"
            )
    if fact := other_recordings(first, other):
        raise SerError(
            f"received runs that cannot stand in one table: {fact} in {first.directory} and "
            f"{other.directory}, expected the same recordings: make a report for each"
        )


def _with_titles(runs: Sequence[ReportedRun]) -> list[ReportedRun]:
    """The runs by name; a further one of the same system and protocol says what differs."""
    first_of: dict[tuple[str, str], ReportedRun] = {}
    named: list[ReportedRun] = []
    taken: set[tuple[str, str]] = set()
    for run in runs:
        first = first_of.setdefault((run.variant, run.protocol), run)
        plain, own = (flat_settings(r.identity) for r in (first, run))
        differing = [name for name in own if own[name] != plain.get(name)]
        details = [f"{name.split('.')[-1]} {own[name]}" for name in differing]
        title = ", ".join([TITLES.get(run.variant, run.variant), *details])
        if (title, run.protocol) in taken:
            title = f"{title}, {shown(run.directory)}"
        taken.add((title, run.protocol))
        named.append(replace(run, title=title))
    return named
