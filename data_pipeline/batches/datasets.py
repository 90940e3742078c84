"""Prepared folder -> batches: select, resize, logarithm, keep in memory, shuffle, batch, prefetch.

The order of the steps matters. Spectrograms are resized as power and only then brought to decibels
(paper, section 2.2); both happen before the examples are kept, so that from the second epoch on
nothing is left to do for an utterance but to put it into a batch.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import tensorflow as tf

from data_pipeline.batches.balance import balanced_order
from data_pipeline.batches.reading import Examples, read_examples, shards_of
from data_pipeline.contract import (
    INPUT_NAMES,
    MAX_SECONDS,
    MEL_NARROW,
    MEL_WIDE,
    MFCC,
    NUM_MFCC_FRAMES,
)
from data_pipeline.errors import DataError
from data_pipeline.records.codec import matrix_columns
from data_pipeline.records.prepared import Prepared
from data_pipeline.rows import UtteranceRow

# The same, with ragged tensors, of a chunk of the selection that is in memory at once; and to which
# cell of the balance each utterance belongs.
Chunk = tuple[Examples, tf.Tensor]

# Utterances are sorted by length within a window of batches, so that a batch pads little. A window
# is at most this part of an epoch: over a whole epoch, every epoch would have the same batches.
MAX_WINDOW_BATCHES = 8
WINDOWS_PER_EPOCH = 3
# Larger selections are read from disk in every epoch instead of being kept in memory.
CACHE_LIMIT_BYTES = 2 << 30
# So are selections of more utterances: many small ones take several times their bytes.
CACHE_LIMIT = 1 << 16


def median_num_frames(prepared: Prepared, utterance_ids: Iterable[str]) -> tuple[int, int]:
    """Median number of frames (narrow, wide) over the utterances named, rounded down.

    The length that all spectrograms are resized to (paper, section 2.2). Give it the training
    utterances of a fold: a length taken from the test part would leak.

    Args:
        prepared: from `load_prepared`.
        utterance_ids: which utterances, in any order.

    Returns:
        Frames of the narrow and of the wide spectrogram.

    Raises:
        DataError: an id is not in the folder, or none is given.
    """
    rows = [prepared.utterances[position] for position in _positions(prepared, utterance_ids)]
    narrow = np.median([row.num_frames_narrow for row in rows])
    wide = np.median([row.num_frames_wide for row in rows])
    return int(narrow), int(wide)


def make_dataset(
    prepared: Prepared,
    utterance_ids: Iterable[str],
    batch_size: int,
    *,
    num_frames: tuple[int, int],
    inputs: Sequence[str] = INPUT_NAMES,
) -> tf.data.Dataset:
    """Batches of the utterances named, in the order of the metadata; the last may be smaller.

    Args:
        prepared: from `load_prepared`.
        utterance_ids: which utterances, in any order.
        batch_size: utterances a batch.
        num_frames: frames that the narrow and the wide spectrogram are resized to.
        inputs: which of `INPUT_NAMES` the model takes, and `POSITION` where it is wanted; others
            are not even decoded.

    Returns:
        tf.data.Dataset, of known cardinality, of (inputs, label):
        mfcc float32 (batch, longest, 39), zero-padded; num_mfcc_frames int32 (batch,);
        mel_narrow float32 (batch, num_frames[0], mels) in dB; mel_wide likewise;
        label int32 (batch,).

    Raises:
        DataError: an id is not in the folder, or none is given.
    """
    positions = _positions(prepared, utterance_ids)
    dataset = read_examples(shards_of(prepared, positions), prepared, num_frames, inputs)
    dataset = dataset.map(lambda example, cell: example)
    if len(positions) <= _most_in_memory(prepared, positions, num_frames):
        dataset = dataset.cache()
    num_batches = -(-len(positions) // batch_size)
    dataset = dataset.padded_batch(batch_size)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(num_batches))
    return dataset.prefetch(tf.data.AUTOTUNE)


def make_training_dataset(
    prepared: Prepared,
    utterance_ids: Iterable[str],
    batch_size: int,
    *,
    num_frames: tuple[int, int],
    inputs: Sequence[str] = INPUT_NAMES,
    seed: int,
    epochs: range,
    balanced: bool = False,
) -> tf.data.Dataset:
    """Shuffled batches of the utterances named, for several epochs, one after the other.

    The order of an epoch is a function of the seed and the number of the epoch alone: training
    that goes on with epoch 7 sees what it would have seen without a stop. Batches hold utterances
    of similar length, and the remainder of an epoch is dropped: batch normalisation of a handful
    of utterances does harm. A selection smaller than a batch gives one batch of all.

    A selection that does not fit `CACHE_LIMIT_BYTES` is read again in every epoch, once: its shards
    in an order drawn for the epoch, several side by side, into chunks of half that size, which are
    shuffled. A shard holds a few hundred utterances drawn from the whole corpus by their names, so
    a chunk is a sample of all, and another one in every epoch. While it is put together, it is in
    memory twice.

    Args:
        prepared: from `load_prepared`.
        utterance_ids: which utterances, in any order.
        batch_size: utterances a batch.
        num_frames: frames that the narrow and the wide spectrogram are resized to.
        inputs: which of `INPUT_NAMES` the model takes, and `POSITION` where it is wanted; others
            are not even decoded.
        seed: of the order.
        epochs: numbers of the epochs to give.
        balanced: whether each emotion of each corpus is drawn equally often (`balance.py`), in an
            epoch of the same length; else each utterance is drawn once.

    Returns:
        tf.data.Dataset of batches as in `make_dataset`; every epoch has
        `cardinality / len(epochs)` of them.

    Raises:
        DataError: an id is not in the folder, or none is given.
    """
    positions = _positions(prepared, utterance_ids)
    batch_size = min(batch_size, len(positions))
    chunks_of = _chunks(prepared, positions, batch_size, num_frames, inputs, seed)
    num_batches = len(positions) // batch_size
    window_batches = max(1, min(MAX_WINDOW_BATCHES, num_batches // WINDOWS_PER_EPOCH))

    def epoch_batches(epoch: tf.Tensor) -> tf.data.Dataset:
        def chunk_batches(number: tf.Tensor, chunk: Chunk) -> tf.data.Dataset:
            examples, _ = chunk
            chunk_seed = tf.random.experimental.stateless_fold_in((seed, epoch), number)
            order = _shuffled_batches(chunk, batch_size, window_batches, chunk_seed, balanced)
            batches = tf.data.Dataset.from_tensor_slices(order)
            return batches.map(
                lambda rows: _take(examples, rows, batch_size), num_parallel_calls=tf.data.AUTOTUNE
            )

        return chunks_of(epoch).enumerate().flat_map(chunk_batches)

    dataset = tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(epoch_batches)
    cardinality = tf.data.experimental.assert_cardinality(num_batches * len(epochs))
    return dataset.apply(cardinality).prefetch(tf.data.AUTOTUNE)


def _chunks(
    prepared: Prepared,
    positions: Sequence[int],
    batch_size: int,
    num_frames: tuple[int, int],
    inputs: Sequence[str],
    seed: int,
) -> Callable[[tf.Tensor], tf.data.Dataset]:
    """Number of an epoch -> all examples in one element, or in several of whole batches.

    What is in one element is read here; several are read when they are asked for.
    """
    shards = shards_of(prepared, positions)
    limit = _most_in_memory(prepared, positions, num_frames)
    if len(positions) <= limit:
        examples = read_examples(shards, prepared, num_frames, inputs)
        # Read here, once: a cache inside the data set would read again whatever Keras peeks at.
        whole = examples.ragged_batch(len(positions)).get_single_element()
        return lambda epoch: tf.data.Dataset.from_tensors(whole)
    # A chunk is in memory twice while it is put together.
    size = max(1, limit // 2 // batch_size) * batch_size

    def read_anew(epoch: tf.Tensor) -> tf.data.Dataset:
        examples = read_examples(shards, prepared, num_frames, inputs, shuffled_by=(seed, epoch))
        return examples.ragged_batch(size)

    return read_anew


def _shuffled_batches(
    chunk: Chunk, batch_size: int, window_batches: int, seed: tf.Tensor, balanced: bool
) -> tf.Tensor:
    """Row numbers (batches, batch) of an epoch: neighbours in length within their window."""
    (inputs, _), cells = chunk
    order_seed, batch_seed = tf.unstack(tf.random.experimental.stateless_split(seed))
    if balanced:
        order = balanced_order(cells, order_seed)
    else:
        order = tf.random.experimental.stateless_shuffle(tf.range(tf.size(cells)), order_seed)
    order = order[: tf.size(order) // batch_size * batch_size]
    if NUM_MFCC_FRAMES in inputs:  # without MFCC nothing is padded
        window = tf.range(tf.size(order)) // (window_batches * batch_size)
        length = tf.gather(inputs[NUM_MFCC_FRAMES], order)
        key = window * (tf.reduce_max(length) + 1) + length
        order = tf.gather(order, tf.argsort(key, stable=True))
    # Otherwise every window would go from its shortest batch to its longest.
    return tf.random.experimental.stateless_shuffle(tf.reshape(order, (-1, batch_size)), batch_seed)


def _take(examples: Examples, rows: tf.Tensor, batch_size: int) -> Examples:
    """The examples of these rows as a batch, MFCC padded to the longest of them."""
    inputs, labels = tf.nest.map_structure(lambda tensor: tf.gather(tensor, rows), examples)
    if MFCC in inputs:
        inputs = inputs | {MFCC: inputs[MFCC].to_tensor(shape=(batch_size, None, None))}
    return inputs, labels


def _positions(prepared: Prepared, utterance_ids: Iterable[str]) -> list[int]:
    """Record numbers of the utterances named, ascending."""
    position_of = {row.utterance_id: n for n, row in enumerate(prepared.utterances)}
    wanted = set(utterance_ids)
    unknown = sorted(wanted - position_of.keys())
    if unknown:
        raise DataError(
            f"{prepared.directory}: {len(unknown)} utterance(s) asked for are not in this prepared "
            f"folder, first {unknown[0]!r}; use a fold made from its own metadata"
        )
    for utterance_id in wanted:
        _check_length(prepared, prepared.utterances[position_of[utterance_id]])
    if not wanted:
        raise DataError(f"{prepared.directory}: no utterances asked for, expected at least one")
    return sorted(position_of[utterance_id] for utterance_id in wanted)


def _check_length(prepared: Prepared, row: UtteranceRow) -> None:
    """A batch is padded to its longest recording: one of ten minutes would take all memory."""
    if row.duration_seconds > MAX_SECONDS:
        raise DataError(
            f"{prepared.directory}: {row.utterance_id!r} is {row.duration_seconds:.1f} s long, "
            f"expected {MAX_SECONDS} s or less, as earlier versions did not: prepare again with "
            "the same options, which leaves it out, or cut it into utterances"
        )


def _most_in_memory(
    prepared: Prepared, positions: Sequence[int], num_frames: tuple[int, int]
) -> int:
    """How many of these utterances, of their mean size, are kept in memory at most."""
    columns = matrix_columns(prepared.features.n_mels)
    frames = float(np.mean([prepared.utterances[n].num_mfcc_frames for n in positions]))
    rows = {MFCC: frames, MEL_NARROW: num_frames[0], MEL_WIDE: num_frames[1]}
    size = sum(4 * rows[name] * columns[name] for name in rows)
    return min(CACHE_LIMIT, int(CACHE_LIMIT_BYTES // size))
