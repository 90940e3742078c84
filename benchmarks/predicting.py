"""How fast `predict` answers a folder of recordings, with importing and loading beside it.

    python -m benchmarks.predicting --model saved_models/ser recordings/ [--json]

The first pass includes what TensorFlow prepares at the first batch; the second does not.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and print it."""
    arguments = parsed(argv)
    figures = measure(arguments.model, arguments.paths)
    print(json.dumps(figures) if arguments.json else in_words(figures))
    return 0


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE", help="recordings, folders")
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="an export")
    parser.add_argument("--json", action="store_true", help="figures for programs")
    return parser.parse_args(argv)


def measure(model_dir: Path, paths: Sequence[Path]) -> dict[str, float]:
    """Seconds of each stage, and how many seconds of speech the passes answer in one."""
    started = time.perf_counter()
    from data_pipeline.audio.reading import load_recording
    from data_pipeline.audio.waveform import SAMPLE_RATE
    from ser_keras.predict.files import predict_files
    from ser_keras.predict.searching import search
    from ser_keras.predict.served_model import ServedModel

    imported = time.perf_counter()
    model = ServedModel(model_dir)
    loaded = time.perf_counter()
    files, _ = search(paths)
    passes = []
    for _ in range(2):
        began = time.perf_counter()
        answers = list(predict_files(model, files))
        passes.append(time.perf_counter() - began)
    if bad := [answer for answer in answers if answer.error]:
        raise SystemExit(f"{len(bad)} of {len(files)} files have no answer: {bad[0].error}")
    speech = sum(len(load_recording(path).waveform) for path in files) / SAMPLE_RATE
    return {
        "files": len(files),
        "seconds_of_speech": speech,
        "importing_seconds": imported - started,
        "loading_seconds": loaded - imported,
        "first_pass_seconds": passes[0],
        "second_pass_seconds": passes[1],
        "times_real_time": speech / passes[0],
        "times_real_time_warm": speech / passes[1],
    }


def in_words(figures: dict[str, float]) -> str:
    """The figures as people read them."""
    return (
        "{files} files, {seconds_of_speech:.0f} s of speech: importing {importing_seconds:.1f} s, "
        "loading {loading_seconds:.1f} s;\nanswers in {first_pass_seconds:.2f} s, "
        "{times_real_time:.0f} times real time; again in {second_pass_seconds:.2f} s, "
        "{times_real_time_warm:.0f} times"
    ).format(**figures)


if __name__ == "__main__":
    sys.exit(main())
