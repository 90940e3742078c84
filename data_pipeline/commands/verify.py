"""`python -m data_pipeline verify`: read a prepared folder through and check every record."""

import argparse
from pathlib import Path

HELP = "read a prepared folder through and check every record"
EXAMPLE = """\
  python -m data_pipeline verify build/emodb
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="what `prepare --out` made")


def run(arguments: argparse.Namespace) -> int:
    """Check checksums and every record; the exit code."""
    from data_pipeline.records.prepared import load_prepared
    from data_pipeline.records.verifying import verify

    count = verify(load_prepared(arguments.folder))
    print(f"{arguments.folder}: {count} records, all as the metadata says")
    return 0
