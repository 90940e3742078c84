"""A SavedModel folder, loaded: recordings in, answers out."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ser_keras.errors import SerError
from ser_keras.graph.layout import (
    ADAPTED_WAVEFORM,
    FUNCTIONALS,
    GRAPH_FILE,
    WAVEFORM,
    read_info,
    saved_versions,
)
from ser_keras.graph.plain_path import plain_path
from ser_keras.graph.requests import padded_waveforms
from ser_keras.models.variants import PROFILE
from ser_keras.predict.voice import check_profile
from ser_keras.voices.profile_file import VoiceProfile


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
        profile: of the voice that will be heard, made for this model; None for anybody.

    Attributes:
        info: what the model knows of itself.
        emotions: names, in the order of the probabilities.
        unsure_below: the confidence under which an answer is called unsure.

    Raises:
        SerError: there is no usable SavedModel, or the profile is of another model.
    """

    def __init__(self, model_dir: Path | str, profile: VoiceProfile | None = None):
        version_dir = _version_dir(Path(model_dir))
        self.directory = version_dir
        self.info = read_info(version_dir)
        self.emotions = self.info.emotions
        told = profile and self.info.adapted_unsure_below
        self.unsure_below = told or self.info.unsure_below
        # The signature alone does not keep the variables alive.
        self._root = _loaded(version_dir)
        if profile:
            check_profile(profile, version_dir, self.info)
        self._profile = profile.profile if profile else None
        self._signature = self._root.signatures[ADAPTED_WAVEFORM if profile else WAVEFORM]

    def answers(self, waveforms: Sequence[np.ndarray]) -> list[Answer]:
        """The answer to each recording, as one batch.

        Args:
            waveforms: each float32 (num_samples,), 16 kHz, in [-1, 1].
        """
        if not waveforms:
            return []
        inputs = padded_waveforms(waveforms)
        if self._profile is not None:
            inputs[PROFILE] = tf.constant(np.stack([self._profile] * len(waveforms)))
        outputs = self._signature(**inputs)
        scores = outputs["probabilities"].numpy().tolist()
        errors = (error.decode() for error in outputs["error"].numpy())
        return [self._answer(*pair) for pair in zip(scores, errors, strict=True)]

    def functionals(self, waveforms: Sequence[np.ndarray]) -> tuple[np.ndarray, list[str]]:
        """What a profile is made from, of a model that takes profiles.

        Args:
            waveforms: each float32 (num_samples,), 16 kHz, in [-1, 1]; one or more.

        Returns:
            float32 (num_recordings, num_functionals), and of each recording why it cannot be used,
            "" where it can.
        """
        outputs = self._root.signatures[FUNCTIONALS](**padded_waveforms(waveforms))
        errors = [error.decode() for error in outputs["error"].numpy()]
        return outputs["functionals"].numpy(), errors

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


def _loaded(version_dir: Path) -> Any:
    """The SavedModel of a version folder."""
    try:
        with plain_path(version_dir) as path:
            loaded = tf.saved_model.load(str(path))
        if WAVEFORM in loaded.signatures:
            return loaded
    except (OSError, LookupError, ValueError, tf.errors.OpError):
        pass
    if closed := _closed_below(version_dir):
        raise SerError(f"{closed}: may not be read; check its rights")
    raise SerError(
        f"{version_dir}: this SavedModel is damaged or has no signature {WAVEFORM!r}; "
        "export it again: python -m ser_keras export"
    )


def _closed_below(folder: Path) -> Path | None:
    """The first file or folder below a folder that this process may not read; None for none."""
    effective = os.access in os.supports_effective_ids
    for path in (folder, *sorted(folder.rglob("*"))):
        rights = os.R_OK | os.X_OK if os.path.isdir(path) else os.R_OK
        if not os.access(path, rights, effective_ids=effective):
            return path
    return None


def _version_dir(model_dir: Path) -> Path:
    """The folder that holds the graph: model_dir itself, or its highest version."""
    # os.path, not pathlib, which raises where a name is too long or a folder may not be entered.
    if os.path.isfile(model_dir / GRAPH_FILE):
        return model_dir
    versions = saved_versions(model_dir) if os.path.isdir(model_dir) else {}
    if not versions:
        raise SerError(
            f"{model_dir}: {_why_none(model_dir)}; expected a folder such as saved_models/<name> "
            "with its versions; write one with: python -m ser_keras export RUN_DIR --out DIR"
        )
    return versions[max(versions)]


def _why_none(model_dir: Path) -> str:
    """Why no SavedModel is found, in a few words."""
    try:
        os.listdir(model_dir)
    except PermissionError as error:
        return f"cannot be read ({error.strerror})"
    except OSError:
        pass
    return "no SavedModel there"
