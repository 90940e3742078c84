"""Profiles from recordings of one emotion: do they make answers worse than none?

    python -m benchmarks.one_sided RUN --data DIR [DIR ...] [--json]

RUN is a finished run of preset `recommended`, whose models are kept. In each fold each tested voice
is told by eight of its recordings of one emotion, for each emotion, and by twenty as they come; its
other recordings are judged without a profile, by plain statistics of the set, and by the profile
that `adapt` makes. The labels choose the sets and score the answers; no profile sees them. WA, mean
of the folds, and how mixed the sets were found to be.
"""

import argparse
import json
import logging
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_pipeline.batches.datasets import make_dataset
from data_pipeline.contract import POSITION
from data_pipeline.records.prepared import Prepared
from data_pipeline.records.together import load_together
from data_pipeline.splits.folds import assign_folds
from ser_keras.models.linear_part import head_of
from ser_keras.models.variants import PROFILE
from ser_keras.runs.config import RunConfig
from ser_keras.runs.files import CONFIG_NAME, fold_dirs, number_of_fold, read_json
from ser_keras.training.model_files import load_model
from ser_keras.training.profiles import Recordings, measure_recordings
from ser_keras.voices.adapting import adapt
from ser_keras.voices.drawing import drawn_orders
from ser_keras.voices.statistics import profile_of

OF_ONE_EMOTION, MIXED = 8, 20
BATCH_SIZE = 32
KINDS = ("no profile", "plain statistics", "adapt")


def main(argv=None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--data", nargs="+", type=Path, required=True, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args(argv)
    # It warns of models that are traced again, as each fold's is.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    config = RunConfig.from_json(read_json(arguments.run / CONFIG_NAME))
    prepared = load_together(arguments.data)
    folds = assign_folds(
        prepared.utterances,
        config.protocol,
        prepared.group_by,
        config.seed,
        prepared.emotions,
        source=prepared.folds_of,
    )
    found: dict[str, list] = defaultdict(list)
    for directory in sorted(fold_dirs(arguments.run)):
        fold = folds[number_of_fold(directory)]
        for name, scores in scores_of_fold(directory, fold.test, prepared, config.seed).items():
            found[name].append(scores)
    means = {name: np.mean(scores, axis=0) for name, scores in found.items()}
    if arguments.json:
        rows = {
            name: dict(zip((*KINDS, "mixed"), m.tolist(), strict=True)) for name, m in means.items()
        }
        print(json.dumps(rows))
        return 0
    print(f"{'told by':24}" + "".join(f"{kind:>18}" for kind in (*KINDS, "mixed")))
    for name, mean in means.items():
        print(f"{name:24}" + "".join(f"{value:18.3f}" for value in mean))
    return 0


def scores_of_fold(
    directory: Path, tested_ids: tuple[str, ...], prepared: Prepared, seed: int
) -> dict[str, list[float]]:
    """For each kind of set: WA without a profile, by plain statistics and adapted; mixedness."""
    model, info = load_model(directory / "model")
    batches = make_dataset(
        prepared,
        tested_ids,
        BATCH_SIZE,
        num_frames=info.num_frames,
        inputs=(*info.inputs, POSITION),
    )
    tested = measure_recordings(model, batches, [row.speaker for row in prepared.utterances])
    head = head_of(model)
    standard = head.standard(tested.functionals)
    found: dict[str, list[float]] = {}
    for name, sets in sets_of(tested, info.emotions, seed):
        profiles = np.zeros((3, len(standard), 2, standard.shape[1]), np.float32)
        judged, mixed = np.zeros(len(standard), bool), []
        for told_by, others in sets:
            adapted = adapt(head, standard[told_by])
            profiles[1, others] = profile_of(standard[told_by])
            profiles[2, others] = adapted.profile
            judged[others] = True
            mixed.append(adapted.mixed)
        if mixed:
            right = [_right(model, batches, tested, kind) for kind in profiles]
            found[name] = [*(float(r[judged].mean()) for r in right), float(np.mean(mixed))]
    return found


def sets_of(
    tested: Recordings, emotions: tuple[str, ...], seed: int
) -> Iterator[tuple[str, list[tuple[np.ndarray, np.ndarray]]]]:
    """Name of a kind -> (rows that tell of a voice, its other rows), for each voice with both."""
    orders = drawn_orders(tested.voices, tested.positions, seed)
    for label, emotion in enumerate(emotions):
        alike = [(order, order[tested.labels[order] == label][:OF_ONE_EMOTION]) for order in orders]
        sets = [(chosen, np.setdiff1d(order, chosen)) for order, chosen in alike if len(chosen) > 1]
        yield f"{OF_ONE_EMOTION} {emotion}", sets
    yield f"{MIXED} mixed", [(o[:MIXED], o[MIXED:]) for o in orders if len(o) > MIXED]


def _right(model, batches, tested: Recordings, profiles: np.ndarray) -> np.ndarray:
    """Which recordings are named rightly (num_recordings,)."""
    row_of = {int(position): row for row, position in enumerate(tested.positions)}
    right = np.zeros(len(profiles), bool)
    for inputs, labels in batches:
        inputs = dict(inputs)
        rows = [row_of[int(position)] for position in inputs.pop(POSITION).numpy()]
        inputs[PROFILE] = profiles[rows]
        right[rows] = model.predict_on_batch(inputs)["logits"].argmax(axis=1) == labels.numpy()
    return right


if __name__ == "__main__":
    raise SystemExit(main())
