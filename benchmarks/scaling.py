"""A rehearsal at the size of IEMOCAP: is the cost linear in the number of utterances?

    python -m benchmarks.scaling [--sizes 500 1500 5531] [--json]

For each size the first utterances of a rehearsal corpus (`benchmarks.rehearsal`) are prepared by
`python -m data_pipeline prepare` and one epoch of one fold is trained on them by `train.py`
(dual_level, preset paper, batch 32, protocol random, with its validation and test), each in a
process of its own. Reported are wall time, peak memory of the process and all below it (sampled),
and bytes on disk; and for each cost the straight line through the sizes: cost per utterance, and
by how much the largest size lies off the line from the two smaller ones. Takes about ten minutes
and 4 GB on disk, under --folder.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.memory import rss_bytes_of_tree
from benchmarks.rehearsal import first_rows, make_rehearsal_corpus

SIZES = (500, 1500, 5531)
SAMPLING_SECONDS = 0.1
COSTS = ("prepare_seconds", "epoch_seconds", "prepared_bytes")


def main(argv=None) -> int:
    """Run the benchmark and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="default: 500 1500 5531")
    add(
        "--folder",
        type=Path,
        default=Path("build/scaling"),
        metavar="DIR",
        help="gets the corpus, which is kept, and what is made of it (default: %(default)s)",
    )
    add("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args(argv)
    listing = make_rehearsal_corpus(arguments.folder / "corpus", max(arguments.sizes))
    rows = [measure(listing, size, arguments.folder) for size in sorted(arguments.sizes)]
    result = {"sizes": rows, "lines": {cost: line(rows, cost) for cost in COSTS}}
    print(json.dumps(result) if arguments.json else in_words(result))
    return 0


def measure(listing: Path, size: int, folder: Path) -> dict:
    """Prepare and trains the first `size` utterances anew."""
    prepared, runs = folder / f"prepared_{size}", folder / f"runs_{size}"
    for stale in (prepared, runs):
        shutil.rmtree(stale, ignore_errors=True)
    root = str(first_rows(listing, size))
    prepare = ["-m", "data_pipeline", "prepare", "--corpus", "manifest", "--root", root]
    prepare_seconds, prepare_memory = watched([*prepare, "--out", str(prepared)])
    train = ["train.py", "--data", str(prepared), "--run-dir", str(runs / "run"), "--fold", "0"]
    train += ["--protocol", "random", "--batch-size", "32", "--epochs", "1"]
    train_seconds, train_memory = watched([*train, "--export", str(runs / "export")])
    (result,) = (json.loads(path.read_text()) for path in runs.glob("*/fold_0/result.json"))
    return {
        "utterances": size,
        "hours_of_audio": _hours(prepared),
        "prepare_seconds": prepare_seconds,
        "prepare_peak_memory_bytes": prepare_memory,
        "prepared_bytes": sum(f.stat().st_size for f in prepared.iterdir() if f.is_file()),
        "train_utterances": result["utterances"]["train"],
        "epoch_seconds": result["seconds_per_epoch"],
        "train_command_seconds": train_seconds,
        "train_peak_memory_bytes": train_memory,
    }


def watched(arguments: list[str]) -> tuple[float, int]:
    """Run a Python command; its wall time and peak memory.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    started, peak = time.monotonic(), 0
    process = subprocess.Popen([sys.executable, *arguments], stdout=sys.stderr)
    while process.poll() is None:
        peak = max(peak, rss_bytes_of_tree(process.pid))
        time.sleep(SAMPLING_SECONDS)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, arguments)
    return time.monotonic() - started, peak


def _hours(prepared: Path) -> float:
    rows = json.loads((prepared / "metadata.json").read_text())["utterances"]
    return sum(row["duration_seconds"] for row in rows) / 3600


def line(rows: list[dict], cost: str) -> dict:
    """The least-squares line of a cost over the utterances, and how straight it is.

    Returns:
        per_utterance (the slope), at_start, and, with three sizes or more, largest_over_line: what
        the largest size costs over what the line through the other sizes foretells.
    """
    sizes, costs = np.array([[row["utterances"], row[cost]] for row in rows], float).T
    slope, start = np.polyfit(sizes, costs, 1) if len(rows) > 1 else (costs[0] / sizes[0], 0.0)
    fitted = {"per_utterance": float(slope), "at_start": float(start)}
    if len(rows) > 2:
        foretold = np.polyval(np.polyfit(sizes[:-1], costs[:-1], 1), sizes[-1])
        fitted["largest_over_line"] = float(costs[-1] / foretold)
    return fitted


def in_words(result: dict) -> str:
    """The figures as a table."""
    lines = ["utterances   hours  prepare s  peak MB  on disk MB  epoch s  peak MB"]
    for row in result["sizes"]:
        lines.append(
            f"{row['utterances']:10} {row['hours_of_audio']:7.2f} {row['prepare_seconds']:10.1f}"
            f" {row['prepare_peak_memory_bytes'] / 1e6:8.0f} {row['prepared_bytes'] / 1e6:11.0f}"
            f" {row['epoch_seconds']:8.1f} {row['train_peak_memory_bytes'] / 1e6:8.0f}"
        )
    for cost, fitted in result["lines"].items():
        off = fitted.get("largest_over_line")
        straight = "" if off is None else f"; the largest size takes {off:.2f} of the line's"
        lines.append(f"{cost}: {fitted['per_utterance']:.4g} an utterance{straight}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
