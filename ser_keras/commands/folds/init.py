"""`train.py --init`: the model to begin with, whether it fits, and what it has heard before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_pipeline.names import visible
from data_pipeline.records.prepared import Prepared
from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.fold import UNHEARD, Fold
from ser_keras.commands.evaluation import check_features
from ser_keras.commands.export import find_fold
from ser_keras.commands.train_options import TrainingOrder
from ser_keras.errors import SerError
from ser_keras.heard import RECORDING, UNKNOWN, VOICE, look_up
from ser_keras.settings import Settings, as_text
from ser_keras.training.initialising import heads_for
from ser_keras.training.trained import TrainedModel, is_trained, open_trained

# Recordings and voices that a message names.
MOST_NAMED = 5


@dataclass(frozen=True)
class Start:
    """What a training begins with.

    Attributes:
        trained: the model.
        heads, statistics: "kept" or "new".
    """

    trained: TrainedModel
    heads: str
    statistics: str

    @property
    def config(self) -> dict[str, str]:
        """What the configuration of the run says of it."""
        return {
            "model": self.trained.name,
            "weights_sha256": self.trained.weights_sha256,
            "heads": self.heads,
            "statistics": self.statistics,
        }

    def settings(self, asked: Settings) -> Settings:
        """The settings that are asked for, with the network of the model."""
        return replace(asked, network=self.trained.settings.network)


def start_of(path: Path, order: TrainingOrder, prepared: Prepared) -> Start:
    """Open the model of `--init`, check that this training can go on from it, and say so.

    Raises:
        SerError: there is no model, it is another variant, its network settings are not those
            that are asked for, or its features are others.
    """
    trained = open_trained(path if is_trained(path) else find_fold(path, None))
    if order.variants != (trained.info.variant,):
        raise SerError(
            f"{path}: is a {trained.info.variant}, received --variant {' '.join(order.variants)}, "
            f"expected the same: give --variant {trained.info.variant}"
        )
    check_features(trained, prepared)
    _check_network(path, trained.settings, order)
    start = Start(trained, heads_for(prepared.emotions, trained), order.init_statistics)
    print(
        f"begins with {trained.name}: heads {start.heads}, statistics {start.statistics}, "
        "network settings and length of the spectrograms as there"
    )
    return start


def _check_network(path: Path, settings: Settings, order: TrainingOrder) -> None:
    known = settings.by_name()
    differing = [
        f"{name} is {as_text(known[name])} there, {as_text(order.settings.by_name()[name])} here"
        for name in order.network_given
        if order.settings.by_name()[name] != known[name]
    ]
    if differing:
        raise SerError(
            f"{path}: its network is another one ({'; '.join(differing)}), expected the same: "
            "leave these settings out, those of the model are taken"
        )


def heard_by_init(
    start: Start, fold: Fold, prepared: Prepared
) -> tuple[dict[str, int] | None, list[str]]:
    """What the model of `--init` has heard of the test part of a fold.

    Returns:
        How many recordings it was trained on and of how many it has heard the voice, None where it
        does not know; and some of these by name.
    """
    if start.trained.heard is None:
        return None, []
    tested = set(fold.test)
    kinds = look_up(prepared.utterances, prepared.corpus, start.trained.heard)
    pairs = zip(prepared.utterances, kinds, strict=True)
    found = [(row, kind) for row, kind in pairs if row.utterance_id in tested]
    kinds = [kind for _, kind in found]
    if UNKNOWN in kinds:
        return None, []
    counts = {"recordings": kinds.count(RECORDING), "voices": kinds.count(VOICE)}
    return counts, _named(found)


def _named(pairs: Sequence[tuple[UtteranceRow, str]]) -> list[str]:
    recordings = [row.utterance_id for row, kind in pairs if kind == RECORDING]
    voices = dict.fromkeys(f"the voice {row.speaker}" for row, kind in pairs if kind == VOICE)
    names = [visible(name) for name in (*recordings, *voices)]
    return names[:MOST_NAMED] + (["..."] if len(names) > MOST_NAMED else [])


def check_heard(start: Start, folds: Sequence[Fold], protocol: str, prepared: Prepared) -> None:
    """Say what the model has heard of the test parts; refuse it where the protocol forbids it.

    Raises:
        SerError: under `speaker` and `corpus`, it was trained on a recording or voice that is
            tested.
    """
    if start.trained.heard is None:
        print(
            f"--init {start.trained.name}: does not know what it was trained on, so nobody can say "
            "whether it has heard the test parts: take these figures for what they are"
        )
        return
    for fold in folds:
        counts, named = heard_by_init(start, fold, prepared)
        if not counts or not any(counts.values()):
            continue
        heard = (
            f"--init {start.trained.name}: was trained on {counts['recordings']} recordings of the "
            f"test part of fold {fold.number} and on other recordings by the voices of "
            f"{counts['voices']} more ({', '.join(named)})"
        )
        if protocol in UNHEARD:
            raise SerError(
                f"{heard}, expected none under the protocol {protocol}: take a model that was not "
                "trained on them, or protocol random"
            )
        print(heard)
