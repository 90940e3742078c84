"""What a fold came to: of networks and of the SVM alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ser_keras.scores.accuracies import Scores, confusion_matrix
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


# Digits of the probabilities that a result keeps.
DIGITS = 5


@dataclass(frozen=True, kw_only=True)
class AdaptedPart:
    """What a model said about a test part with profiles of its voices.

    Attributes:
        labels: true labels (num_utterances,), integers.
        probabilities: (num_utterances, num_emotions) float32, not calibrated.
        scores: of these.
        speakers: who speaks, of each utterance.
        is_kept: whether the result keeps the probabilities.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    scores: Scores
    speakers: tuple[str, ...]
    is_kept: bool = False

    def to_json(self) -> dict[str, object]:
        """Its part of result.json: scores, and the confusion matrix of each speaker."""
        num_emotions = self.probabilities.shape[1]
        predicted, speakers = self.probabilities.argmax(axis=1), np.array(self.speakers)
        matrices = {
            name: confusion_matrix(self.labels[own], predicted[own], num_emotions).tolist()
            for name, own in ((name, speakers == name) for name in sorted(set(self.speakers)))
        }
        content = {**self.scores.to_json(), "confusion_matrix_by_speaker": matrices}
        if self.is_kept:
            kept = self.probabilities.astype(float).round(DIGITS)
            content |= {"labels": self.labels.tolist(), "probabilities": kept.tolist()}
        return content


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
        adapted: number of recordings that each tested voice is told by -> what it said then;
            empty for a system without profiles.
    """

    best_epoch: int | None = None
    last_epoch: int | None = None
    seconds_per_epoch: float | None = None
    validation: Mapping | None = None
    calibration: Calibration | None = None
    test: ScoredPart | None
    adapted: Mapping[str, AdaptedPart] = field(default_factory=dict)

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
            **adapted_to_json(self.adapted),
        }


def adapted_to_json(adapted: Mapping[str, AdaptedPart]) -> dict[str, object]:
    """The part of result.json that tells of profiles; nothing where there are none."""
    if not adapted:
        return {}
    return {"adapted": {number: part.to_json() for number, part in adapted.items()}}
