"""How fast preparation is, against the bare library calls it cannot do without.

    python -m benchmarks.prepare            a table
    python -m benchmarks.prepare --json     one JSON object

Three ways through the same files, one after the other in every round, each in a fresh process
that starts the same number of workers:

- bare: `soundfile.read`, one openSMILE object a process,
  `librosa.feature.melspectrogram` twice; the results are dropped. Files are handed out in chunks,
  as in preparation, and matrix products take one thread, which is the fastest for this work.
- opensmile, tensorflow: `prepare(mfcc=...)` as the command line runs it: checksums of the files,
  decoding, checks, features, compression, records and metadata.

Every way runs on a small and on a large corpus, which holds the same recordings several times
under other ids. Its speed is the audio that the large one has more, over the time that it takes
longer: importing libraries and starting workers is in both and falls out, for bare as for ours (it
is given as `startup_seconds`, and depends on the machine and not on the corpus). Peak memory is
the resident memory of the process and its workers together, sampled while they run, so pages that
they share count several times. The `cpu` ratios compare processor time instead of wall time: other
work on the machine disturbs them less, but they tell nothing of how well the cores are used.
Speeds are medians over the rounds, ratios medians of the ratios within a round.
"""

import argparse
import dataclasses
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import librosa
import soundfile
from threadpoolctl import threadpool_limits

from benchmarks.memory import rss_bytes_of_tree
from data_pipeline.audio.waveform import SAMPLE_RATE
from data_pipeline.corpora.catalogue import read_corpus
from data_pipeline.corpora.corpus import Corpus
from data_pipeline.features.mfcc import opensmile_extractor
from data_pipeline.records.extracting import CHUNK_SIZE
from data_pipeline.records.preparing import prepare

N_FFT = (256, 512)
WAYS = ("bare", "opensmile", "tensorflow")
SAMPLING_SECONDS = 0.05


@dataclasses.dataclass(frozen=True)
class Run:
    """One way through one corpus: wall time, processor time, and peak resident bytes."""

    seconds: float
    cpu_seconds: float
    peak_memory: int


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and prints it."""
    arguments = parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    corpus = benchmark_corpus()
    result = measure(corpus, arguments.minutes, arguments.rounds, arguments.workers)
    print(json.dumps(result) if arguments.json else table(result))
    return 0


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; argparse exits with 2 where it is used wrongly."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.prepare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--json", action="store_true", help="print one JSON object instead of the table")
    add(
        "--minutes",
        type=float,
        nargs=2,
        default=(5.0, 45.0),
        metavar=("SMALL", "LARGE"),
        help="audio of the small and the large corpus (default: 5 45); the nearer they are, the "
        "more the figures are those of chance",
    )
    add("--rounds", type=int, default=3, help="times that every way is run (default: 3)")
    add(
        "--workers",
        type=int,
        default=os.cpu_count() or 1,
        help="worker processes of every way (default: one a core)",
    )
    return parser.parse_args(argv)


def benchmark_corpus() -> Corpus:
    """EmoDB where SER_EMODB_ROOT tells its folder, else the demo corpus."""
    root = os.environ.get("SER_EMODB_ROOT")
    return read_corpus("emodb", root) if root else read_corpus("demo", None)


def measure(
    corpus: Corpus, minutes: tuple[float, float], rounds: int, workers: int
) -> dict[str, object]:
    """All ways, interleaved; returns what `--json` prints."""
    small, large = (repeated(corpus, 60 * part) for part in minutes)
    seconds = [audio_seconds(small), audio_seconds(large)]
    runs: dict[str, list[list[Run]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            runs[way].append([run(way, part, workers) for part in (small, large)])
    speeds = {way: [_speed(pair, seconds) for pair in runs[way]] for way in WAYS}
    costs = {way: [_cpu_cost(pair, seconds) for pair in runs[way]] for way in WAYS}
    return {
        "corpus": corpus.name,
        "workers": workers,
        "rounds": rounds,
        "audio_seconds": [round(value, 1) for value in seconds],
        "times_real_time": round(median(speeds["opensmile"]), 1),
        "bare_times_real_time": round(median(speeds["bare"]), 1),
        "tensorflow_times_real_time": round(median(speeds["tensorflow"]), 1),
        "ratio_to_bare": _ratio(speeds["opensmile"], speeds["bare"]),
        "tensorflow_ratio_to_opensmile": _ratio(speeds["tensorflow"], speeds["opensmile"]),
        "cpu_ratio_to_bare": _ratio(costs["bare"], costs["opensmile"]),
        "tensorflow_cpu_ratio_to_opensmile": _ratio(costs["opensmile"], costs["tensorflow"]),
        "startup_seconds": {
            way: round(median(_startup(pair, seconds) for pair in runs[way]), 1) for way in WAYS
        },
        "peak_memory_mb": {way: _peaks(runs[way]) for way in WAYS},
    }


def repeated(corpus: Corpus, seconds: float) -> Corpus:
    """The corpus over and over, under ids of its own each time, until there is enough audio."""
    rows, found, copy = [], 0.0, 0
    while found < seconds:
        for utterance in corpus.utterances:
            found += soundfile.info(utterance.path).duration
            name = f"{utterance.utterance_id}-{copy}"
            rows.append(dataclasses.replace(utterance, utterance_id=name))
            if found >= seconds:
                break
        copy += 1
    return dataclasses.replace(corpus, utterances=tuple(rows))


def audio_seconds(corpus: Corpus) -> float:
    """Length of all recordings together."""
    return sum(soundfile.info(utterance.path).duration for utterance in corpus.utterances)


def run(way: str, corpus: Corpus, workers: int) -> Run:
    """Run one way in a process of its own and watches its memory."""
    started, cpu_started = time.monotonic(), _children_cpu_seconds()
    process = get_context("spawn").Process(target=run_in_this_process, args=(way, corpus, workers))
    process.start()
    peak = 0
    while process.is_alive():
        peak = max(peak, rss_bytes_of_tree(process.pid))
        process.join(SAMPLING_SECONDS)
    if process.exitcode:
        raise RuntimeError(f"the {way} run ended with exit code {process.exitcode}; see above")
    return Run(time.monotonic() - started, _children_cpu_seconds() - cpu_started, peak)


def _children_cpu_seconds() -> float:
    """Processor time of everything that was started from here and has ended."""
    times = os.times()
    return times.children_user + times.children_system


def run_in_this_process(way: str, corpus: Corpus, workers: int) -> None:
    """What `run` gives to its process."""
    if way == "bare":
        _run_bare([utterance.path for utterance in corpus.utterances], workers)
        return
    with tempfile.TemporaryDirectory() as out:
        prepare(corpus, out, mfcc=way, n_fft=N_FFT, workers=workers, show_progress=False)


def _run_bare(paths: Sequence[Path], workers: int) -> None:
    pool = ProcessPoolExecutor(workers, get_context("spawn"), threadpool_limits, (1,))
    with pool:
        for _ in pool.map(_bare_calls, paths, chunksize=CHUNK_SIZE):
            pass


def _bare_calls(path: Path) -> None:
    """The library calls without which no features come about."""
    waveform, _ = soundfile.read(path, dtype="float32")  # both corpora are 16 kHz, mono
    opensmile_extractor()(waveform, SAMPLE_RATE)
    for n_fft in N_FFT:
        librosa.feature.melspectrogram(
            y=waveform, sr=SAMPLE_RATE, n_fft=n_fft, hop_length=n_fft // 2, n_mels=n_fft // 4
        )


def _speed(pair: Sequence[Run], seconds: Sequence[float]) -> float:
    """Seconds of audio in a second, without what both runs spend on starting."""
    small, large = pair
    return (seconds[1] - seconds[0]) / (large.seconds - small.seconds)


def _cpu_cost(pair: Sequence[Run], seconds: Sequence[float]) -> float:
    """Processor seconds a second of audio takes, without what both runs spend on starting."""
    small, large = pair
    return (large.cpu_seconds - small.cpu_seconds) / (seconds[1] - seconds[0])


def _startup(pair: Sequence[Run], seconds: Sequence[float]) -> float:
    """Seconds that no audio accounts for."""
    return pair[0].seconds - seconds[0] / _speed(pair, seconds)


def _ratio(ours: Sequence[float], others: Sequence[float]) -> float:
    return round(median(a / b for a, b in zip(ours, others, strict=True)), 3)


def _peaks(pairs: Sequence[Sequence[Run]]) -> list[int]:
    """Median peak memory with the small and with the large corpus, in MB."""
    by_size = zip(*pairs, strict=True)
    return [round(median(run.peak_memory for run in runs) / 1e6) for runs in by_size]


def table(result: dict[str, object]) -> str:
    """The same for reading."""
    lines = [
        f"{result['corpus']}, {result['workers']} workers, medians of {result['rounds']} rounds",
        f"{'':12}{'x real time':>12}{'start-up s':>12}{'peak MB: small':>16}{'large corpus':>14}",
    ]
    speeds = {
        "bare": result["bare_times_real_time"],
        "opensmile": result["times_real_time"],
        "tensorflow": result["tensorflow_times_real_time"],
    }
    for way, speed in speeds.items():
        small, large = result["peak_memory_mb"][way]
        startup = result["startup_seconds"][way]
        lines.append(f"{way:12}{speed:>12}{startup:>12}{small:>16}{large:>14}")
    for words, name in (("", ""), ("by processor time, ", "cpu_")):
        lines += [
            f"{words}ratio to bare: {result[f'{name}ratio_to_bare']}",
            f"{words}tensorflow to opensmile: {result[f'tensorflow_{name}ratio_to_opensmile']}",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
