"""A rehearsal with up to a million utterances: what does each step cost before training?

    python -m benchmarks.million [--sizes 10000 100000 1000000] [--json]

The utterances are made up: tiny recordings (hard links to a few files), features of some frames,
three corpora, a speaker for every hundred utterances, as many sentences as that, and folds. They
go through `prepare` itself, with an extractor that makes the same features for all of them. Every
step is then measured in a process of its own: seconds without imports, and the peak memory of the
process. "Nothing to do" is `prepare` once more. The growth is seconds at the largest size by
seconds at the one before, as a share of what is linear: above 1, it costs more than that.

A million takes some ten minutes; --folder is removed at the end.
"""

import argparse
import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.memory import peak_rss_bytes

SIZES = (10_000, 100_000, 1_000_000)
EMOTIONS = ("angry", "happy", "neutral", "sad")
CORPORA = ("alpha", "beta", "gamma")
# Utterances a speaker, and files in a folder; different files there are.
OF_A_SPEAKER, IN_A_FOLDER, NUM_FILES = 100, 1000, 64
BATCH_SIZE = 32
SEED = 0


def main(argv=None) -> int:
    """Run the rehearsal and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="default: 10k 100k 1M")
    add("--folder", type=Path, default=Path("build/million"), metavar="DIR", help="%(default)s")
    add("--json", action="store_true", help="one JSON object instead of a table")
    add("--step", choices=STEPS, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.step:
        print(json.dumps(measured(arguments.step, arguments.folder, arguments.sizes[0])))
        return 0
    result = {size: rehearse(arguments.folder, size) for size in sorted(arguments.sizes)}
    print(json.dumps(result) if arguments.json else in_words(result))
    return 0


def rehearse(folder: Path, size: int) -> dict:
    """Seconds and peak memory of each step at a size, each in a process of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    make_files(folder, size)
    command = [sys.executable, "-m", "benchmarks.million", "--folder", folder, "--sizes", str(size)]
    steps = {}
    for step in STEPS:
        done = subprocess.run(
            [*command, "--step", step], check=True, stdout=subprocess.PIPE, text=True
        )
        steps[step] = json.loads(done.stdout.splitlines()[-1])
        print(f"{size:>9,} {step:32} {steps[step]}", file=sys.stderr)
    shutil.rmtree(folder)
    return steps


def measured(step: str, folder: Path, size: int) -> dict:
    """Do a step; its seconds, and the peak memory of this process in GB."""
    work = STEPS[step](folder, size)
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    return {"seconds": round(seconds, 2), "gigabytes": round(peak_rss_bytes() / 1e9, 2)}


# --- What is made up ---


def make_files(folder: Path, size: int) -> None:
    """A file for each utterance: hard links to a few, which the system looks at one by one."""
    originals = folder / "originals"
    originals.mkdir(parents=True)
    for number in range(NUM_FILES):
        (originals / str(number)).write_bytes(b"made up" * (number + 1))
    for index in tqdm(range(size), desc="files", unit="file", disable=None):
        path = path_of(folder, index)
        if index % IN_A_FOLDER == 0:
            path.parent.mkdir(parents=True)
        # A file has so many names at most, so that some are copies.
        original = originals / str(index % NUM_FILES)
        if index // NUM_FILES % 30_000 == 29_999:
            shutil.copy(original, path)
            os.replace(path, original)
        os.link(original, path)


def path_of(folder: Path, index: int) -> Path:
    """The file of an utterance."""
    return folder / "audio" / str(index // IN_A_FOLDER) / f"{index}.wav"


def made_up_corpus(folder: Path, size: int):
    """The corpus: everything drawn from the number of the utterance."""
    from data_pipeline.corpora.corpus import Corpus, Utterance

    rng = np.random.default_rng(SEED)
    emotions = rng.integers(len(EMOTIONS), size=size)
    utterances = []
    for index in range(size):
        speaker = index // OF_A_SPEAKER
        corpus = CORPORA[speaker % len(CORPORA)]
        utterances.append(
            Utterance(
                utterance_id=f"{corpus}/{index:07d}",
                path=path_of(folder, index),
                emotion=EMOTIONS[emotions[index]],
                speaker=f"{corpus}/{speaker:05d}",
                text=f"sentence {index % max(size // OF_A_SPEAKER, 1)}",
                corpus=corpus,
                fold=str(speaker % 5 + 1),
                sex=("female", "male")[speaker % 2],
            )
        )
    return Corpus(
        name="manifest",
        emotions=EMOTIONS,
        label_map={emotion: emotion for emotion in EMOTIONS},
        utterances=tuple(utterances),
        left_out={},
        group_by="speaker",
    )


def made_up_outcomes(utterances, n_fft, workers, speed):
    """Features of a few frames, the same for all, as an extractor gives them."""
    from data_pipeline.records.codec import pack_features
    from data_pipeline.records.extracting import Extracted

    narrow, wide = n_fft
    features = pack_features(np.zeros((3, 39)), np.ones((4, narrow // 4)), np.ones((2, wide // 4)))
    for utterance in utterances:
        sum_of_samples = hashlib.sha256(utterance.utterance_id.encode()).hexdigest()
        yield Extracted(utterance, 16_000, sum_of_samples, features)


# --- The steps: what is not measured, and then a function that is ---


def preparing(folder: Path, size: int):
    """`prepare`, for the first time or again."""
    from data_pipeline.records import preparing

    preparing.EXTRACTORS = {"opensmile": made_up_outcomes}
    corpus = made_up_corpus(folder, size)
    return functools.partial(
        preparing.prepare, corpus, folder / "prepared", workers=2, show_progress=False
    )


def opening(folder: Path, size: int):
    """`load_prepared`, and its rows."""
    from data_pipeline.records.prepared import load_prepared

    return lambda: len(load_prepared(folder / "prepared").utterances)


def describing(folder: Path, size: int):
    """`describe`: all protocols with their audits."""
    from data_pipeline.records.describing import describe
    from data_pipeline.records.prepared import load_prepared

    return lambda: describe(load_prepared(folder / "prepared"))


def dividing(folder: Path, size: int, *, protocol: str):
    """The folds of a protocol."""
    from data_pipeline.splits.folds import assign_folds

    rows = opened(folder).utterances
    return lambda: assign_folds(rows, protocol, "speaker", SEED, emotions=EMOTIONS)


def auditing(folder: Path, size: int, *, protocol: str):
    """The audit of these folds."""
    from data_pipeline.splits.folds import assign_folds
    from data_pipeline.splits.leakage import audit

    rows = opened(folder).utterances
    folds = assign_folds(rows, protocol, "speaker", SEED, emotions=EMOTIONS)
    return lambda: audit(rows, folds, protocol)


def batching(folder: Path, size: int):
    """The first training batch of a fold; a million do not fit into the memory that is kept."""
    from data_pipeline.batches import datasets
    from data_pipeline.splits.folds import assign_folds

    prepared = opened(folder)
    fold = assign_folds(prepared.utterances, "speaker", "speaker", SEED, emotions=EMOTIONS)[0]

    def first_batch():
        frames = datasets.median_num_frames(prepared, fold.train)
        batches = datasets.make_training_dataset(
            prepared, fold.train, BATCH_SIZE, num_frames=frames, seed=SEED, epochs=range(2)
        )
        next(iter(batches))

    return first_batch


def opened(folder: Path):
    """The prepared folder, its rows read."""
    from data_pipeline.records.prepared import load_prepared

    prepared = load_prepared(folder / "prepared")
    len(prepared.utterances)
    return prepared


def _steps() -> dict:
    from data_pipeline.contract import PROTOCOLS

    by_protocol = {}
    for protocol in PROTOCOLS:
        by_protocol[f"folds, {protocol}"] = functools.partial(dividing, protocol=protocol)
        by_protocol[f"audit, {protocol}"] = functools.partial(auditing, protocol=protocol)
    return {
        "prepare, everything": preparing,
        "prepare, nothing to do": preparing,
        "open": opening,
        **by_protocol,
        "describe": describing,
        "first training batch": batching,
    }


STEPS = _steps()


def in_words(result: dict) -> str:
    """A table: seconds and peak memory by step and size, and how it grows."""
    sizes = sorted(result)
    head = "".join(f"{size:>22,}" for size in sizes)
    lines = [f"{'seconds, peak GB':32}{head}{'growth':>10}"]
    for step in STEPS:
        found = [result[size][step] for size in sizes]
        cells = "".join(f"{one['seconds']:>14.2f}{one['gigabytes']:>8.2f}" for one in found)
        growth = ""
        if len(sizes) > 1 and found[-2]["seconds"]:
            linear = found[-2]["seconds"] * sizes[-1] / sizes[-2]
            growth = f"{found[-1]['seconds'] / linear:>10.2f}"
        lines.append(f"{step:32}{cells}{growth}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
