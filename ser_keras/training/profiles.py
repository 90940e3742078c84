"""Batches of a model that takes profiles: those of training, and those of nobody."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from data_pipeline.contract import INPUT_NAMES, POSITION
from ser_keras.models.heads import VOICE_STATISTICS
from ser_keras.models.linear_part import functionals_of
from ser_keras.models.variants import PROFILE
from ser_keras.voices.linear_head import LinearHead
from ser_keras.voices.statistics import MEAN_COUNTS_AS, VARIANCE_COUNTS_AS, numbered

# A voice is told by so many of its recordings at most.
MOST_RECORDINGS = 20
# Part of the utterances that training hears without a profile.
WITHOUT = 0.25


@dataclass(frozen=True)
class Recordings:
    """Training recordings as the linear head sees them.

    Attributes:
        functionals: float32 (num_recordings, num_functionals).
        labels: (num_recordings,).
        positions: which record of the folder each is (num_recordings,).
        voices: who speaks, "" where nobody knows.
    """

    functionals: np.ndarray
    labels: np.ndarray
    positions: np.ndarray
    voices: tuple[str, ...]


def takes_profiles(model: keras.Model) -> bool:
    """Whether a model has the input of a profile."""
    return PROFILE in model.input


def measure_recordings(
    model: keras.Model, dataset: Iterable[tuple], speakers: Sequence[str]
) -> Recordings:
    """The functionals of recordings.

    Args:
        model: that takes profiles.
        dataset: batches (inputs with POSITION, labels), read once.
        speakers: of every record of the folder, by its position.
    """
    measure = tf.function(lambda inputs: functionals_of(model, inputs), reduce_retracing=True)
    found = []
    for inputs, labels in dataset:
        streams = {name: inputs[name] for name in INPUT_NAMES}
        found.append((measure(streams).numpy(), labels.numpy(), inputs[POSITION].numpy()))
    functionals, labels, positions = map(np.concatenate, zip(*found, strict=True))
    voices = tuple(speakers[position] for position in positions)
    return Recordings(functionals, labels.astype(np.int64), positions, voices)


def of_nobody(dataset: tf.data.Dataset, model: keras.Model) -> tf.data.Dataset:
    """Batches with the profile of nobody, where the model takes profiles; else as they are."""
    if not takes_profiles(model):
        return dataset
    size = _num_functionals(model)

    def add(inputs: dict, labels: tf.Tensor) -> tuple[dict, tf.Tensor]:
        return inputs | {PROFILE: tf.zeros((tf.shape(labels)[0], 2, size))}, labels

    return dataset.map(add)


def _num_functionals(model: keras.Model) -> int:
    return model.input[PROFILE].shape[-1]


def with_drawn_profiles(
    dataset: tf.data.Dataset,
    model: keras.Model,
    head: LinearHead,
    recordings: Recordings,
    seed: int,
    first_batch: int,
) -> tf.data.Dataset:
    """Training batches, each utterance with a profile from other recordings of its voice.

    From none to MOST_RECORDINGS of them, how many and which is drawn. Only what the streams are
    standardised by is filled in: the linear head is not trained here.

    Args:
        dataset: batches (inputs with POSITION, labels).
        model: that takes profiles.
        head: of the model, fitted.
        recordings: of all voices. Utterances that are not among them have no profile.
        seed: what is drawn is a function of it and of the number of the batch alone.
        first_batch: number of the first batch, from 0, where training goes on.
    """
    num_columns = 2 * model.get_layer(VOICE_STATISTICS).num_columns
    rows, table, starts, counts = _by_voice(head, recordings, num_columns, seed)
    rows, table = tf.constant(rows), tf.constant(table)
    starts, counts = tf.constant(starts), tf.constant(counts)
    padding = [[0, 0], [0, 0], [0, _num_functionals(model) - num_columns]]

    def add(number: tf.Tensor, batch: tuple[dict, tf.Tensor]) -> tuple[dict, tf.Tensor]:
        inputs, labels = batch
        inputs = dict(inputs)
        row = tf.gather(rows, tf.minimum(inputs.pop(POSITION), tf.size(rows) - 1))
        known = row >= 0
        row = tf.maximum(row, 0)
        place, others = tf.gather(starts, row), tf.gather(counts, row) - 1
        drawn = tf.random.stateless_uniform((3, tf.size(row)), (seed, number + first_batch))
        most = tf.minimum(others, MOST_RECORDINGS)
        some = 1 + tf.cast(drawn[1] * tf.cast(most, tf.float32), tf.int32)
        used = tf.where(known & (drawn[0] >= WITHOUT), tf.minimum(some, most), 0)
        first = tf.cast(drawn[2] * tf.cast(others - used + 1, tf.float32), tf.int32)
        step = tf.range(1, MOST_RECORDINGS + 1)[None]
        # In a circle of the voice's recordings, from behind the utterance itself.
        around = (row - place)[:, None] + tf.minimum(first, others - used)[:, None] + step
        member = place[:, None] + around % tf.maximum(others + 1, 1)[:, None]
        profile = _profile(tf.gather(table, member), step <= used[:, None], used)
        return inputs | {PROFILE: tf.pad(profile, padding)}, labels

    return dataset.enumerate().map(add)


def _by_voice(
    head: LinearHead, recordings: Recordings, num_columns: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The recordings voice by voice, within each in an order that is drawn.

    Returns:
        Row of each position of the folder, -1 for none, which is the last that is given and that
        of all behind it; float32 (num_recordings, num_columns); and for each row the first row of
        its voice, and how many there are.
    """
    voice = numbered(recordings.voices)
    drawn = np.random.default_rng(seed).permutation(len(voice))
    order = drawn[np.argsort(voice[drawn], kind="stable")]
    rows = np.full(recordings.positions.max() + 2, -1, np.int32)
    rows[recordings.positions[order]] = np.arange(len(order), dtype=np.int32)
    table = head.standard(recordings.functionals[order])[:, :num_columns].astype(np.float32)
    _, first, count = np.unique(voice[order], return_index=True, return_counts=True)
    ordinal = np.repeat(np.arange(len(first)), count)
    return rows, table, first[ordinal].astype(np.int32), count[ordinal].astype(np.int32)


def _profile(members: tf.Tensor, is_used: tf.Tensor, used: tf.Tensor) -> tf.Tensor:
    """As `voices.statistics.profile_of`: (batch, 2, columns) from (batch, recordings, columns)."""
    weight = tf.cast(is_used, tf.float32)[..., None]
    count = tf.cast(used, tf.float32)[:, None]
    mean = tf.reduce_sum(members * weight, axis=1) / (count + MEAN_COUNTS_AS)
    spread = tf.reduce_sum(tf.square(members - mean[:, None]) * weight, axis=1)
    variance = (spread + VARIANCE_COUNTS_AS) / (count + VARIANCE_COUNTS_AS)
    return tf.stack([mean, 0.5 * tf.math.log(variance)], axis=1)
