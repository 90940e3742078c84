"""A SavedModel folder, loaded: recordings in, answers out."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ser_keras.errors import SerError
from ser_keras.export.saved_model import saved_versions
from ser_keras.graph.signatures import INFO_FILE, WAVEFORM
from ser_keras.scores.calibration import MIN_CONFIDENCE


class Answer(NamedTuple):
    """What the model says of one recording.

    emotion: the most probable one, "" where there is an error.
    unsure: its probability is below `unsure_below` of the model: take it for a guess.
    probabilities: calibrated, of each emotion, in the model's order; empty where there is an error.
    error: why there is no answer, one line; "" otherwise.
    """

    emotion: str
    unsure: bool
    probabilities: dict[str, float]
    error: str


class ServedModel:
    """The model of a SavedModel folder; the recording is all it needs.

    Args:
        model_dir: a version folder, or the folder of versions (the highest one is taken).

    Attributes:
        info: the mapping of `assets/info.json`.
        emotions: names, in the order of the probabilities.
        unsure_below: the confidence under which an answer is called unsure. A model trained
            before there was calibration gets MIN_CONFIDENCE.

    Raises:
        SerError: there is no usable SavedModel.
    """

    def __init__(self, model_dir: Path | str):
        version_dir = _version_dir(Path(model_dir))
        self.info = _read_info(version_dir)
        self.emotions = tuple(self.info["emotions"])
        self.unsure_below = self.info.get("unsure_below", MIN_CONFIDENCE)
        try:
            # The signature alone does not keep the variables alive.
            self._root = tf.saved_model.load(str(version_dir))
            self._signature = self._root.signatures[WAVEFORM]
        except (OSError, LookupError, ValueError, tf.errors.OpError):
            raise SerError(
                f"{version_dir}: this SavedModel is damaged or has no signature {WAVEFORM!r}; "
                "export it again: python -m ser_keras export"
            ) from None

    def answers(self, waveforms: Sequence[np.ndarray]) -> list[Answer]:
        """The answer to each recording, as one batch.

        Args:
            waveforms: one or more, each float32 (num_samples,), 16 kHz, in [-1, 1].
        """
        num_samples = np.array([len(waveform) for waveform in waveforms], np.int32)
        padded = np.zeros((len(waveforms), num_samples.max()), np.float32)
        for row, waveform in zip(padded, waveforms, strict=True):
            row[: len(waveform)] = waveform
        outputs = self._signature(
            waveform=tf.constant(padded), num_samples=tf.constant(num_samples)
        )
        scores = outputs["probabilities"].numpy().tolist()
        errors = (error.decode() for error in outputs["error"].numpy())
        return [self._answer(*pair) for pair in zip(scores, errors, strict=True)]

    def _answer(self, scores: list[float], error: str) -> Answer:
        if error:
            return Answer("", unsure=False, probabilities={}, error=error)
        probabilities = dict(zip(self.emotions, scores, strict=True))
        return self.verdict(probabilities)

    def verdict(self, probabilities: dict[str, float]) -> Answer:
        """The answer that probabilities of each emotion amount to."""
        emotion = max(probabilities, key=probabilities.get)
        unsure = probabilities[emotion] < self.unsure_below
        return Answer(emotion, unsure, probabilities, error="")


def _version_dir(model_dir: Path) -> Path:
    """The folder that holds saved_model.pb: model_dir itself, or its highest version."""
    # os.path, not pathlib, which raises where a name is too long or a folder may not be entered.
    if os.path.isfile(model_dir / "saved_model.pb"):
        return model_dir
    versions = saved_versions(model_dir) if os.path.isdir(model_dir) else {}
    if not versions:
        raise SerError(
            f"{model_dir}: no SavedModel there; expected a folder such as saved_models/<name> "
            "with its versions; write one with: python -m ser_keras export RUN_DIR --out DIR"
        )
    return versions[max(versions)]


def _read_info(version_dir: Path) -> dict:
    path = version_dir / "assets" / INFO_FILE
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        if info["emotions"]:
            return info
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise SerError(
        f"{path}: missing or damaged; expected a SavedModel that was written by: "
        "python -m ser_keras export"
    )
