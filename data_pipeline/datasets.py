"""Prepared folder -> batches: select, resize, logarithm, cache, shuffle, bucket, batch, prefetch.

The order of the steps matters. Spectrograms are resized as power and only then brought to decibels
(paper, section 2.2); both happen before the cache, so that from the second epoch on nothing is left
to do for an utterance but to put it into a batch.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from data_pipeline.errors import DataError
from data_pipeline.mel import log_compress, resize_time_axis
from data_pipeline.tfrecords import (
    FRAME_COUNTS,
    Prepared,
    matrix_columns,
    num_mel_bands,
    parse_example,
    record_dataset,
)

INPUT_NAMES = ("mfcc", "num_mfcc_frames", "mel_narrow", "mel_wide")

# Utterances are sorted by length within a window of batches, so that a batch pads little. A window
# is at most this part of an epoch: over a whole epoch, every epoch would have the same batches.
MAX_WINDOW_BATCHES = 8
WINDOWS_PER_EPOCH = 3
# Larger selections are read from disk in every epoch instead of being kept in memory.
CACHE_LIMIT_BYTES = 2 << 30


def median_num_frames(prepared: Prepared, utterance_ids: Iterable[str]) -> tuple[int, int]:
    """Median number of frames (narrow, wide) over the utterances named, rounded down.

    The length that all spectrograms are resized to (paper, section 2.2). Give it the training
    utterances of a fold: a length taken from the test part would leak.

    Raises:
        DataError: an id is not in the folder, or none is given.
    """
    rows = [prepared.utterances[position] for position in _positions(prepared, utterance_ids)]
    narrow = np.median([row["num_frames_narrow"] for row in rows])
    wide = np.median([row["num_frames_wide"] for row in rows])
    return int(narrow), int(wide)


def make_dataset(
    prepared: Prepared,
    utterance_ids: Iterable[str],
    batch_size: int,
    *,
    num_frames: tuple[int, int],
    inputs: Sequence[str] = INPUT_NAMES,
    shuffle_seed: int | None = None,
) -> tf.data.Dataset:
    """Batches of the utterances named.

    Args:
        prepared: from `load_prepared`.
        utterance_ids: which utterances, in any order.
        batch_size: utterances a batch.
        num_frames: frames that the narrow and the wide spectrogram are resized to.
        inputs: which of `INPUT_NAMES` the model takes; others are not even decoded.
        shuffle_seed: None gives the order of the metadata and a smaller last batch. With a seed,
            every epoch has another order (the same in every run), batches hold utterances of
            similar length, and the remainder is dropped: batch normalisation of a handful of
            utterances does harm. A selection smaller than a batch gives one batch of all.

    Returns:
        tf.data.Dataset, of known cardinality, of (inputs, label):
        mfcc float32 (batch, longest, 39), zero-padded; num_mfcc_frames int32 (batch,);
        mel_narrow float32 (batch, num_frames[0], mels) in dB; mel_wide likewise;
        label int32 (batch,).

    Raises:
        DataError: an id is not in the folder, or none is given.
    """
    positions = _positions(prepared, utterance_ids)
    batch_size = min(batch_size, len(positions))
    dataset = _select(record_dataset(prepared), positions, len(prepared.utterances))
    dataset = dataset.map(
        _example_reader(prepared, num_frames, inputs), num_parallel_calls=tf.data.AUTOTUNE
    )
    limit = CACHE_LIMIT_BYTES // _largest_example_bytes(prepared, num_frames)
    if len(positions) <= limit:
        dataset = dataset.cache()
    if shuffle_seed is None:
        num_batches = -(-len(positions) // batch_size)
        dataset = dataset.padded_batch(batch_size)
    else:
        num_batches = len(positions) // batch_size
        dataset = dataset.shuffle(min(len(positions), limit), seed=shuffle_seed)
        dataset = dataset.take(num_batches * batch_size)
        window_batches = max(1, min(MAX_WINDOW_BATCHES, num_batches // WINDOWS_PER_EPOCH))
        dataset = _batches_of_similar_length(dataset, batch_size, window_batches, shuffle_seed)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(num_batches))
    return dataset.prefetch(tf.data.AUTOTUNE)


def _positions(prepared: Prepared, utterance_ids: Iterable[str]) -> list[int]:
    """Record numbers of the utterances named, ascending."""
    position_of = {row["utterance_id"]: n for n, row in enumerate(prepared.utterances)}
    wanted = set(utterance_ids)
    unknown = sorted(wanted - position_of.keys())
    if unknown:
        raise DataError(
            f"{prepared.directory}: {len(unknown)} utterance(s) asked for are not in this prepared "
            f"folder, first {unknown[0]!r}; use a fold made from its own metadata"
        )
    if not wanted:
        raise DataError(f"{prepared.directory}: no utterances asked for, expected at least one")
    return sorted(position_of[utterance_id] for utterance_id in wanted)


def _select(
    records: tf.data.Dataset, positions: Sequence[int], num_records: int
) -> tf.data.Dataset:
    """The records at these positions; the others are passed over without being parsed."""
    wanted = np.zeros(num_records, bool)
    wanted[positions] = True
    flagged = tf.data.Dataset.zip(records, tf.data.Dataset.from_tensor_slices(wanted))
    selected = flagged.filter(lambda record, is_wanted: is_wanted)
    return selected.map(lambda record, is_wanted: record)


def _example_reader(prepared: Prepared, num_frames: tuple[int, int], inputs: Sequence[str]):
    """Function of a serialised record: ({input: tensor of one utterance}, label)."""
    n_mels = num_mel_bands(prepared.features)
    matrices = [name for name in inputs if name in FRAME_COUNTS]
    length = dict(zip(("mel_narrow", "mel_wide"), num_frames, strict=True))

    def read(record):
        parsed = parse_example(record, matrices, n_mels)
        for name in length.keys() & set(matrices):
            parsed[name] = log_compress(resize_time_axis(parsed[name], length[name]))
        return {name: parsed[name] for name in inputs}, parsed["label"]

    return read


def _largest_example_bytes(prepared: Prepared, num_frames: tuple[int, int]) -> int:
    """Bytes of the largest utterance in memory: sets how many are kept there."""
    columns = matrix_columns(num_mel_bands(prepared.features))
    longest = max(row["num_mfcc_frames"] for row in prepared.utterances)
    rows = {"mfcc": longest, "mel_narrow": num_frames[0], "mel_wide": num_frames[1]}
    return sum(4 * rows[name] * columns[name] for name in rows)


def _batches_of_similar_length(
    dataset: tf.data.Dataset, batch_size: int, window_batches: int, seed: int
) -> tf.data.Dataset:
    """Whole batches, each of utterances that are neighbours in length within their window.

    Without MFCC nothing is padded, and the order is left as it is.
    """
    if "num_mfcc_frames" not in dataset.element_spec[0]:
        return dataset.batch(batch_size)
    windows = dataset.padded_batch(window_batches * batch_size)
    batches = windows.flat_map(
        lambda *window: tf.data.Dataset.from_tensor_slices(_sorted_batches(window, batch_size))
    )
    # Otherwise every window would go from its shortest batch to its longest.
    return batches.map(_trim_padding).shuffle(window_batches, seed=seed)


def _sorted_batches(window, batch_size: int):
    """(window, ...) tensors -> (batches, batch, ...) tensors, sorted by length."""
    order = tf.argsort(window[0]["num_mfcc_frames"], stable=True)
    order = tf.reshape(order, (-1, batch_size))
    return tf.nest.map_structure(lambda tensor: tf.gather(tensor, order), window)


def _trim_padding(inputs: dict, label: tf.Tensor):
    """Cuts the padding of the window down to that of the batch."""
    if "mfcc" in inputs:
        longest = tf.reduce_max(inputs["num_mfcc_frames"])
        inputs = inputs | {"mfcc": inputs["mfcc"][:, :longest]}
    return inputs, label
