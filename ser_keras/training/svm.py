"""The classical opponent: openSMILE functionals with a standardised linear SVM, in scikit-learn.

Nothing is chosen on data here, neither epoch nor C, so the validation part trains too, and what
choosing on the test part would have claimed is the honest figure itself.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.special import softmax
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from data_pipeline.rows import UtteranceRow
from ser_keras.errors import SerError
from ser_keras.runs.folder import finish_fold, fold_dir
from ser_keras.scores.accuracies import SCORE_OF_MATRIX, scores

# Cost of the SVM by feature set: small where there are far more features than utterances.
COSTS = {"ComParE_2016": 0.01, "eGeMAPSv02": 0.1}
SELECTION = "nothing is chosen: trained once, on the training and the validation part"


def fit_svm(functionals: np.ndarray, labels: np.ndarray, cost: float):
    """A standardised linear SVM; mean and deviation come from these utterances alone.

    Args:
        functionals: (num_utterances, num_functionals).
        labels: integers (num_utterances,).
        cost: C; errors of a rare emotion cost more, in proportion ("balanced").

    Returns:
        A fitted scikit-learn pipeline.

    Raises:
        SerError: fewer than two emotions.
    """
    if len(np.unique(labels)) < 2:
        raise SerError(
            "received utterances of one emotion to train on, expected two or more emotions outside "
            "the test part: add recordings of other emotions by other speakers"
        )
    svm = SVC(kernel="linear", C=cost, class_weight="balanced", break_ties=True)
    return make_pipeline(StandardScaler(), svm).fit(functionals, labels)


def score_svm(
    pipeline, functionals: np.ndarray, labels: np.ndarray, emotions: Sequence[str]
) -> dict:
    """The outcome of a test part, in the form that `runs.finish_fold` takes.

    The probabilities are the softmax of the SVM's decision values: their order is the SVM's, their
    size means nothing.

    Raises:
        SerError: as `evaluation.scores`.
    """
    probabilities = _probabilities(pipeline, functionals, len(emotions))
    scored = scores(labels, probabilities, emotions)
    optimistic = {}
    for name in SCORE_OF_MATRIX:
        optimistic |= {name: scored[name], f"{name}_epoch": None}
        optimistic[f"{name}_confusion_matrix"] = scored["confusion_matrix"]
    unknown = ("best_epoch", "last_epoch", "seconds_per_epoch", "validation")
    return dict.fromkeys(unknown) | {
        "labels": labels,
        "probabilities": probabilities,
        "scores": scored,
        "optimistic": optimistic,
    }


def _probabilities(pipeline, functionals: np.ndarray, num_emotions: int) -> np.ndarray:
    decisions = pipeline.decision_function(functionals)
    if decisions.ndim == 1:  # two emotions: one value, positive for the second
        decisions = np.stack([-decisions, decisions], axis=-1)
    # An emotion without a training utterance cannot be predicted.
    logits = np.full((len(functionals), num_emotions), -np.inf)
    logits[:, pipeline.classes_] = decisions
    return softmax(logits, axis=-1).astype(np.float32)


def num_parameters(pipeline) -> int:
    """Weights and biases of the SVM's one-against-one decisions."""
    svm = pipeline[-1]
    return int(svm.coef_.size + svm.intercept_.size)


def run_fold(
    fold, rows: Sequence[UtteranceRow], functionals: np.ndarray, config: Mapping, run_dir: Path
) -> dict:
    """Train on everything outside the test part, test, write the files of the fold.

    Args:
        fold: number, test (utterance ids) and held_out, such as `data_pipeline.folds.Fold`.
        rows: of every utterance.
        functionals: (num_utterances, num_functionals), in the order of the rows.
        config: the resolved configuration of the run.
        run_dir: the run folder.

    Returns:
        The content of result.json.
    """
    labels = np.array([config["emotions"].index(row.emotion) for row in rows])
    tested = np.isin([row.utterance_id for row in rows], fold.test)
    pipeline = fit_svm(functionals[~tested], labels[~tested], config["settings"]["cost"])
    outcome = score_svm(pipeline, functionals[tested], labels[tested], config["emotions"])
    details = {
        "held_out": fold.held_out,
        "parameters": num_parameters(pipeline),
        "utterances": {"train": int((~tested).sum()), "validation": 0, "test": int(tested.sum())},
    }
    test_rows = [row for row, is_tested in zip(rows, tested, strict=True) if is_tested]
    fold_dir(run_dir, fold.number).mkdir(parents=True, exist_ok=True)
    return finish_fold(run_dir, fold.number, config, outcome, test_rows, details)
