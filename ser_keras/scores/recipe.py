"""What a run says of its recipe, for the card of a model that nobody is left to test."""

from collections.abc import Mapping, Sequence
from typing import Any

from data_pipeline.contract import GROUPS
from ser_keras.scores.accuracies import METRIC_NAMES
from ser_keras.scores.groups import groups_of, score_group
from ser_keras.scores.predictions import Predictions


def parts_of(results: Sequence[Mapping]) -> list[dict[str, Any]]:
    """What each fold scored.

    Args:
        results: `result.json` of every fold.

    Returns:
        One a fold, in their order: held_out, utterances, both accuracies, and "adapted" with the
        same by the number of recordings that told of a voice, where the system takes profiles.
    """
    return [
        {
            "held_out": result["held_out"],
            "utterances": sum(map(sum, result["confusion_matrix"])),
            **_accuracies(result),
            "adapted": {k: _accuracies(part) for k, part in result.get("adapted", {}).items()},
        }
        for result in sorted(results, key=lambda result: result["fold"])
    ]


def _accuracies(scored: Mapping) -> dict[str, float]:
    return {name: scored[name] for name in METRIC_NAMES}


def by_group(predictions: Sequence[Predictions]) -> dict[str, dict[str, Any]]:
    """What each group scored, all folds together.

    Args:
        predictions: of every fold.

    Returns:
        Column of `contract.GROUPS` -> group -> utterances, speakers, and both accuracies; columns
        of fewer than two groups are left out.
    """
    found = {}
    for column in GROUPS:
        groups = {name: parts for name, parts in groups_of(predictions, column).items() if name}
        if len(groups) > 1:
            found[column] = {name: _of_group(parts) for name, parts in groups.items()}
    return found


def _of_group(parts: Sequence[Predictions]) -> dict[str, Any]:
    scored = score_group(parts, METRIC_NAMES)
    return {
        "utterances": scored.num_utterances,
        "speakers": scored.num_speakers,
        **scored.scores,
    }
