"""From a model to the scores of a fold, and from folds to the summary of a run.

Weighted accuracy (WA) is plain accuracy; unweighted accuracy (UA) is the mean of the class
recalls over the emotions that occur. Everything here is NumPy, so that `predictions.csv` can
be scored again without TensorFlow.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from ser_keras.errors import SerError

# --- From a model to scores ---


def predict_logits(model, dataset) -> tuple[np.ndarray, np.ndarray]:
    """Run a model over a data set once, in inference mode.

    Args:
        model: Keras model whose output is a dict with "logits" (batch, num_emotions).
        dataset: iterable of (inputs, labels (batch,)), finite.

    Returns:
        labels (num_utterances,) int64 and logits (num_utterances, num_emotions), in the order
        of the data set.

    Raises:
        SerError: the data set has no batches.
    """
    labels, logits = [], []
    for inputs, batch_labels in dataset:
        labels.append(np.asarray(batch_labels))
        logits.append(model.predict_on_batch(inputs)["logits"])
    if not labels:
        raise SerError("received no utterances to predict, expected at least one: check the fold")
    return np.concatenate(labels).astype(np.int64), np.concatenate(logits)


def predict_probabilities(model, dataset) -> tuple[np.ndarray, np.ndarray]:
    """`predict_logits` with probabilities (float32) in their place; NaN where a logit is."""
    labels, logits = predict_logits(model, dataset)
    return labels, softmax(logits)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of (num_utterances, num_emotions) logits: the same shape, float32."""
    # Double precision inside: the float32 result then depends on the logits alone.
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    return (exponentials / exponentials.sum(axis=-1, keepdims=True)).astype(np.float32)


def scores(labels, probabilities, emotions: Sequence[str]) -> dict:
    """The scores of one test part, ready for `result.json`.

    Args:
        labels: integers (num_utterances,), indices into `emotions`.
        probabilities: (num_utterances, num_emotions), finite. Of equal ones the first wins.
        emotions: names of the labels.

    Returns:
        weighted_accuracy and unweighted_accuracy in [0, 1], per_class_recall {emotion: recall,
        None where the emotion does not occur}, absent_emotions (names; left out of the
        unweighted accuracy) and confusion_matrix (rows true, columns predicted; counts).

    Raises:
        SerError: shapes that do not fit, no utterance, a label out of range, a probability
            that is not finite.
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    check_predictions(labels, probabilities, len(emotions))
    matrix = confusion_matrix(labels, probabilities.argmax(axis=-1), len(emotions))
    recalls = dict(zip(emotions, class_recalls(matrix).tolist(), strict=True))
    absent = [emotion for emotion, recall in recalls.items() if np.isnan(recall)]
    return {
        **{name: score(matrix) for name, score in SCORE_OF_MATRIX.items()},
        "per_class_recall": recalls | dict.fromkeys(absent),
        "absent_emotions": absent,
        "confusion_matrix": matrix.tolist(),
    }


def check_predictions(labels: np.ndarray, probabilities: np.ndarray, num_emotions: int) -> None:
    """Raise SerError where labels and probabilities cannot be scored; see `scores`."""
    if not len(labels) or probabilities.shape != (len(labels), num_emotions):
        raise SerError(
            f"received {len(labels)} labels and probabilities of shape {probabilities.shape}, "
            f"expected (num_utterances, {num_emotions}) with at least one utterance: "
            "check the test part and the emotions of the model"
        )
    if labels.min() < 0 or labels.max() >= num_emotions:
        raise SerError(
            f"received labels from {labels.min()} to {labels.max()}, expected 0 to "
            f"{num_emotions - 1}: check that model and data have the same emotions"
        )
    # The argmax of NaN is class 0: a confident wrong emotion.
    if not np.isfinite(probabilities).all():
        bad = int((~np.isfinite(probabilities)).any(axis=-1).sum())
        raise SerError(
            f"received probabilities that are not finite for {bad} of {len(labels)} utterances: "
            "training has diverged, lower the learning rate"
        )


# --- Scores of a confusion matrix: rows true, columns predicted ---


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, num_emotions: int) -> np.ndarray:
    """Count utterances by true (row) and predicted (column) label: (num_emotions,) * 2 int64."""
    cells = np.bincount(labels * num_emotions + predicted, minlength=num_emotions**2)
    return cells.reshape(num_emotions, num_emotions)


def weighted_accuracy(matrix: np.ndarray) -> float:
    """Share of all utterances that are on the diagonal; the matrix holds at least one."""
    return float(np.trace(matrix) / matrix.sum())


def class_recalls(matrix: np.ndarray) -> np.ndarray:
    """Recall of each emotion (num_emotions,) float64; NaN for one that does not occur."""
    occurrences = matrix.sum(axis=1)
    recalls = np.full(len(matrix), np.nan)
    return np.divide(np.diagonal(matrix), occurrences, out=recalls, where=occurrences > 0)


def unweighted_accuracy(matrix: np.ndarray) -> float:
    """Mean recall of the emotions that occur; the matrix holds at least one utterance."""
    return float(np.nanmean(class_recalls(matrix)))


SCORE_OF_MATRIX = {
    "weighted_accuracy": weighted_accuracy,
    "unweighted_accuracy": unweighted_accuracy,
}


# --- summary.json ---


def summarise(results: Sequence[Mapping], num_folds: int) -> dict:
    """The summary of a run over its finished folds, ready for `summary.json`.

    "mean" and "sample_standard_deviation" (divided by n - 1; None for one fold) are taken over
    the folds, "pooled" over all test utterances together. Folds differ in size and may lack an
    emotion, so the two differ; "absent_emotions" names such folds.

    Args:
        results: one `result.json` a finished fold: fold, protocol, the keys of `scores`, and
            "optimistic" as `TestEpochs.best`. At least one.
        num_folds: folds of the protocol, finished or not.

    Returns:
        protocol, folds_finished, folds_total, a mapping of mean, deviation and pooled score for
        each accuracy, the summed confusion matrix with its emotions, absent_emotions {fold:
        names}, and "optimistic" with the same scores at the best epochs on the test part and
        their "gap" to the honest ones.

    Raises:
        SerError: no results, a fold twice, or folds that differ in protocol or emotions.
    """
    emotions = _common_emotions(results)
    matrices = [result["confusion_matrix"] for result in results]
    return {
        "protocol": results[0]["protocol"],
        "folds_finished": len(results),
        "folds_total": num_folds,
        **{name: _over_folds(results, name, matrices) for name in SCORE_OF_MATRIX},
        "emotions": list(emotions),
        "confusion_matrix": np.sum(matrices, axis=0).tolist(),
        "absent_emotions": {
            str(result["fold"]): result["absent_emotions"]
            for result in results
            if result["absent_emotions"]
        },
        "optimistic": _optimistic_over_folds(results),
    }


def _common_emotions(results: Sequence[Mapping]) -> tuple[str, ...]:
    if len({result["fold"] for result in results}) != len(results) or not results:
        folds = [result["fold"] for result in results]
        raise SerError(
            f"received results of the folds {folds}, expected at least one result and none twice: "
            "name one run folder"
        )
    kinds = {(result["protocol"], tuple(result["per_class_recall"])) for result in results}
    if len(kinds) > 1:
        raise SerError(
            f"received folds of different protocols or emotions {sorted(kinds)}, expected one "
            "kind: keep such runs in folders of their own"
        )
    return kinds.pop()[1]


def _over_folds(fold_scores: Sequence[Mapping], name: str, matrices: Sequence) -> dict:
    values = np.array([score[name] for score in fold_scores])
    return _mean_and_deviation(values) | {"pooled": SCORE_OF_MATRIX[name](np.sum(matrices, axis=0))}


def _mean_and_deviation(values: np.ndarray) -> dict:
    return {
        "mean": float(values.mean()),
        "sample_standard_deviation": float(values.std(ddof=1)) if len(values) > 1 else None,
    }


def _optimistic_over_folds(results: Sequence[Mapping]) -> dict:
    # WA and UA choose their epochs separately, so each has a confusion matrix of its own.
    bests = [result["optimistic"] for result in results]
    claimed = {
        name: _over_folds(bests, name, [best[f"{name}_confusion_matrix"] for best in bests])
        for name in SCORE_OF_MATRIX
    }
    return claimed | {"gap": {name: _gap(results, name) for name in SCORE_OF_MATRIX}}


def _gap(results: Sequence[Mapping], name: str) -> dict:
    """Optimistic minus honest, fold by fold; both were scored on the same utterances."""
    values = np.array([result["optimistic"][name] - result[name] for result in results])
    return _mean_and_deviation(values)
