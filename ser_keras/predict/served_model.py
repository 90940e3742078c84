"""A SavedModel folder, loaded: recordings in, answers out."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ser_keras.errors import SerError
from ser_keras.graph.layout import GRAPH_FILE, WAVEFORM, read_info, saved_versions
from ser_keras.graph.requests import padded_waveforms


class Answer(NamedTuple):
    """What the model says of one recording.

    Attributes:
        emotion: the most probable one, "" where there is an error.
        unsure: whether its probability is below `unsure_below` of the model: take it for a guess.
        probabilities: calibrated, of each emotion, in the model's order; empty where there is an
            error.
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
        info: what the model knows of itself.
        emotions: names, in the order of the probabilities.
        unsure_below: the confidence under which an answer is called unsure.

    Raises:
        SerError: there is no usable SavedModel.
    """

    def __init__(self, model_dir: Path | str):
        version_dir = _version_dir(Path(model_dir))
        self.info = read_info(version_dir)
        self.emotions = self.info.emotions
        self.unsure_below = self.info.unsure_below
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
        outputs = self._signature(**padded_waveforms(waveforms))
        scores = outputs["probabilities"].numpy().tolist()
        errors = (error.decode() for error in outputs["error"].numpy())
        return [self._answer(*pair) for pair in zip(scores, errors, strict=True)]

    def _answer(self, scores: list[float], error: str) -> Answer:
        if error:
            return Answer("", unsure=False, probabilities={}, error=error)
        probabilities = dict(zip(self.emotions, scores, strict=True))
        return self.answer_of(probabilities)

    def answer_of(self, probabilities: dict[str, float]) -> Answer:
        """The answer that probabilities of each emotion amount to."""
        emotion = max(probabilities, key=lambda name: probabilities[name])
        unsure = probabilities[emotion] < self.unsure_below
        return Answer(emotion, unsure, probabilities, error="")


def _version_dir(model_dir: Path) -> Path:
    """The folder that holds the graph: model_dir itself, or its highest version."""
    # os.path, not pathlib, which raises where a name is too long or a folder may not be entered.
    if os.path.isfile(model_dir / GRAPH_FILE):
        return model_dir
    versions = saved_versions(model_dir) if os.path.isdir(model_dir) else {}
    if not versions:
        raise SerError(
            f"{model_dir}: no SavedModel there; expected a folder such as saved_models/<name> "
            "with its versions; write one with: python -m ser_keras export RUN_DIR --out DIR"
        )
    return versions[max(versions)]
