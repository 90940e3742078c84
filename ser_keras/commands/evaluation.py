"""What `evaluate` does: a model, what it is asked about, and what its answers are worth."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_pipeline.batches.datasets import make_dataset
from data_pipeline.contract import EVALUATION, HEARD
from data_pipeline.names import visible
from data_pipeline.records.plan import digest
from data_pipeline.records.prepared import Prepared
from data_pipeline.rows import UtteranceRow, corpora_of
from ser_keras.errors import SerError
from ser_keras.heard import RECORDING, UNHEARD, UNKNOWN, VOICE, look_up
from ser_keras.model_info import ModelInfo
from ser_keras.runs.config import RunConfig, recordings_key
from ser_keras.runs.files import fold_dir
from ser_keras.runs.folder import FoldDetails, finish_fold
from ser_keras.runs.outcome import FoldOutcome
from ser_keras.scores.accuracies import METRIC_NAMES, SHORT, accuracies, score_predictions
from ser_keras.scores.calibration import Calibration, answers
from ser_keras.scores.groups import groups_of, parts_by_group, score_group
from ser_keras.scores.predictions import Predictions
from ser_keras.scores.statistics import speaker_confusions
from ser_keras.training.inference import predict_logits, score_part
from ser_keras.training.profiles import of_nobody
from ser_keras.training.trained import TrainedModel

SELECTION = "nothing is chosen: a trained model, as it is"
BATCH_SIZE = 32
# Speakers that the words have a line for.
MAX_SPEAKERS = 30


def check_features(trained: TrainedModel, prepared: Prepared) -> None:
    """Refuse features that are not computed as the model's were.

    Raises:
        SerError: naming what differs, and how to prepare the folder for this model.
    """
    wanted, found = map(Features.of, (trained.info.features, prepared.identity["features"]))
    if wanted != found:
        raise SerError(
            f"{prepared.directory}: its features are {found}, expected those of the model, "
            f"{wanted}: prepare the corpus into another folder with {wanted.options}"
        )


@dataclass(frozen=True)
class Features:
    """How features are computed, as a model or a folder says it."""

    mfcc: str
    n_fft: tuple[int, int]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Features":
        """Those of `info.json` or `metadata.json`."""
        narrow, wide = content["n_fft"]
        return cls(content["mfcc"], (narrow, wide))

    def __str__(self) -> str:
        return f"MFCC by {self.mfcc} and spectrograms of {self.n_fft[0]} and {self.n_fft[1]} points"

    @property
    def options(self) -> str:
        """The options of `prepare` that compute them."""
        return f"--mfcc {self.mfcc} --n-fft {self.n_fft[0]} {self.n_fft[1]}"


def asked_rows(trained: TrainedModel, prepared: Prepared) -> list[UtteranceRow]:
    """The utterances whose emotion the model knows, in record order.

    Raises:
        SerError: there is none.
    """
    known = set(trained.info.emotions)
    rows = [row for row in prepared.utterances if row.emotion in known]
    if not rows:
        raise SerError(
            f"{prepared.directory}: its emotions are {_listed(prepared.emotions)}, and the model "
            f"knows {_listed(trained.info.emotions)}; expected one in common: prepare the corpus "
            "with --map, such as joyful=happy"
        )
    return rows


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(visible, names))


def evaluation_config(
    trained: TrainedModel, prepared: Prepared, rows: Sequence[UtteranceRow]
) -> RunConfig:
    """The configuration of an evaluation: the model, and the utterances that it is asked about."""
    info = trained.info
    identity = prepared.identity | {"emotions": info.emotions}
    return RunConfig(
        **identity,
        protocol=EVALUATION,
        selection=SELECTION,
        variant=info.variant,
        preset=info.preset,
        settings=trained.settings,
        seed=0,
        folds_key=digest(sorted(row.utterance_id for row in rows)),
        recordings_key=recordings_key(prepared.utterances),
        model={"name": trained.name, "weights_sha256": trained.weights_sha256},
    )


def evaluation_result(
    trained: TrainedModel,
    prepared: Prepared,
    rows: Sequence[UtteranceRow],
    config: RunConfig,
    run_dir: Path,
) -> dict[str, Any]:
    """Ask the model, score its answers, write the files of the run; the content of result.json."""
    info = trained.info
    logits = model_logits(trained, prepared, rows)
    labels = np.array([info.emotions.index(row.emotion) for row in rows])
    heard = heard_rows(trained, prepared, rows)
    judged = _judged_rows(heard, len(rows))
    found = answers(labels[judged], logits[judged], info.temperature, info.unsure_below)
    calibration = Calibration(info.temperature, info.unsure_below, {"test": found})
    details = FoldDetails(
        held_out=f"all of {prepared.corpus}",
        num_frames=info.num_frames,
        parameters=trained.model.count_params(),
        utterances={"train": 0, "validation": 0, "test": len(rows)},
        trained_on=trained_on(info),
        tested_on=corpora_of(rows, prepared.corpus),
        left_out=dict(sorted(_unknown(prepared, info).items())),
        unspoken=[e for e in info.emotions if e not in prepared.emotions],
        heard=_heard_counts(heard, logits, labels, info),
    )
    fold_dir(run_dir, 0).mkdir(parents=True, exist_ok=True)
    test = score_part(labels, logits, info.emotions, optimistic=None)
    outcome = FoldOutcome(calibration=calibration, test=test)
    return finish_fold(run_dir, 0, config, outcome, rows, details, heard)


def heard_rows(
    trained: TrainedModel, prepared: Prepared, rows: Sequence[UtteranceRow]
) -> list[str] | None:
    """How the model has heard each row before; None where it does not know."""
    if trained.heard is None:
        return None
    kinds = look_up(prepared.utterances, prepared.corpus, trained.heard)
    pairs = zip(prepared.utterances, kinds, strict=True)
    kind_of = {row.utterance_id: kind for row, kind in pairs}
    return [kind_of[row.utterance_id] for row in rows]


def _judged_rows(heard: Sequence[str] | None, num_rows: int) -> np.ndarray:
    """Which utterances say how good a model is on new voices: those that it never heard.

    Where there are none, or nobody knows, all of them.
    """
    unheard = np.array(heard or [""] * num_rows) == UNHEARD
    return unheard if unheard.any() else np.ones(num_rows, bool)


def model_logits(
    trained: TrainedModel, prepared: Prepared, rows: Sequence[UtteranceRow]
) -> np.ndarray:
    """Logits (num_rows, num_emotions) of the model, in the order of the rows."""
    batches = make_dataset(
        prepared,
        [row.utterance_id for row in rows],
        BATCH_SIZE,
        num_frames=trained.info.num_frames,
        inputs=trained.info.inputs,
    )
    return predict_logits(trained.model, of_nobody(batches, trained.model))[1]


def trained_on(info: ModelInfo) -> list[str]:
    """Names of the corpora that a model was trained on; those of older models have one."""
    return list(info.trained_on or [info.corpus])


def _unknown(prepared: Prepared, info: ModelInfo) -> Counter[str]:
    """Emotions that the model does not know, and how many utterances have them."""
    return Counter(r.emotion for r in prepared.utterances if r.emotion not in info.emotions)


def _heard_counts(
    heard: Sequence[str] | None, logits: np.ndarray, labels: np.ndarray, info: ModelInfo
) -> dict[str, Any]:
    """How many utterances were heard before, and the scores of each kind apart."""
    if heard is None:
        return {"known": False}
    kinds = np.array(heard)
    scores = {}
    for kind in (UNHEARD, VOICE, RECORDING, UNKNOWN):
        own = kinds == kind
        if own.any():
            scored = score_predictions(labels[own], logits[own], info.emotions)
            scores[kind or "not known"] = {"utterances": int(own.sum()), **scored.to_json()}
    return {"known": True, "scores": scores}


# --- In words ---


def evaluation_in_words(result: Mapping[str, Any], predictions: Predictions) -> str:
    """An evaluation as people read it."""
    return "\n".join(_lines(result, predictions))


def _lines(result: Mapping[str, Any], predictions: Predictions) -> Iterator[str]:
    model, trained = result["model"]["name"], ", ".join(result["trained_on"])
    yield f"{model}, trained on {trained}, asked about {', '.join(result['tested_on'])}:"
    for emotion, count in result["left_out"].items():
        yield f"  left out: {count} utterances of {visible(emotion)}, which the model does not know"
    for emotion in result["unspoken"]:
        yield f"  the model also knows {visible(emotion)}: to answer it here is a mistake"
    judged = _judged(predictions)
    yield from _heard_lines(result, predictions)
    yield from _score_lines(judged)
    yield from _speaker_lines(judged)
    yield from _confusion_lines(judged)
    yield from _calibration_lines(result)


def _judged(predictions: Predictions) -> Predictions:
    """What the model never heard; where there is nothing such, or nobody knows, everything."""
    return parts_by_group(predictions, HEARD).get(UNHEARD, predictions)


def _heard_lines(result: Mapping[str, Any], predictions: Predictions) -> Iterator[str]:
    if not result["heard"]["known"]:
        yield "  the model does not know what it was trained on: nobody can say what it has heard"
        return
    kinds = groups_of([predictions], HEARD)
    words = {
        RECORDING: "recordings that it was trained or chosen on",
        VOICE: "other recordings of voices that it has heard",
        UNHEARD: "recordings and voices that it has never heard",
        UNKNOWN: "recordings of which nobody knows whether it has heard them",
    }
    for kind, of_kind in kinds.items():
        score = score_group(of_kind, METRIC_NAMES)
        figures = ", ".join(f"{SHORT[n]} {score.scores[n]:.1%}" for n in METRIC_NAMES)
        yield f"  {score.num_utterances} {words[kind]}: {figures}"
    if UNHEARD not in kinds:
        yield "  nothing here is new to the model: these figures say nothing about other voices"


def _score_lines(judged: Predictions) -> Iterator[str]:
    score = score_group([judged], METRIC_NAMES)
    for name in METRIC_NAMES:
        ends = score.intervals[name]
        interval = f" [{ends[0]:.1%}, {ends[1]:.1%}]" if ends else " (too few speakers to say more)"
        yield (
            f"  {SHORT[name]} {score.scores[name]:.1%}{interval} of {score.num_utterances} "
            f"utterances, speakers: {score.num_speakers} (protocol {EVALUATION})"
        )


def _speaker_lines(judged: Predictions) -> Iterator[str]:
    names, matrices = speaker_confusions([judged])
    if not any(names):
        return
    yield f"  {'speaker':24}{'utterances':>12}{'WA':>8}{'UA':>8}"
    for name, matrix in list(zip(names, matrices, strict=True))[:MAX_SPEAKERS]:
        cells = "".join(f"{accuracies(matrix, metric):>8.1%}" for metric in METRIC_NAMES)
        yield f"  {visible(name) or 'not known':24}{matrix.sum():>12}{cells}"
    if len(names) > MAX_SPEAKERS:
        yield f"  and {len(names) - MAX_SPEAKERS} more speakers; the report has all"


def _confusion_lines(judged: Predictions) -> Iterator[str]:
    scores = score_predictions(judged.labels, judged.probabilities, judged.emotions)
    width = max(10, *(len(visible(emotion)) + 2 for emotion in judged.emotions))
    head = "".join(f"{visible(emotion):>{width}}" for emotion in judged.emotions)
    yield f"  {'true, answered:':24}{head}"
    for emotion, row in zip(judged.emotions, scores.confusion_matrix.tolist(), strict=True):
        if sum(row):
            yield f"  {visible(emotion):24}" + "".join(f"{count:>{width}}" for count in row)


def _calibration_lines(result: Mapping[str, Any]) -> Iterator[str]:
    found = result["calibration"]["test"]
    right = found["answered_accuracy"]
    told = f", {right:.1%} of them right" if right is not None else ""
    error = found["after"]["expected_calibration_error"]
    yield (
        f"  calibration: {found['answered']} of {found['utterances']} answers are not "
        f"called unsure{told}; expected calibration error {error:.3f}"
    )
