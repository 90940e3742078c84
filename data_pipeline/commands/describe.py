"""`python -m data_pipeline describe`: show what a prepared folder holds and how it splits."""

import argparse
from pathlib import Path

HELP = "show what a prepared folder holds and how it splits"
EXAMPLE = """\
  python -m data_pipeline describe build/emodb
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="what `prepare --out` made")


def run(arguments: argparse.Namespace) -> int:
    """Print counts, durations, folds and what they share; the exit code."""
    from data_pipeline.records.describing import check_usable, describe
    from data_pipeline.records.prepared import load_prepared

    prepared = load_prepared(arguments.folder)
    print(describe(prepared))
    check_usable(prepared)
    return 0
