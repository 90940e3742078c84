"""Whether training ever waits for its data: an epoch through tf.data beside the steps alone.

    python -m benchmarks.input_pipeline [--data DIR] [--json]

Both ways take the same batches of a prepared folder, in the same order, through the same training
step (dual_level, preset paper, batch 32). `epoch` gets them from the data set as training does: one
iterator over all epochs, examples in memory, put into batches beside the step. `steps` gets them
from a list made beforehand. Epochs of the two take turns; figures are medians.
`first_reading_seconds` is what comes before the first epoch: reading the records, resizing and
logarithm of all utterances.
"""

import argparse
import json
import os
import sys
import time
from itertools import islice
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported

import keras

from benchmarks.turns import WARM_UPS, medians, seconds_in_turns
from data_pipeline.batches.datasets import make_training_dataset, median_num_frames
from data_pipeline.records.prepared import load_prepared
from ser_keras.models.variants import build_model
from ser_keras.settings import PRESETS
from ser_keras.training.optimisation import compile_model

BATCH_SIZE = 32


def main(argv=None) -> int:
    """Run the benchmark and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("build/demo"),
        metavar="DIR",
        help="prepared folder (default: %(default)s, which train.py makes)",
    )
    parser.add_argument(
        "--rounds", type=int, default=5, metavar="N", help="epochs timed (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    arguments = parser.parse_args(argv)
    result = measure(arguments.data, arguments.rounds)
    print(json.dumps(result) if arguments.json else in_words(result))
    return 0


def measure(data: Path, rounds: int) -> dict:
    """Seconds of an epoch through the data set and of the same steps alone."""
    prepared = load_prepared(data)
    ids = [row.utterance_id for row in prepared.utterances]
    num_frames = median_num_frames(prepared, ids)

    def epochs(numbers: range):
        return make_training_dataset(
            prepared, ids, BATCH_SIZE, num_frames=num_frames, seed=0, epochs=numbers
        )

    turns = WARM_UPS + rounds
    started = time.perf_counter()
    kept = [list(epochs(range(number, number + 1))) for number in range(turns)]
    reading = (time.perf_counter() - started) / len(kept)
    step = _training_step(prepared, num_frames)

    coming = iter(epochs(range(turns)))
    alone = iter(kept)

    def run_through(batches):
        for batch in batches:
            step(*batch)

    seconds = medians(
        seconds_in_turns(
            {
                "epoch": lambda: run_through(islice(coming, len(kept[0]))),
                "steps": lambda: run_through(next(alone)),
            },
            rounds,
        )
    )
    return {
        "corpus": prepared.corpus,
        "utterances": len(ids),
        "batches": len(kept[0]),
        "epoch_seconds": seconds["epoch"],
        "steps_alone_seconds": seconds["steps"],
        "ratio_to_steps_alone": seconds["epoch"] / seconds["steps"],
        "first_reading_seconds": reading,
    }


def _training_step(prepared, num_frames):
    keras.utils.set_random_seed(0)
    settings, emotions = PRESETS["paper"], len(prepared.emotions)
    n_mels = prepared.features.n_mels
    model = build_model("dual_level", settings.network, emotions, num_frames, n_mels)
    compile_model(model, "dual_level", settings.optimiser, emotions)
    names = tuple(model.output)
    return lambda inputs, labels: model.train_on_batch(inputs, dict.fromkeys(names, labels))


def in_words(result: dict) -> str:
    """The figures in two lines."""
    return (
        f"{result['corpus']}, {result['utterances']} utterances, {result['batches']} batches of "
        f"{BATCH_SIZE}: an epoch takes {result['epoch_seconds']:.2f} s, its steps alone "
        f"{result['steps_alone_seconds']:.2f} s: {result['ratio_to_steps_alone']:.3f} times\n"
        f"reading, resizing and logarithm, once: {result['first_reading_seconds']:.2f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
