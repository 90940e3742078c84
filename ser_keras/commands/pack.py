"""`python -m ser_keras pack`: runs as a few text files each, which `report` reads."""

import argparse
from collections import Counter
from pathlib import Path

HELP = "write the results of runs as a few text files each, which `report` reads"
EXAMPLE = "  python -m ser_keras pack runs/emodb-* --out docs/results/emodb"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pack`."""
    parser.add_argument(
        "runs",
        nargs="+",
        type=Path,
        metavar="RUN",
        help="run folder of train.py or of `classical`, finished or not; it stays as it is",
    )
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="DIR",
        help="gets a folder of the run's name with run.json, predictions.csv and history.csv",
    )


def run(arguments: argparse.Namespace) -> int:
    """Pack each run, say where it is."""
    from ser_keras.runs.packed import pack_run

    names = [path.resolve().name for path in arguments.runs]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        arguments.usage_error(
            f"received several runs called {twice[0]}, expected different names: give each an "
            "--out of its own"
        )
    for path, name in zip(arguments.runs, names, strict=True):
        print(pack_run(path, arguments.out / name))
    return 0
