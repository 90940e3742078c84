"""The classical opponent: openSMILE functionals with a standardised linear SVM, in scikit-learn.

Nothing is chosen on data here, neither epoch nor C, so the validation part trains too, and what
choosing on the test part would have claimed is the honest figure itself.
"""

from collections.abc import Sequence
from itertools import compress
from pathlib import Path

import numpy as np
from scipy.special import softmax
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from data_pipeline.rows import UtteranceRow, corpora_of
from data_pipeline.splits.fold import Fold
from ser_keras.errors import SerError
from ser_keras.runs.config import RunConfig
from ser_keras.runs.files import fold_dir
from ser_keras.runs.folder import FoldDetails, finish_fold
from ser_keras.runs.outcome import FoldOutcome, ScoredPart
from ser_keras.scores.accuracies import METRIC_NAMES, score_predictions
from ser_keras.settings import SvmSettings

SELECTION = "nothing is chosen: trained once, on the training and the validation part"


def fit_svm(functionals: np.ndarray, labels: np.ndarray, settings: SvmSettings) -> Pipeline:
    """A standardised linear SVM; mean and deviation come from these utterances alone.

    Args:
        functionals: (num_utterances, num_functionals).
        labels: integers (num_utterances,).
        settings: C, and that errors of a rare emotion cost more, in proportion ("balanced").

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
    svm = SVC(
        kernel=settings.kernel,
        C=settings.cost,
        class_weight=settings.class_weight,
        break_ties=True,
    )
    return make_pipeline(StandardScaler(), svm).fit(functionals, labels)


def score_svm(
    pipeline: Pipeline, functionals: np.ndarray, labels: np.ndarray, emotions: Sequence[str]
) -> ScoredPart:
    """What the SVM says about a test part.

    The probabilities are the softmax of the SVM's decision values: their order is the SVM's, their
    size means nothing.

    Raises:
        SerError: as `score_predictions`.
    """
    probabilities = _probabilities(pipeline, functionals, len(emotions))
    scores = score_predictions(labels, probabilities, emotions)
    matrix = scores.confusion_matrix.tolist()
    optimistic: dict[str, object] = {}
    for name in METRIC_NAMES:
        optimistic |= {name: getattr(scores, name), f"{name}_epoch": None}
        optimistic[f"{name}_confusion_matrix"] = matrix
    return ScoredPart(labels, probabilities, scores, optimistic)


def _probabilities(pipeline: Pipeline, functionals: np.ndarray, num_emotions: int) -> np.ndarray:
    decisions = pipeline.decision_function(functionals)
    if decisions.ndim == 1:  # two emotions: one value, positive for the second
        decisions = np.stack([-decisions, decisions], axis=-1)
    # An emotion without a training utterance cannot be predicted.
    logits = np.full((len(functionals), num_emotions), -np.inf)
    logits[:, pipeline.classes_] = decisions
    return softmax(logits, axis=-1).astype(np.float32)


def num_parameters(pipeline: Pipeline) -> int:
    """Weights and biases of the SVM's one-against-one decisions."""
    svm = pipeline[-1]
    return int(svm.coef_.size + svm.intercept_.size)


def normalised_by_corpus(functionals: np.ndarray, rows: Sequence[UtteranceRow]) -> np.ndarray:
    """Standardise each corpus by its own mean and deviation; labels are not looked at.

    Args:
        functionals: (num_utterances, num_functionals).
        rows: of the utterances.

    Returns:
        As `functionals`, float64.
    """
    normalised = np.empty(functionals.shape)
    corpora = np.array([row.corpus for row in rows])
    for corpus in np.unique(corpora):
        own = corpora == corpus
        normalised[own] = StandardScaler().fit_transform(functionals[own])
    return normalised


def run_fold(
    fold: Fold,
    rows: Sequence[UtteranceRow],
    functionals: np.ndarray,
    config: RunConfig[SvmSettings],
    run_dir: Path,
) -> dict:
    """Train on everything outside the test part, test, write the files of the fold.

    Args:
        fold: number, test (utterance ids) and held_out.
        rows: every utterance of the corpus.
        functionals: (num_utterances, num_functionals), in the order of the rows.
        config: the resolved configuration of the run.
        run_dir: the run folder.

    Returns:
        The content of result.json.

    Raises:
        SerError: the fold cannot be trained or scored; it is named.
    """
    if config.settings.normalised_by == "corpus":
        functionals = normalised_by_corpus(functionals, rows)
    labels = np.array([config.emotions.index(row.emotion) for row in rows])
    tested = np.isin([row.utterance_id for row in rows], fold.test)
    try:
        pipeline = fit_svm(functionals[~tested], labels[~tested], config.settings)
        test = score_svm(pipeline, functionals[tested], labels[tested], config.emotions)
    except SerError as error:
        raise SerError(f"fold {fold.number} ({fold.held_out}): {error}") from error
    test_rows = list(compress(rows, tested))
    details = FoldDetails(
        held_out=fold.held_out,
        parameters=num_parameters(pipeline),
        utterances={"train": int((~tested).sum()), "validation": 0, "test": int(tested.sum())},
        trained_on=corpora_of(compress(rows, ~tested), config.corpus),
        tested_on=corpora_of(test_rows, config.corpus),
    )
    fold_dir(run_dir, fold.number).mkdir(parents=True, exist_ok=True)
    return finish_fold(run_dir, fold.number, config, FoldOutcome(test=test), test_rows, details)
