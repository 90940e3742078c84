"""The choice of the epoch, on the validation part."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from ser_keras.errors import SerError
from ser_keras.training.metrics import plain_logs

# What chooses the epoch, in words.
SELECTION = "highest unweighted accuracy on the validation part, of equal ones the lowest loss"
LAST = "nothing chooses the epoch: it is the last one"


class BestEpoch(keras.callbacks.Callback):
    """Keeps the weights of the epoch that did best on the validation part, in memory.

    Best is the highest val_unweighted_accuracy; of equal ones the lowest val_loss, then the
    earliest. An epoch whose validation loss is not finite is never chosen.

    Args:
        last: whether the latest epoch is the best one, whatever the validation part says.

    Attributes:
        epoch: the best epoch so far, from 1; 0 while there is none.
        improved: whether the epoch that ended last is the best so far.
        logs: plain logs of the best epoch.
        weights: the model's weights of the best epoch; empty while there is none.
    """

    def __init__(self, last: bool = False) -> None:
        super().__init__()
        self.last = last
        self.epoch = 0
        self.improved = False
        self.logs: dict[str, float] = {}
        self._rank = (-math.inf, -math.inf)
        self.weights: list[np.ndarray] = []

    @property
    def state(self) -> dict[str, Any]:
        """All that is remembered but the weights, ready for JSON; can be assigned."""
        return {"epoch": self.epoch, "logs": self.logs, "rank": self._rank}

    @state.setter
    def state(self, state: Mapping) -> None:
        self.epoch, self.logs = state["epoch"], state["logs"]
        self._rank = tuple(state["rank"])

    def on_epoch_end(self, epoch: int, logs: Mapping | None = None) -> None:
        found = plain_logs(logs or {})
        rank = self._rank_of(found, epoch)
        self.improved = math.isfinite(rank[1]) and rank > self._rank
        if self.improved:
            self.epoch, self.logs, self._rank = epoch + 1, found, rank
            self.weights = [np.array(value) for value in self.model.get_weights()]

    def _rank_of(self, logs: Mapping[str, float], epoch: int) -> tuple[float, float]:
        try:
            if self.last:
                return epoch, -logs["val_loss"]
            return logs["val_unweighted_accuracy"], -logs["val_loss"]
        except KeyError as missing:
            raise ValueError(
                f"Received logs={sorted(logs)} without {missing}. Expected validation data in fit "
                "and UnweightedAccuracy on the output 'logits' in compile."
            ) from missing

    def restore(self) -> None:
        """Give the model the weights of the best epoch, moving statistics included.

        Raises:
            SerError: no epoch had a finite validation loss.
        """
        if not self.weights:
            raise SerError(
                "no epoch ended with a finite validation loss, expected at least one: "
                "lower the learning rate"
            )
        self.model.set_weights(self.weights)
