"""The model that comes with the project, made again: ser_keras/shipped.

    python -m benchmarks.shipped --emodb DIR --nemo DIR --ravdess DIR [--seed N]

Trains the row `corpus` of `benchmarks.voices` where it is missing (its figures go into the model's
card), then the same recipe on every recording of the three corpora, and puts the export in the
place of the one in the package. Started again it goes on where it was stopped.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.voices import ROWS, SPEEDS, folder_of, run
from benchmarks.voices import main as train_rows
from ser_keras.graph.layout import SHIPPED, saved_versions

ROW = next(row for row in ROWS if row.name == "corpus")


def main(argv: Sequence[str] | None = None) -> int:
    """Train, export, put in place."""
    arguments = parsed(argv)
    build, seed = arguments.build, str(arguments.seed)
    options = ["--rows", ROW.name, "--systems", "recommended", "--seeds", seed]
    options += ["--build", str(build), "--results", str(arguments.results)]
    for corpus in ROW.corpora:
        options += [f"--{corpus}", str(getattr(arguments, corpus))]
    if code := train_rows(options):
        return code
    made = build / "shipped"
    for old in saved_versions(made).values():
        shutil.rmtree(old)
    command = ["-m", "ser_keras", "final", build / "runs" / f"{ROW.name}-recommended-seed{seed}"]
    command += ["--data", *(folder_of(corpus, 1.0, build) for corpus in ROW.corpora)]
    copies = [folder_of(corpus, speed, build) for corpus in ROW.corpora for speed in SPEEDS]
    if code := run([*command, "--copies", *copies, "--out", made], {}):
        return code
    (version,) = saved_versions(made).values()
    if SHIPPED.exists():
        shutil.rmtree(SHIPPED)
    shutil.copytree(version, SHIPPED / "1")
    print(f"{SHIPPED}: put in place, {size_of(SHIPPED) / 1e6:.1f} MB")
    return 0


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    for corpus in ROW.corpora:
        add(f"--{corpus}", type=Path, required=True, metavar="DIR", help=f"folder of {corpus}")
    add("--seed", type=int, default=0, metavar="N", help="default: 0")
    add("--build", type=Path, default=Path("build/voices"), metavar="DIR", help="%(default)s")
    add("--results", type=Path, default=Path("docs/results/voices"), metavar="DIR")
    return parser.parse_args(argv)


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
