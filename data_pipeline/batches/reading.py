"""Record files -> single examples: select, unpack, resize, logarithm."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from data_pipeline.batches.balance import cells_of
from data_pipeline.contract import FRAME_COUNTS, MELS, POSITION
from data_pipeline.features.mel import log_compress, resize_time_axis
from data_pipeline.records.codec import parse_example
from data_pipeline.records.prepared import Prepared

# ({input: tensor}, labels) of a batch or of one utterance.
Examples = tuple[dict[str, tf.Tensor], tf.Tensor]

# Shards that are read side by side where their order is drawn.
SHARDS_AT_ONCE = 8


@dataclass(frozen=True)
class Shards:
    """The shards that a selection lies in.

    Attributes:
        paths: of the record files (num_shards,), as bytes: a folder's name need not be UTF-8.
        starts, ends: of each shard, the numbers of its records among all (num_shards,).
        cells: of each record among all (num_records,): the cell of the balance that it belongs to,
            -1 where it is not selected.
    """

    paths: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    cells: np.ndarray


def shards_of(prepared: Prepared, positions: Sequence[int]) -> Shards:
    """Where the records at these positions lie; other shards are not opened.

    Args:
        prepared: from `load_prepared`.
        positions: numbers of records among all.
    """
    rows = prepared.utterances
    cells = np.full(len(rows), -1, np.int32)
    cells[positions] = cells_of([rows[position] for position in positions])
    sizes = np.array([shard.examples for shard in prepared.shards])
    ends = np.cumsum(sizes)
    starts = ends - sizes
    used = [n for n in range(len(ends)) if (cells[starts[n] : ends[n]] >= 0).any()]
    every = prepared.shard_paths
    paths = np.array([os.fsencode(every[n]) for n in used])
    return Shards(paths, starts[used], ends[used], cells)


def read_examples(
    shards: Shards,
    prepared: Prepared,
    num_frames: tuple[int, int],
    inputs: Sequence[str],
    shuffled_by: tuple[int, tf.Tensor] | None = None,
) -> tf.data.Dataset:
    """The utterances of a selection, one after the other.

    Args:
        shards: where they lie.
        prepared: the folder.
        num_frames: frames that the narrow and the wide spectrogram are resized to.
        inputs: which of `INPUT_NAMES` and `POSITION` are given; others are not even decoded.
        shuffled_by: a seed: then shards come in an order drawn by it, several side by side;
            None: in the order of the metadata.

    Returns:
        tf.data.Dataset of ((inputs, label), cell).
    """
    reader = _example_reader(prepared, num_frames, inputs)
    paths, starts, ends = map(tf.constant, (shards.paths, shards.starts, shards.ends))
    cells = tf.constant(shards.cells)

    def records(shard: tf.Tensor) -> tf.data.Dataset:
        start, end = starts[shard], ends[shard]
        own = tf.data.Dataset.from_tensor_slices((cells[start:end], tf.range(start, end)))
        everything = tf.data.TFRecordDataset(paths[shard], buffer_size=1 << 20)
        # The others are passed over without being parsed.
        return tf.data.Dataset.zip(everything, own).filter(lambda record, place: place[0] >= 0)

    order = tf.data.Dataset.range(len(shards.paths))
    if shuffled_by is None:
        selected = order.flat_map(records)
    else:
        drawn = tf.random.experimental.stateless_shuffle(tf.range(len(shards.paths)), shuffled_by)
        order = tf.data.Dataset.from_tensor_slices(tf.cast(drawn, tf.int64))
        selected = order.interleave(
            records, SHARDS_AT_ONCE, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )
    return selected.map(
        lambda record, place: (reader(record, place[1]), place[0]),
        num_parallel_calls=tf.data.AUTOTUNE,
    )


def _example_reader(
    prepared: Prepared, num_frames: tuple[int, int], inputs: Sequence[str]
) -> Callable[[tf.Tensor, tf.Tensor], Examples]:
    """Function of a serialised record and its number: ({input: tensor of one utterance}, label)."""
    n_mels = prepared.features.n_mels
    matrices = [name for name in inputs if name in FRAME_COUNTS]
    length = dict(zip(MELS, num_frames, strict=True))

    def read(record: tf.Tensor, position: tf.Tensor) -> Examples:
        parsed = parse_example(record, matrices, n_mels)
        parsed[POSITION] = tf.cast(position, tf.int32)
        for name in length.keys() & set(matrices):
            parsed[name] = log_compress(resize_time_axis(parsed[name], length[name]))
        return {name: parsed[name] for name in inputs}, parsed["label"]

    return read
