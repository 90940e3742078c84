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
from ser_keras.runs.outcome import AdaptedPart, FoldOutcome, ScoredPart
from ser_keras.scores.accuracies import METRIC_NAMES, score_predictions
from ser_keras.settings import SvmSettings
from ser_keras.voices.drawing import ALL, NUMBERS, drawn_orders, profiles_of_tested
from ser_keras.voices.linear_head import LIMIT
from ser_keras.voices.statistics import normalised, profile_of

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


def score_adapted_svm(
    functionals: np.ndarray,
    labels: np.ndarray,
    tested: np.ndarray,
    rows: Sequence[UtteranceRow],
    config: RunConfig[SvmSettings],
) -> dict[str, AdaptedPart]:
    """The protocol `adapted`, for fairness: another SVM, on functionals in units of each voice.

    Training voices are told by all of their other recordings, tested ones by some of theirs, both
    as in `voices.statistics`.

    Args:
        functionals: (num_utterances, num_functionals).
        labels: (num_utterances,).
        tested: which utterances are the test part (num_utterances,).
        rows: of all utterances.
        config: its emotions, settings and seed.
    """
    scaler = StandardScaler().fit(functionals[~tested])
    standard = np.clip(scaler.transform(functionals), -LIMIT, LIMIT).astype(np.float32)
    voices, positions = np.array([row.speaker for row in rows]), np.arange(len(rows))
    orders = drawn_orders(voices[tested].tolist(), positions[tested], config.seed)
    if not orders:
        return {}

    def by_voice(part: np.ndarray, profiles: dict[int, np.ndarray]) -> np.ndarray:
        """Functionals of a part, each by its profile."""
        nobody = np.zeros((2, standard.shape[1]), np.float32)
        own = standard[part]
        return np.stack([normalised(own[n], profiles.get(n, nobody)) for n in range(len(own))])

    def profiles(part: np.ndarray, orders: list[np.ndarray], number: str) -> dict[int, np.ndarray]:
        own = standard[part]
        return profiles_of_tested(orders, number, lambda chosen: profile_of(own[chosen]))

    trained_orders = drawn_orders(voices[~tested].tolist(), positions[~tested], config.seed)
    heard = by_voice(~tested, profiles(~tested, trained_orders, ALL))
    pipeline = fit_svm(heard, labels[~tested], config.settings)
    parts = {}
    for number in NUMBERS:
        told = by_voice(tested, profiles(tested, orders, number))
        scored = score_svm(pipeline, told, labels[tested], config.emotions)
        parts[number] = AdaptedPart(
            labels=scored.labels,
            probabilities=scored.probabilities,
            scores=scored.scores,
            speakers=tuple(voices[tested]),
        )
    return parts


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
        adapted = score_adapted_svm(functionals, labels, tested, rows, config)
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
    return finish_fold(
        run_dir, fold.number, config, FoldOutcome(test=test, adapted=adapted), test_rows, details
    )
