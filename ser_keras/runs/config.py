"""Everything that decides the numbers of a run: `config.json`, and the head of every result."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from data_pipeline.rows import UtteranceRow
from ser_keras.errors import SerError
from ser_keras.settings import CLASSICAL, Settings, SvmSettings

S = TypeVar("S", Settings, SvmSettings)
# What follows from the rest and was not always written: it makes no two runs different.
DERIVED = ("recordings_key",)


@dataclass(frozen=True, kw_only=True)
class RunConfig(Generic[S]):
    """One system under one protocol with one seed, on one prepared corpus.

    Attributes:
        data_key: changes with any recording or label of the prepared folder.
        corpus, emotions, label_map, subset, features, group_by: as the prepared folder has them.
        protocol: what the test part of a fold is.
        selection: what chooses the epoch, in words.
        variant: a row of Table 1, or `svm_<functionals>`.
        preset: name of the settings that these are based on.
        settings: of the network, or of the SVM.
        seed: of folds, initial weights and shuffling.
        folds_key: changes with any utterance of any part of any fold; "" in runs older than it.
        recordings_key: what `recordings_key` gives for the recordings; "" in runs older than it.
        init: of a run that went on from another model: its name and `weights_sha256`, and what
            became of its "heads" and "statistics"; None for a run from the beginning.
        model: of an evaluation: name and `weights_sha256` of the model; None for a training.
    """

    data_key: str
    corpus: str
    emotions: tuple[str, ...]
    label_map: Mapping[str, str]
    subset: str
    features: Mapping
    group_by: str
    protocol: str
    selection: str
    variant: str
    preset: str
    settings: S
    seed: int
    folds_key: str = ""
    recordings_key: str = ""
    init: Mapping[str, str] | None = None
    model: Mapping[str, str] | None = None

    @classmethod
    def from_json(cls, content: Mapping) -> "RunConfig[Any]":
        """The configuration in a config.json or result.json of this version or an older one.

        What was not known when the file was written has its default now.

        Raises:
            SerError: something is missing that every version wrote, or a setting is of a newer
                version.
        """
        try:
            known: dict[str, Any] = {
                f.name: content[f.name] for f in fields(cls) if f.name in content
            }
            known["settings"] = settings_of(content)
            known["emotions"] = tuple(content["emotions"])
            return cls(**known)
        except (KeyError, TypeError, AttributeError) as error:
            raise SerError(
                f"received a configuration that is not complete or of a newer version ({error}), "
                "expected one as train.py writes it: train into another folder"
            ) from None

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON, in the order of the fields."""
        content = {field.name: getattr(self, field.name) for field in fields(self)}
        content = {n: v for n, v in content.items() if v is not None}
        return content | {"settings": self.settings.to_json(), "emotions": list(self.emotions)}

    def as_read_back(self) -> dict[str, Any]:
        """The content of its file: equal for equal configurations, as JSON has no tuples."""
        return json.loads(json.dumps(self.to_json()))

    def deciding(self) -> dict[str, Any]:
        """What makes it this run and no other: its file without what follows from the rest."""
        content = self.as_read_back()
        return {name: value for name, value in content.items() if name not in DERIVED}

    def is_same(self, other: "RunConfig[Any]") -> bool:
        """Whether both decide the same numbers, whatever version wrote them."""
        return self.deciding() == other.deciding()


def recordings_key(rows: Iterable[UtteranceRow]) -> str:
    """A checksum of the recordings of a corpus: what was said of each, and its samples.

    Unlike `data_key` it stays the same when features are computed in another way, so that runs on
    such features can be compared.

    Args:
        rows: every utterance, in any order.

    Returns:
        In hexadecimal; "" where the samples of an utterance are not known.
    """
    known = sorted((r.utterance_id, r.speaker, r.emotion, r.audio_sha256) for r in rows)
    if not all(row[-1] for row in known):
        return ""
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()


def settings_of(content: Mapping) -> Settings | SvmSettings:
    """The settings in a config.json or result.json; what was not known then has its default.

    Raises:
        KeyError, TypeError: there are none, or one is of a newer version.
    """
    kind = SvmSettings if content.get("preset") == CLASSICAL else Settings
    return kind.from_json(content["settings"])
