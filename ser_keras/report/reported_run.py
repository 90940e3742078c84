"""A run as a report sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ser_keras.runs.config import settings_of
from ser_keras.scores.predictions import Predictions
from ser_keras.scores.summary import summarise, summarise_untested

# Settings in which two runs of one system may differ, and which then name them.
NAMING = ("preset", "seed", "settings", "features")


@dataclass(frozen=True, kw_only=True)
class ReportedRun:
    """What a report needs of one run.

    Attributes:
        directory: where it was read from.
        title: how the report calls it.
        results: result.json of the tested folds, in order.
        untested: result.json of the folds whose test part was not scored (`--no-test`), in order.
            There is one fold at least, of either kind.
        predictions: of the tested folds, in the order of `results`.
        histories: fold -> column of history.csv -> value of each epoch; empty where nothing was
            trained by epochs.
        num_folds: folds of the protocol; None where the run has no summary yet.
    """

    directory: Path
    title: str = ""
    results: tuple[Mapping[str, Any], ...]
    untested: tuple[Mapping[str, Any], ...] = ()
    predictions: tuple[Predictions, ...]
    histories: Mapping[int, Mapping[str, np.ndarray]]
    num_folds: int | None

    @property
    def identity(self) -> Mapping[str, Any]:
        """The result of some fold, for what all folds have in common."""
        return (*self.results, *self.untested)[0]

    @property
    def recordings_key(self) -> str:
        """A checksum of the corpus's recordings; "" where all folds are older than it."""
        keys = (result.get("recordings_key") for result in (*self.results, *self.untested))
        return next(filter(None, keys), "")

    @property
    def num_utterances(self) -> int:
        """Utterances of the corpus, in all parts of a fold; 0 where it is not known."""
        return sum(self.identity.get("utterances", {}).values())

    @property
    def protocol(self) -> str:
        """What the test part of a fold is."""
        return self.identity["protocol"]

    @property
    def variant(self) -> str:
        """The system."""
        return self.identity["variant"]

    @property
    def is_tested(self) -> bool:
        """Whether any fold is tested."""
        return bool(self.results)

    @property
    def is_whole(self) -> bool:
        """Whether every fold of the protocol is tested."""
        return len(self.results) == self.num_folds

    @property
    def summary(self) -> dict[str, Any]:
        """As in summary.json, of the folds that are tested."""
        return summarise(self.results, self.num_folds)

    @property
    def validation_summary(self) -> dict[str, Any]:
        """As in summary.json, of the folds that are not tested."""
        return summarise_untested(self.untested, self.num_folds)


def flat_settings(result: Mapping) -> dict[str, Any]:
    """The settings of a result that tell runs of one system apart: "settings.units" -> 200."""
    # As of today, so that a setting that is newer than one of two runs sets them not apart.
    known = {**result, "settings": settings_of(result).to_json()}
    flat: dict[str, Any] = {}
    for name in NAMING:
        value = known.get(name)
        inner = value if isinstance(value, Mapping) else {"": value}
        flat |= {f"{name}.{key}".strip("."): inner[key] for key in inner}
    return flat


def differ_by_seed_alone(first: ReportedRun, second: ReportedRun) -> bool:
    """Whether two runs are of one system with equal settings, the seed apart."""
    return _without_seed(first) == _without_seed(second)


def _without_seed(run: ReportedRun) -> dict[str, Any]:
    settings = flat_settings(run.identity) | {"variant": run.variant}
    return {name: value for name, value in settings.items() if name != "seed"}
