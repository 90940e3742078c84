"""What a fold came to: of networks and of the SVM alike."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ser_keras.scores.accuracies import Scores
from ser_keras.scores.calibration import Calibration


@dataclass(frozen=True)
class ScoredPart:
    """What a system said about the test part of a fold.

    Attributes:
        labels: true labels (num_utterances,), integers.
        probabilities: (num_utterances, num_emotions) float32, not calibrated.
        scores: of these.
        optimistic: for each accuracy, what choosing the epoch on the test part would have claimed
            (`training.optimistic`); None where nobody watched the test part during training.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    scores: Scores
    optimistic: Mapping | None

    def to_json(self) -> dict[str, object]:
        """Its part of result.json."""
        return {**self.scores.to_json(), "optimistic": self.optimistic}


@dataclass(frozen=True, kw_only=True)
class FoldOutcome:
    """What training a fold came to.

    Attributes:
        best_epoch, last_epoch: from 1; None for a system that is not trained by epochs.
        seconds_per_epoch: median wall time; None likewise.
        validation: weighted_accuracy, unweighted_accuracy and loss of the validation part at the
            best epoch; None where nothing is chosen.
        calibration: what was fitted on the validation part; None where nothing was.
        test: what it said about the test part; None where that was not read.
    """

    best_epoch: int | None = None
    last_epoch: int | None = None
    seconds_per_epoch: float | None = None
    validation: Mapping | None = None
    calibration: Calibration | None = None
    test: ScoredPart | None

    def to_json(self) -> dict[str, object]:
        """Its part of result.json."""
        return {
            **(self.calibration.to_json() if self.calibration else {}),
            "best_epoch": self.best_epoch,
            "last_epoch": self.last_epoch,
            "seconds_per_epoch": self.seconds_per_epoch,
            "validation": self.validation,
            "tested": self.test is not None,
            **(self.test.to_json() if self.test else {}),
        }
