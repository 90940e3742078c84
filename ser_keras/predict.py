"""Audio files in, emotions out, with nothing but a SavedModel folder and the files."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from data_pipeline.audio import SAMPLE_RATE, load_waveform
from data_pipeline.errors import DataError
from data_pipeline.mel import mel_spectrogram
from data_pipeline.mfcc import opensmile_mfcc, tensorflow_mfcc
from ser_keras.errors import SerError
from ser_keras.export import saved_versions
from ser_keras.layers.feature_front_end import FRAME_COUNTS
from ser_keras.serving import FEATURES, INFO_FILE

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
BATCH_SIZE = 32
# Recordings of a batch are padded to its longest: this bounds the memory that takes.
MAX_BATCH_SECONDS = 600


@dataclass(frozen=True)
class Prediction:
    """What the model says of one file.

    Attributes:
        file: the path as given.
        emotion: the most probable emotion, "" where there is an error.
        probabilities: of each emotion, in the model's order; empty where there is an error.
        error: why there is no answer, one line; "" otherwise.
    """

    file: str
    emotion: str = ""
    probabilities: dict[str, float] = field(default_factory=dict)
    error: str = ""


def predict_files(model_dir: Path | str, paths: Iterable[Path | str]) -> Iterator[Prediction]:
    """The emotion of each audio file, in the order given.

    Args:
        model_dir: a version folder, or the folder of versions (the highest one is taken).
        paths: audio files of any rate and channel count: WAV, FLAC, OGG or MP3.

    Returns:
        One Prediction a path, as the batches are done. A file that cannot be used has its reason
        in `error`, and the rest goes on.

    Raises:
        SerError: there is no usable SavedModel; raised by the call itself.
    """
    served = _load(model_dir)
    recordings = (_read(Path(path), served.info) for path in paths)
    return chain.from_iterable(_predict_batch(served, batch) for batch in _batches(recordings))


def find_audio_files(paths: Iterable[Path | str]) -> list[Path]:
    """The files among `paths`, and the audio files below its folders, sorted in each folder.

    Files are kept whatever they are called; in folders the suffix decides (AUDIO_SUFFIXES, any
    case). A folder without any stays in the list, so that it is reported and not lost.
    """
    return list(chain.from_iterable(_audio_files(Path(path)) for path in paths))


def read_info(model_dir: Path | str) -> dict:
    """What is stored with a SavedModel: the mapping of `assets/info.json`.

    Args:
        model_dir: as for `predict_files`.

    Raises:
        SerError: no SavedModel is there, or not one that `ser_keras export` wrote.
    """
    path = _version_dir(Path(model_dir)) / "assets" / INFO_FILE
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        extractor = info["features"]["mfcc"]
    except (OSError, ValueError, KeyError, TypeError):
        raise SerError(
            f"{path}: missing or damaged; expected a SavedModel that was written by: "
            "python -m ser_keras export"
        ) from None
    if extractor not in MFCC_EXTRACTORS:
        raise SerError(
            f"{path}: features.mfcc is {extractor!r}, expected one of "
            f"{', '.join(MFCC_EXTRACTORS)}; export the model again with this version"
        )
    return info


# --- the model ------------------------------------------------------------------------------


class _ServedModel(NamedTuple):
    info: dict
    root: Any  # holds the variables; the signature alone does not keep them alive
    signature: Any


def _load(model_dir: Path | str) -> _ServedModel:
    info = read_info(model_dir)
    version_dir = _version_dir(Path(model_dir))
    try:
        root = tf.saved_model.load(str(version_dir))
        return _ServedModel(info, root, root.signatures[FEATURES])
    except (OSError, KeyError, ValueError, tf.errors.OpError):
        raise SerError(
            f"{version_dir}: this SavedModel is damaged or has no signature {FEATURES!r}; "
            "export it again: python -m ser_keras export"
        ) from None


def _version_dir(model_dir: Path) -> Path:
    """The folder that holds saved_model.pb: model_dir itself, or its highest version."""
    if (model_dir / "saved_model.pb").is_file():
        return model_dir
    versions = saved_versions(model_dir)
    if not versions:
        raise SerError(
            f"{model_dir}: no SavedModel there; expected a folder such as saved_models/<name> "
            "with its versions; write one with: python -m ser_keras export RUN_DIR --out DIR"
        )
    return versions[max(versions)]


# --- features -------------------------------------------------------------------------------


class _Recording(NamedTuple):
    file: str
    duration_seconds: float
    features: dict[str, np.ndarray]
    error: str


def _failed(path: Path, reason: str) -> _Recording:
    return _Recording(str(path), duration_seconds=0.0, features={}, error=reason)


def _audio_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    below = (file for file in path.rglob("*") if file.suffix.lower() in AUDIO_SUFFIXES)
    return sorted(file for file in below if file.is_file()) or [path]


def _read(path: Path, info: Mapping) -> _Recording:
    """The features of one file, or why there are none."""
    if path.is_dir():
        return _failed(path, f"a folder without {', '.join(AUDIO_SUFFIXES)} files")
    try:
        waveform = load_waveform(path)
        return _Recording(
            str(path), len(waveform) / SAMPLE_RATE, _features(waveform, info), error=""
        )
    except DataError as error:
        return _failed(path, str(error).removeprefix(f"{path}: "))


def _features(waveform: np.ndarray, info: Mapping) -> dict[str, np.ndarray]:
    """What the variant takes of a waveform (num_samples,): each (frames, values) float32."""
    narrow, wide = info["features"]["n_fft"]
    extract_mfcc = MFCC_EXTRACTORS[info["features"]["mfcc"]]
    extractors = {
        "mfcc": extract_mfcc,
        "mel_narrow": lambda waveform: mel_spectrogram(waveform, narrow),
        "mel_wide": lambda waveform: mel_spectrogram(waveform, wide),
    }
    wanted = (name for name in extractors if name in info["inputs"])
    return {name: extractors[name](waveform) for name in wanted}


def _tensorflow_mfcc(waveform: np.ndarray) -> np.ndarray:
    """`tensorflow_mfcc` of one waveform: (num_samples,) to (num_frames, 39)."""
    return tensorflow_mfcc(waveform[np.newaxis], np.array([len(waveform)], np.int32))[0].numpy()


MFCC_EXTRACTORS = {"opensmile": opensmile_mfcc, "tensorflow": _tensorflow_mfcc}


# --- batches --------------------------------------------------------------------------------


def _batches(recordings: Iterable[_Recording]) -> Iterator[list[_Recording]]:
    """Neighbours together, as many as BATCH_SIZE and MAX_BATCH_SECONDS allow, at least one."""
    batch: list[_Recording] = []
    longest = 0.0
    for recording in recordings:
        longest = max(longest, recording.duration_seconds)
        too_long = longest * (len(batch) + 1) > MAX_BATCH_SECONDS
        if batch and (too_long or len(batch) == BATCH_SIZE):
            yield batch
            batch, longest = [], recording.duration_seconds
        batch.append(recording)
    if batch:
        yield batch


def _predict_batch(served: _ServedModel, batch: Sequence[_Recording]) -> Iterator[Prediction]:
    """One Prediction for each recording of a batch, in its order."""
    usable = [recording for recording in batch if not recording.error]
    answers = _answers(served, usable)
    for recording in batch:
        failure = Prediction(recording.file, error=recording.error)
        yield failure if recording.error else next(answers)


def _answers(served: _ServedModel, batch: Sequence[_Recording]) -> Iterator[Prediction]:
    outputs = served.signature(**_padded(batch))
    emotions = (name.decode() for name in outputs["emotion"].numpy())
    scores = outputs["probabilities"].numpy().tolist()
    for recording, emotion, row in zip(batch, emotions, scores, strict=True):
        if emotion:
            probabilities = dict(zip(served.info["emotions"], row, strict=True))
            yield Prediction(recording.file, emotion, probabilities)
        else:
            yield Prediction(recording.file, error="the model gives no finite score for it")


def _padded(batch: Sequence[_Recording]) -> dict[str, tf.Tensor]:
    """The signature's inputs: features padded with zeros to the longest, and frame counts."""
    inputs = {}
    for name in batch[0].features:
        arrays = [recording.features[name] for recording in batch]
        num_frames = [len(array) for array in arrays]
        padded = np.zeros((len(batch), max(num_frames), arrays[0].shape[1]), np.float32)
        for row, array in zip(padded, arrays, strict=True):
            row[: len(array)] = array
        inputs |= {name: tf.constant(padded), FRAME_COUNTS[name]: tf.constant(num_frames)}
    return inputs
