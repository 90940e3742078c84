"""Training batches in which every emotion of every corpus is heard equally often.

A cell is an emotion of a corpus. Under balance an epoch is as long as without, and every cell has
an equal share of it: utterances of large cells are left out of some epochs, those of small cells
come several times, each of them once before any comes again.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.columns import Columns


def cells_of(rows: Sequence[UtteranceRow]) -> np.ndarray:
    """The cell of each utterance: int32 (num_utterances,), from 0."""
    return Columns(rows).strata.astype(np.int32)


def balanced_order(cells: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Utterances in an order in which each cell comes equally often, as far as that goes.

    Args:
        cells: of each utterance, int32 (num_utterances,).
        seed: int (2,): decides the order.

    Returns:
        int32 (num_utterances,): utterances, by number, some of them several times.
    """
    seeds = tf.random.experimental.stateless_split(seed, 3)
    order = tf.random.experimental.stateless_shuffle(tf.range(tf.size(cells)), seeds[0])
    # By cell, each in an order that is drawn.
    by_cell = tf.gather(order, tf.argsort(tf.gather(cells, order), stable=True))
    _, _, sizes = tf.unique_with_counts(tf.sort(cells))
    starts = tf.cumsum(sizes, exclusive=True)
    num_cells, size = tf.size(sizes), tf.size(cells)
    # Which cells have one more than the others, where it cannot be even, is drawn, too.
    turns = tf.random.experimental.stateless_shuffle(tf.range(num_cells), seeds[1])
    turn = tf.gather(turns, tf.range(size) % num_cells)
    place = (tf.range(size) // num_cells) % tf.gather(sizes, turn)
    drawn = tf.gather(by_cell, tf.gather(starts, turn) + place)
    return tf.random.experimental.stateless_shuffle(drawn, seeds[2])
