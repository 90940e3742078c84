"""What each part of preset `recommended` is worth: left out by turns, on voices never heard.

    python -m benchmarks.voice_parts --emodb DIR --nemo DIR [--ravdess DIR --others-first]

Takes what `benchmarks.voices` prepared and its run of seed 0, the whole recipe; trains folds 0, 2
and 4 with one part left out, and prints both beside each other. With --others-first it also trains
on the other corpora first, and goes on from there (`--init`). Started again it goes on.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.voices import ONE_CORE, SPEEDS, folder_of, prepare, run

FOLDS = (0, 2, 4)
WITHOUT = {
    "no copies": (),
    "voices count fully": ("optimiser.voice_penalty=0",),
    "no linear head": ("network.functionals_weight=0",),
    "no units of the voice": ("input.profiles=false",),
    "nothing hidden or dropped": ("network.masked=0", "network.dropout=0"),
    "validation does not train": ("input.validation_trains=false",),
}
OTHERS_FIRST = "the others first"
# The linear head alone hears copies.
WITHOUT_COPIES = ("no copies", "no linear head")
NUMBERS = ("none", "20")
ACCURACIES = ("weighted_accuracy", "unweighted_accuracy")


def main(argv: Sequence[str] | None = None) -> int:
    """Train what is missing, print the table; 1 where a training failed."""
    arguments = parsed(argv)
    corpora = [c for c in ("emodb", "nemo", "ravdess") if getattr(arguments, c)]
    for corpus in corpora:
        prepare(corpus, arguments)
    tested = [c for c in ("emodb", "nemo") if c in corpora]
    jobs = [(c, part) for part in WITHOUT for c in tested]
    jobs += [(c, OTHERS_FIRST) for c in tested if arguments.others_first]
    with ThreadPoolExecutor(arguments.at_once) as threads:
        codes = list(threads.map(lambda job: finish(*job, arguments), jobs))
    for corpus in tested:
        print("\n".join(table(corpus, arguments)))
    return int(any(codes))


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for corpus in ("emodb", "nemo", "ravdess"):
        parser.add_argument(f"--{corpus}", type=Path, metavar="DIR", help=f"folder of {corpus}")
    parser.add_argument("--others-first", action="store_true", help="needs all three corpora")
    parser.add_argument("--build", type=Path, default=Path("build/voices"), metavar="DIR")
    parser.add_argument("--results", type=Path, default=Path("docs/results/voice_parts"))
    parser.add_argument("--at-once", type=int, default=2, metavar="N", help="default: 2")
    arguments = parser.parse_args(argv)
    if arguments.others_first and not (arguments.emodb and arguments.nemo and arguments.ravdess):
        parser.error("--others-first trains on the other corpora: give all three")
    return arguments


def run_of(corpus: str, part: str, build: Path) -> Path:
    """Folder of the run without a part."""
    return build / "runs" / f"{corpus}-{part.replace(' ', '_')}"


def finish(corpus: str, part: str, arguments: argparse.Namespace) -> int:
    """Train the folds that are missing of a run, pack it."""
    build, folder = arguments.build, run_of(corpus, part, arguments.build)
    if (arguments.results / folder.name / "run.json").exists():
        return 0
    log = build / "logs" / f"{folder.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    print(f"{folder.name}: begins, {log}", flush=True)
    with log.open("a") as file:
        for command in commands_of(corpus, part, build):
            if code := run(command, ONE_CORE, file):
                print(f"{folder.name}: failed, see {log}", flush=True)
                return code
    return run(["-m", "ser_keras", "pack", folder, "--out", arguments.results], {})


def commands_of(corpus: str, part: str, build: Path) -> Iterator[list]:
    """The trainings of a run, a command each."""
    whose: Sequence[str] = [corpus]
    own = ["--run-dir", run_of(corpus, part, build), "--seed", 0]
    if settings := WITHOUT.get(part, ()):
        own += ["--set", *settings]
    if part == OTHERS_FIRST:
        three = ("emodb", "nemo", "ravdess")
        first = build / "runs" / "corpus-unscaled"
        fold = three.index(corpus)
        before = ["--protocol", "corpus", "--seed", 0, "--run-dir", first, "--fold", fold]
        yield [*training(three, build), *before]
        own += ["--init", first / f"fold_{fold}"]
    for fold in FOLDS:
        yield [*training(whose, build, part not in WITHOUT_COPIES), *own, "--fold", fold]


def training(corpora: Sequence[str], build: Path, copies: bool = True) -> list:
    """The command that trains `recommended` on corpora."""
    data = [folder_of(corpus, 1.0, build) for corpus in corpora]
    command = ["train.py", "--preset", "recommended", "--data", *data]
    if copies:
        command += ["--copies", *(folder_of(c, speed, build) for c in corpora for speed in SPEEDS)]
    return command


def table(corpus: str, arguments: argparse.Namespace) -> Iterator[str]:
    """Rows for people: WA / UA of folds 0, 2, 4, without and with twenty recordings."""
    runs = arguments.build / "runs"
    whole = runs / f"{corpus}-recommended-seed0"
    yield f"| {corpus}, folds 0, 2, 4 | none | 20 recordings |"
    yield "|---|---|---|"
    for name, folder in {
        "the whole recipe": whole,
        **{p: run_of(corpus, p, arguments.build) for p in (*WITHOUT, OTHERS_FIRST)},
    }.items():
        results = [folder / f"fold_{fold}" / "result.json" for fold in FOLDS]
        if all(path.exists() for path in results):
            read = [json.loads(path.read_text()) for path in results]
            yield f"| {name} | " + " | ".join(cell(read, number) for number in NUMBERS) + " |"


def cell(results: Sequence[dict], number: str) -> str:
    """WA / UA, mean of the folds, told by so many recordings; a dash without profiles."""
    scores = [r if number == "none" else r.get("adapted", {}).get(number) for r in results]
    if not all(scores):
        return "-"
    means = (100 * np.mean([score[name] for score in scores]) for name in ACCURACIES)
    return " / ".join(f"{mean:.1f}" for mean in means)


if __name__ == "__main__":
    sys.exit(main())
