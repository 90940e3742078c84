"""A run as a report sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from data_pipeline.contract import EVALUATION, HEARD
from ser_keras.heard import UNHEARD
from ser_keras.runs.config import settings_of
from ser_keras.scores.accuracies import score_predictions
from ser_keras.scores.groups import parts_by_group
from ser_keras.scores.predictions import Predictions
from ser_keras.scores.strangers import strangers_of_folds
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
    def is_evaluation(self) -> bool:
        """Whether it is a trained model on a corpus, and nobody was trained here."""
        return self.protocol == EVALUATION

    @property
    def is_ranked(self) -> bool:
        """Whether its figures are of what its models never heard, so that it can be the best.

        Under a protocol that is what the protocol says. Where training went on from another model,
        that one must not have heard the test parts; an evaluation is a thing of its own.
        """
        if self.is_evaluation:
            return False
        began = [result for result in self.results if result.get("init")]
        return all(not any(r.get("heard_by_init", {"not known": 1}).values()) for r in began)

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
    def strangers(self) -> Mapping[str, Any]:
        """What `unsure` does to voices never heard, as in summary.json; empty where not known."""
        return strangers_of_folds(self.results, self.predictions) if self.is_whole else {}

    @property
    def validation_summary(self) -> dict[str, Any]:
        """As in summary.json, of the folds that are not tested."""
        return summarise_untested(self.untested, self.num_folds)


def unheard_alone(run: ReportedRun) -> ReportedRun | None:
    """An evaluation with nothing but what its model has never heard; None where that is none."""
    parts = [parts_by_group(part, HEARD).get(UNHEARD) for part in run.predictions]
    kept = tuple(part for part in parts if part is not None)
    if not kept:
        return None
    pairs = zip(run.results, kept, strict=True)
    results = [
        {**r, **score_predictions(p.labels, p.probabilities, p.emotions).to_json()}
        for r, p in pairs
    ]
    return replace(run, predictions=kept, results=tuple(results))


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
