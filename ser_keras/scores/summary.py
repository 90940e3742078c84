"""From the results of folds to the summary of a run, the content of `summary.json`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ser_keras.errors import SerError
from ser_keras.scores.accuracies import METRIC_NAMES, accuracies


def summarise(results: Sequence[Mapping], num_folds: int | None) -> dict[str, Any]:
    """The summary of a run over its tested folds, ready for `summary.json`.

    "mean" and "sample_standard_deviation" (divided by n - 1; None for one fold) are taken over
    the folds, "pooled" over all test utterances together. Folds differ in size and may lack an
    emotion, so the two differ; "absent_emotions" names such folds.

    Args:
        results: one `result.json` a tested fold: fold, protocol, the keys of `Scores`, and
            "optimistic" as the training found it, None where it did not look. At least one.
        num_folds: folds of the protocol, finished or not; None where that is not known.

    Returns:
        protocol, folds_finished, folds_total, a mapping of mean, deviation and pooled score for
        each accuracy, the summed confusion matrix with its emotions, absent_emotions {fold:
        names}, and "optimistic" with the same scores at the best epochs on the test part and
        their "gap" to the honest ones; None where any fold has none. Where the system takes
        profiles, "adapted" has the accuracies by the number of recordings of a voice.

    Raises:
        SerError: no results, a fold twice, or folds that differ in protocol or emotions.
    """
    emotions = _common_emotions(results, "per_class_recall")
    matrices = [result["confusion_matrix"] for result in results]
    return {
        **_progress(results, num_folds),
        **{name: _over_folds(results, name, matrices) for name in METRIC_NAMES},
        "emotions": list(emotions),
        "confusion_matrix": np.sum(matrices, axis=0).tolist(),
        "absent_emotions": {
            str(result["fold"]): result["absent_emotions"]
            for result in results
            if result["absent_emotions"]
        },
        "optimistic": _optimistic_over_folds(results),
        **_adapted_over_folds(results),
    }


def _adapted_over_folds(results: Sequence[Mapping]) -> dict[str, Any]:
    """The same accuracies with profiles, by the number of recordings that all folds have."""
    if not all("adapted" in result for result in results):
        return {}
    found = {}
    for number in results[0]["adapted"]:
        parts = [result["adapted"][number] for result in results]
        matrices = [part["confusion_matrix"] for part in parts]
        found[number] = {name: _over_folds(parts, name, matrices) for name in METRIC_NAMES}
    return {"adapted": found}


def summarise_untested(results: Sequence[Mapping], num_folds: int | None) -> dict[str, Any]:
    """The summary of folds whose test part was not scored, ready for `summary.json`.

    Args:
        results: one `result.json` a fold: fold, protocol, emotions, and "validation" with both
            accuracies. At least one.
        num_folds: as for `summarise`.

    Returns:
        protocol, folds_finished, folds_total, emotions, "tested": False, and "validation": mean
        and deviation of each accuracy over the folds.

    Raises:
        SerError: as `summarise`.
    """
    emotions = _common_emotions(results, "emotions")
    values = {name: [result["validation"][name] for result in results] for name in METRIC_NAMES}
    return {
        **_progress(results, num_folds),
        "emotions": list(emotions),
        "tested": False,
        "validation": {name: _mean_and_deviation(np.array(v)) for name, v in values.items()},
    }


def _progress(results: Sequence[Mapping], num_folds: int | None) -> dict[str, Any]:
    return {
        "protocol": results[0]["protocol"],
        "folds_finished": len(results),
        "folds_total": num_folds,
    }


def _common_emotions(results: Sequence[Mapping], key: str) -> tuple[str, ...]:
    """The emotions that all results have under a key; what does not belong together is refused."""
    if len({result["fold"] for result in results}) != len(results) or not results:
        folds = [result["fold"] for result in results]
        raise SerError(
            f"received results of the folds {folds}, expected at least one result and none twice: "
            "name one run folder"
        )
    kinds = {(result["protocol"], tuple(result[key])) for result in results}
    if len(kinds) > 1:
        raise SerError(
            f"received folds of different protocols or emotions {sorted(kinds)}, expected one "
            "kind: keep such runs in folders of their own"
        )
    return kinds.pop()[1]


def _over_folds(results: Sequence[Mapping], name: str, matrices: Sequence) -> dict[str, Any]:
    values = np.array([result[name] for result in results])
    pooled = float(accuracies(np.sum(matrices, axis=0), name))
    return _mean_and_deviation(values) | {"pooled": pooled}


def _mean_and_deviation(values: np.ndarray) -> dict[str, float | None]:
    return {
        "mean": float(values.mean()),
        "sample_standard_deviation": float(values.std(ddof=1)) if len(values) > 1 else None,
    }


def _optimistic_over_folds(results: Sequence[Mapping]) -> dict[str, Any] | None:
    bests = [result["optimistic"] for result in results]
    # Some folds alone would be compared with the honest figures of others.
    if None in bests:
        return None
    # WA and UA choose their epochs separately, so each has a confusion matrix of its own.
    claimed = {
        name: _over_folds(bests, name, [best[f"{name}_confusion_matrix"] for best in bests])
        for name in METRIC_NAMES
    }
    return claimed | {"gap": {name: _gap(results, name) for name in METRIC_NAMES}}


def _gap(results: Sequence[Mapping], name: str) -> dict[str, float | None]:
    """Optimistic minus honest, fold by fold; both were scored on the same utterances."""
    values = np.array([result["optimistic"][name] - result[name] for result in results])
    return _mean_and_deviation(values)
