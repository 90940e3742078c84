"""Voices never heard: preset `recommended` and the SVM on every corpus at hand, with profiles.

    python -m benchmarks.voices --emodb DIR --nemo DIR --ravdess DIR --emobox DIR [--seeds 0 1 2]

Prepares each corpus at three speeds, trains every row of the table of docs/results.md, fold by
fold, and packs each finished run into --results. Started again it goes on: finished folds are kept.
Two rows are trained at a time, on a core each. --list says what is there and what is missing.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

SPEEDS = (0.88, 1.14)
RAVDESS_SPEAKER = r"(\d\d)\.wav$"
ONE_CORE = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


@dataclass(frozen=True)
class Row:
    """A row of the table: corpora, the protocol, and what is set beside the preset."""

    name: str
    corpora: tuple[str, ...]
    protocol: str
    settings: tuple[str, ...] = ()


ROWS = (
    Row("nemo", ("nemo",), "speaker"),
    Row("emodb", ("emodb",), "speaker"),
    Row("ravdess", ("ravdess",), "speaker"),
    Row("ravdess8", ("ravdess8",), "given"),
    # What others recorded says nothing by its level.
    Row("corpus", ("emodb", "nemo", "ravdess"), "corpus", ("network.scaled=true",)),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Prepare, train, pack; 1 where a row failed."""
    arguments = parsed(argv)
    jobs = list(jobs_of(arguments))
    if arguments.list:
        for name, command in jobs:
            done = (arguments.results / name / "run.json").exists()
            print(f"{'packed ' if done else 'missing'} {name}: {' '.join(command[2:])}")
        return 0
    for corpus in sorted({c for row in rows_of(arguments) for c in row.corpora}):
        prepare(corpus, arguments)
    with ThreadPoolExecutor(arguments.at_once) as threads:
        codes = list(threads.map(lambda job: finish(*job, arguments), jobs))
    return int(any(codes))


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    for corpus in ("emodb", "nemo", "ravdess"):
        add(f"--{corpus}", type=Path, metavar="DIR", help=f"folder of {corpus}")
    add("--emobox", type=Path, metavar="DIR", help="EmoBox's data/ravdess, for its folds")
    add("--rows", nargs="+", choices=[row.name for row in ROWS], default=[r.name for r in ROWS])
    add("--seeds", type=int, nargs="+", default=[0], metavar="N", help="default: 0")
    add("--systems", nargs="+", choices=("svm", "recommended"), default=["svm", "recommended"])
    add("--build", type=Path, default=Path("build/voices"), metavar="DIR", help="%(default)s")
    add("--results", type=Path, default=Path("docs/results/voices"), metavar="DIR")
    add("--at-once", type=int, default=2, metavar="N", help="rows at a time (default: 2)")
    add("--list", action="store_true", help="say what is packed, and the commands")
    return parser.parse_args(argv)


def rows_of(arguments: argparse.Namespace) -> list[Row]:
    """The rows that are asked for."""
    return [row for row in ROWS if row.name in arguments.rows]


def prepare(corpus: str, arguments: argparse.Namespace) -> None:
    """Make the prepared folders of a corpus, at every speed; what is there is kept."""
    common = ["--mfcc", "tensorflow"]
    if corpus == "ravdess8":
        own = ["--corpus", "emobox", "--root", arguments.emobox, "--audio", arguments.ravdess]
        own += ["--speaker", RAVDESS_SPEAKER, "--emotions", "all", "--name", "ravdess"]
    else:
        own = ["--corpus", corpus, "--root", getattr(arguments, corpus)]
    for speed in (1.0, *SPEEDS):
        out = folder_of(corpus, speed, arguments.build)
        command = [*own, *common, "--out", out, "--speed", speed]
        run(["-m", "data_pipeline", "prepare", *command], {})


def folder_of(corpus: str, speed: float, build: Path) -> Path:
    """Where a corpus at a speed is prepared."""
    return build / (corpus if speed == 1 else f"{corpus}-{speed:g}")


def jobs_of(arguments: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """(name of the run, its command): seed by seed, the SVM first."""
    build = arguments.build
    roots = {name: getattr(arguments, name) for name in ("emodb", "nemo", "ravdess")}
    roots["ravdess8"] = arguments.emobox
    for seed in arguments.seeds:
        for system in arguments.systems:
            for row in rows_of(arguments):
                data = [folder_of(corpus, 1.0, build) for corpus in row.corpora]
                name = f"{row.name}-{system}-seed{seed}"
                how = [
                    "--protocol",
                    row.protocol,
                    "--seed",
                    seed,
                    "--run-dir",
                    build / "runs" / name,
                ]
                if system == "svm":
                    own = [roots[corpus] for corpus in row.corpora]
                    command = ["-m", "ser_keras", "classical", "--data", *data, "--root", *own]
                else:
                    copies = [folder_of(c, speed, build) for c in row.corpora for speed in SPEEDS]
                    command = ["train.py", "--data", *data, "--copies", *copies]
                    command += ["--preset", "recommended", "--export", build / "models" / name]
                    command += ["--set", *row.settings] if row.settings else []
                yield name, [*map(str, (*command, *how))]


def finish(name: str, command: list[str], arguments: argparse.Namespace) -> int:
    """Train what is missing of a run, and pack it; what is packed whole is passed over."""
    if (arguments.results / name / "run.json").exists():
        print(f"{name}: packed before")
        return 0
    log = arguments.build / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    print(f"{name}: begins, {log}", flush=True)
    with log.open("a") as file:
        code = run(command, ONE_CORE, file)
    if code:
        print(f"{name}: failed, see {log}", flush=True)
        return code
    folder = arguments.build / "runs" / name
    packed = run(["-m", "ser_keras", "pack", folder, "--out", arguments.results], {})
    print(f"{name}: packed", flush=True)
    return packed


def run(command: Sequence, variables: dict[str, str], log=None) -> int:
    """Run Python with these arguments and variables; its exit code."""
    environment = {**os.environ, **variables}
    output = subprocess.STDOUT if log else None
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        env=environment,
        stdout=log,
        stderr=output,
        check=False,
    )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
