"""`python -m ser_keras report`: what runs scored, how sure that is, and what it is worth."""

import argparse
from pathlib import Path

HELP = "write report.md and report.html about one or more runs"
EXAMPLE = "  python -m ser_keras report runs/emodb-* --out build/report"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `report`."""
    parser.add_argument(
        "runs",
        nargs="+",
        type=Path,
        metavar="RUN",
        help="run folder of train.py or of `classical`, finished or not, or a run that `pack` put "
        "together; all of one corpus, label map and subset. Each protocol gets tables of its own",
    )
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="DIR",
        help="folder for report.html (one file that holds everything), report.md and its pictures",
    )


def run(arguments: argparse.Namespace) -> int:
    """Read the runs, write the report, say where it is."""
    from ser_keras.report.page import write_report
    from ser_keras.report.reading import read_runs
    from ser_keras.report.sections import make_report

    for path in write_report(make_report(read_runs(arguments.runs)), arguments.out):
        print(path)
    return 0
