"""Training data that do not fit the memory: shuffled well, read once an epoch, and no more."""

import numpy as np
import pytest

from data_pipeline.batches import datasets
from data_pipeline.batches.datasets import make_dataset, make_training_dataset
from data_pipeline.records.prepared import load_prepared

NUM_SHARDS, OF_A_SHARD, BATCH_SIZE, EPOCHS = 48, 8, 4, 12
SIZE = NUM_SHARDS * OF_A_SHARD
INPUTS = ("mfcc", "num_mfcc_frames")
# Each has a length of its own, by which it is known again; neighbours in the folder do not have
# similar ones.
LENGTHS = np.random.default_rng(7).permutation(SIZE) + 1


@pytest.fixture
def folder(write_folder, monkeypatch):
    """384 utterances in 48 shards, of which 64 are a chunk; each of another length."""
    mels = {"mel_narrow": np.ones((2, 64)), "mel_wide": np.ones((1, 128))}
    features = {f"utt{n:03d}": {"mfcc": np.ones((LENGTHS[n], 39)), **mels} for n in range(SIZE)}
    mean_bytes = 4 * 39 * (SIZE + 1) / 2 + 4 * 64 + 4 * 128
    monkeypatch.setattr(datasets, "CACHE_LIMIT_BYTES", 128.5 * mean_bytes)
    return load_prepared(write_folder(features, NUM_SHARDS))


def numbers(dataset):
    """The utterances of a data set, by number, in its order."""
    lengths = [inputs["num_mfcc_frames"].numpy() for inputs, _ in dataset]
    return np.argsort(LENGTHS)[np.concatenate(lengths) - 1]


def epochs_of(folder, ids, seed=0, epochs=range(EPOCHS)):
    dataset = make_training_dataset(
        folder, ids, BATCH_SIZE, num_frames=(1, 1), inputs=INPUTS, seed=seed, epochs=epochs
    )
    return numbers(dataset).reshape(len(epochs), -1)


def every(folder):
    return [row.utterance_id for row in folder.utterances]


def test_every_utterance_comes_once_an_epoch_anywhere_in_it(folder):
    found = epochs_of(folder, every(folder))
    np.testing.assert_array_equal(np.sort(found, axis=1), [range(SIZE)] * EPOCHS)
    places = np.argsort(found, axis=1)
    # Where an utterance comes in one epoch says nothing of where it comes in the next. Chunks that
    # are always the same, shuffled within, have 0.97 here; independent orders of shards 0.14.
    correlations = [np.corrcoef(places[n], places[n + 1])[0, 1] for n in range(EPOCHS - 1)]
    assert abs(np.mean(correlations)) < 0.12 and np.abs(correlations).max() < 0.45
    # Nor where it lies in the folder: a shard is not always at the beginning or at the end.
    mean_place = places.mean(axis=0) / SIZE
    expected = np.sqrt(1 / 12 / EPOCHS)
    assert 0.7 * expected < mean_place.std() < 1.5 * expected


def test_a_batch_is_of_many_shards(folder):
    batches = epochs_of(folder, every(folder)).reshape(-1, BATCH_SIZE)
    different = [len(set(batch // OF_A_SHARD)) for batch in batches]
    ideal = NUM_SHARDS * (1 - (1 - 1 / NUM_SHARDS) ** BATCH_SIZE)
    assert np.mean(different) > 0.8 * ideal


def test_going_on_with_an_epoch_gives_what_it_would_have_given(folder):
    ids = every(folder)
    whole = epochs_of(folder, ids, epochs=range(3))
    np.testing.assert_array_equal(epochs_of(folder, ids, epochs=range(2, 3))[0], whole[2])
    assert (epochs_of(folder, ids, seed=1, epochs=range(1))[0] != whole[0]).any()


def test_only_the_shards_that_are_needed_are_opened(folder):
    wanted = every(folder)[: 20 * OF_A_SHARD]
    for path in folder.shard_paths[20:]:
        path.unlink()
    np.testing.assert_array_equal(
        np.sort(epochs_of(folder, wanted, epochs=range(2)), axis=1), [range(20 * OF_A_SHARD)] * 2
    )
    plain = make_dataset(folder, wanted, 16, num_frames=(1, 1), inputs=INPUTS)
    np.testing.assert_array_equal(numbers(plain), range(20 * OF_A_SHARD))


def test_fewer_utterances_of_many_shards_are_all_there(folder):
    wanted = every(folder)[::3]
    found = epochs_of(folder, wanted, epochs=range(2))
    np.testing.assert_array_equal(np.sort(found, axis=1), [range(0, SIZE, 3)] * 2)
