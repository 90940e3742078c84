"""The inputs of each signature, from recordings or features of any lengths."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
import soundfile
import tensorflow as tf

from data_pipeline.audio.reading import SAMPLE_RATE
from data_pipeline.contract import FRAME_COUNTS

Tensors = dict[str, tf.Tensor]


def wav_files(recordings: Sequence[np.ndarray]) -> Tensors:
    """The input of the signature `audio_bytes`: each recording as a WAV file."""
    return {"audio_bytes": tf.constant([_wav_file(samples) for samples in recordings])}


def padded_waveforms(recordings: Sequence[np.ndarray]) -> Tensors:
    """The inputs of the signature `waveform`: recordings (num_samples,), zero-padded."""
    num_samples = np.array([len(samples) for samples in recordings], np.int32)
    return {
        "waveform": tf.constant(_padded(recordings)),
        "num_samples": tf.constant(num_samples),
    }


def padded_features(examples: Sequence[Mapping[str, np.ndarray]]) -> Tensors:
    """The inputs of the signature `features`: features (frames, values) of each example."""
    features = {}
    for name in examples[0]:
        arrays = [example[name] for example in examples]
        features[name] = tf.constant(_padded(arrays))
        features[FRAME_COUNTS[name]] = tf.constant([len(array) for array in arrays], tf.int32)
    return features


def _padded(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays of different lengths in one float32 array, padded with zeros to the longest."""
    longest = max(map(len, arrays))
    padded = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), np.float32)
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return padded


def _wav_file(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, SAMPLE_RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()
