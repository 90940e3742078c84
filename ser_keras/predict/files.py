"""Audio files in, emotions out, with nothing but a SavedModel folder and the files."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from data_pipeline.audio.reading import load_recording
from data_pipeline.audio.waveform import SAMPLE_RATE
from data_pipeline.errors import DataError, UserError
from ser_keras.graph.verdicts import MAX_BATCH_SECONDS
from ser_keras.predict.input_warnings import recording_warnings, utterance_warnings
from ser_keras.predict.searching import folder_reason, link_reason, search
from ser_keras.predict.served_model import Answer, ServedModel

BATCH_SIZE = 32
NO_MEMORY = "there is not enough memory for it; end other programs, or cut the recording"


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the model says of one file.

    Attributes:
        file: the path as given.
        emotion: the most probable emotion, "" where there is an error.
        unsure: whether its probability is too low to rely on: it is the best guess.
        probabilities: of each emotion, calibrated, in the model's order; empty where there is an
            error.
        warnings: in what the recording is unlike the training recordings, a sentence each.
        error: why there is no answer, one line; "" otherwise.
    """

    file: str
    emotion: str = ""
    unsure: bool = False
    probabilities: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    error: str = ""


def predict_files(model: ServedModel, paths: Iterable[Path | str]) -> Iterator[Prediction]:
    """The emotion of each audio file, in the order given.

    Args:
        model: the loaded model.
        paths: audio files of any rate and channel count: WAV, FLAC, OGG or MP3.

    Yields:
        One Prediction a path, as the batches are done; no more than a batch is held in memory. A
        file that cannot be used has its reason in `error`, and the rest goes on.
    """
    inputs = (_read(Path(path), model) for path in paths)
    return chain.from_iterable(_predict_batch(model, batch) for batch in _batches(inputs))


def find_audio_files(paths: Iterable[Path | str]) -> list[Path]:
    """The files among `paths`, and the audio files below its folders: see `search`."""
    return search(paths)[0]


def failure_reason(path: Path, error: Exception) -> str:
    """Why a file cannot be used, without its name, which stands beside it anyway."""
    if not isinstance(error, UserError):  # a processor or a graph that got no memory
        return NO_MEMORY
    if os.path.isdir(path):
        return folder_reason(path)
    return link_reason(path) or str(error).removeprefix(f"{path}: ")


class _Input(NamedTuple):
    """A file as it was read; where there is an error, the waveform is empty."""

    file: str
    waveform: np.ndarray
    warnings: tuple[str, ...] = ()
    error: str = ""

    @property
    def duration_seconds(self) -> float:
        return len(self.waveform) / SAMPLE_RATE


def _read(path: Path, model: ServedModel) -> _Input:
    """One file, decoded and looked at, or why it cannot be used."""
    try:
        recording = load_recording(path)
        profile = model.info.training_profile
        warnings = recording_warnings(recording, profile) + utterance_warnings(recording, profile)
    except (DataError, MemoryError) as error:
        return _Input(str(path), np.zeros(0, np.float32), error=failure_reason(path, error))
    return _Input(str(path), recording.waveform, tuple(warnings))


def _batches(inputs: Iterable[_Input]) -> Iterator[list[_Input]]:
    """Neighbours together, as many as BATCH_SIZE and MAX_BATCH_SECONDS allow, at least one.

    Recordings of a batch are padded to its longest, which the graph bounds.
    """
    batch: list[_Input] = []
    longest = 0.0
    for one in inputs:
        longest = max(longest, one.duration_seconds)
        too_long = longest * (len(batch) + 1) > MAX_BATCH_SECONDS
        if batch and (too_long or len(batch) == BATCH_SIZE):
            yield batch
            batch, longest = [], one.duration_seconds
        batch.append(one)
    if batch:
        yield batch


def _predict_batch(model: ServedModel, batch: Sequence[_Input]) -> Iterator[Prediction]:
    """One Prediction for each file of a batch, in its order."""
    answers = iter(_answers(model, [one.waveform for one in batch if not one.error]))
    for one in batch:
        if one.error:
            yield Prediction(file=one.file, error=one.error)
        else:
            answer = next(answers)._asdict()
            yield Prediction(file=one.file, warnings=one.warnings, **answer)


def _answers(model: ServedModel, waveforms: Sequence[np.ndarray]) -> list[Answer]:
    """The answers to a batch; where it is too much for the memory, to each recording alone."""
    try:
        return model.answers(waveforms)
    except (MemoryError, tf.errors.ResourceExhaustedError):
        if len(waveforms) == 1:
            return [Answer("", unsure=False, probabilities={}, error=NO_MEMORY)]
    return [answer for one in waveforms for answer in _answers(model, [one])]
