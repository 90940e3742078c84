import statistics

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.batches import datasets
from data_pipeline.batches.datasets import make_dataset, make_training_dataset, median_num_frames
from data_pipeline.contract import INPUT_NAMES
from data_pipeline.errors import DataError
from data_pipeline.records.prepared import Prepared, load_prepared

NUM_FRAMES = (20, 11)


def resized_decibels(mel, num_frames):
    """NumPy version of resizing (source frame floor(i * L / T)) and logarithm."""
    source = [i * len(mel) // num_frames for i in range(num_frames)]
    return 10 * np.log10(np.maximum(mel[source].astype(np.float64), 1e-10))


def lengths_of(dataset):
    """Batches of MFCC lengths; the fixture's lengths are all different, so they identify."""
    return [inputs["num_mfcc_frames"].numpy().tolist() for inputs, _ in dataset]


def flat(batches):
    return [length for batch in batches for length in batch]


def shuffled(prepared, features, seed, batch_size=3, epochs=range(1), **more):
    return make_training_dataset(
        prepared, features, batch_size, num_frames=NUM_FRAMES, seed=seed, epochs=epochs, **more
    )


def epochs_of(dataset, num_epochs):
    """The batches of MFCC lengths of each epoch."""
    batches = lengths_of(dataset)
    steps = len(batches) // num_epochs
    return [batches[epoch * steps : (epoch + 1) * steps] for epoch in range(num_epochs)]


def test_content_is_what_numpy_computes(prepared, random_features):
    [(inputs, labels)] = make_dataset(prepared, random_features, 10, num_frames=NUM_FRAMES)
    assert tuple(inputs) == INPUT_NAMES
    assert labels.numpy().tolist() == [0, 1] * 5
    for row, matrices in enumerate(random_features.values()):
        for name, num_frames in zip(("mel_narrow", "mel_wide"), NUM_FRAMES, strict=True):
            expected = resized_decibels(matrices[name], num_frames)
            np.testing.assert_allclose(inputs[name][row], expected, atol=1e-4)


def test_mfcc_is_padded_with_zeros_to_the_longest_of_the_batch(prepared, random_features):
    dataset = make_dataset(prepared, random_features, 4, num_frames=NUM_FRAMES)
    matrices = [matrices["mfcc"] for matrices in random_features.values()]
    for number, (inputs, _) in enumerate(dataset):
        own = matrices[4 * number : 4 * number + 4]
        assert inputs["mfcc"].shape == (len(own), max(map(len, own)), 39)
        assert inputs["num_mfcc_frames"].numpy().tolist() == [len(mfcc) for mfcc in own]
        for padded, mfcc in zip(inputs["mfcc"].numpy(), own, strict=True):
            np.testing.assert_array_equal(padded[: len(mfcc)], mfcc)
            assert not padded[len(mfcc) :].any()


def test_without_a_seed_the_order_is_that_of_the_metadata(prepared, random_features):
    rows = prepared.utterances
    ids = ["utt8", "utt1", "utt5"]
    dataset = make_dataset(prepared, ids, 2, num_frames=NUM_FRAMES)
    expected = [rows[number].num_mfcc_frames for number in (1, 5, 8)]
    assert lengths_of(dataset) == [expected[:2], expected[2:]]
    assert dataset.cardinality() == 2
    assert lengths_of(dataset) == lengths_of(dataset)


IN_MEMORY = pytest.mark.parametrize(
    "cache_limit", [2 << 30, 130_000], ids=["in memory", "in parts"]
)


@IN_MEMORY
def test_every_epoch_is_another_permutation(prepared, random_features, monkeypatch, cache_limit):
    monkeypatch.setattr(datasets, "CACHE_LIMIT_BYTES", cache_limit)
    everything = sorted(row.num_mfcc_frames for row in prepared.utterances)
    dataset = shuffled(prepared, random_features, seed=1, batch_size=2, epochs=range(4))
    assert dataset.cardinality() == 4 * 5
    epochs = [flat(batches) for batches in epochs_of(dataset, 4)]
    assert all(sorted(epoch) == everything for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_batches_are_made_up_anew_in_every_epoch(prepared, random_features):
    dataset = shuffled(prepared, random_features, seed=1, batch_size=5, epochs=range(4))
    epochs = {frozenset(map(frozenset, batches)) for batches in epochs_of(dataset, 4)}
    assert len(epochs) > 1


@IN_MEMORY
def test_the_order_is_a_function_of_seed_and_epoch(
    prepared, random_features, monkeypatch, cache_limit
):
    monkeypatch.setattr(datasets, "CACHE_LIMIT_BYTES", cache_limit)
    dataset = shuffled(prepared, random_features, seed=5, batch_size=2, epochs=range(4))
    epochs = epochs_of(dataset, 4)
    assert epochs_of(dataset, 4) == epochs  # reading does not advance it
    tf.random.set_seed(99)  # nor is it of the global seed
    from_the_third = shuffled(prepared, random_features, seed=5, batch_size=2, epochs=range(2, 4))
    assert epochs_of(from_the_third, 2) == epochs[2:]
    other = shuffled(prepared, random_features, seed=6, batch_size=2, epochs=range(4))
    assert epochs_of(other, 4) != epochs


def test_records_are_read_once(prepared, random_features):
    dataset = shuffled(prepared, random_features, seed=1, epochs=range(2))
    expected = lengths_of(dataset)
    for path in prepared.shard_paths:
        path.unlink()
    assert lengths_of(dataset) == expected


def test_features_and_labels_stay_together_when_shuffled(prepared, random_features):
    rows = {row.num_mfcc_frames: row for row in prepared.utterances}
    for inputs, labels in shuffled(prepared, random_features, seed=2):
        for position, length in enumerate(inputs["num_mfcc_frames"].numpy()):
            row = rows[length]
            assert prepared.emotions[labels[position]] == row.emotion
            matrices = random_features[row.utterance_id]
            np.testing.assert_array_equal(inputs["mfcc"][position, :length], matrices["mfcc"])
            expected = resized_decibels(matrices["mel_wide"], NUM_FRAMES[1])
            np.testing.assert_allclose(inputs["mel_wide"][position], expected, atol=1e-4)


def test_the_remainder_is_dropped_only_in_training(prepared, random_features):
    training = shuffled(prepared, random_features, seed=1, batch_size=4)
    assert [len(batch) for batch in lengths_of(training)] == [4, 4]
    assert training.cardinality() == 2
    validation = make_dataset(prepared, random_features, 4, num_frames=NUM_FRAMES)
    assert [len(batch) for batch in lengths_of(validation)] == [4, 4, 2]


def test_fewer_utterances_than_a_batch_give_one_whole_batch(prepared):
    dataset = shuffled(prepared, ["utt1", "utt2", "utt9"], seed=1, batch_size=32)
    assert [len(batch) for batch in lengths_of(dataset)] == [3]
    assert dataset.cardinality() == 1


def test_batches_hold_utterances_of_similar_length(write_folder):
    """Four of 48 drawn at random would span about 29 frames, sorted in windows of 16 about 9."""
    lengths = np.random.default_rng(0).permutation(48) + 5
    mels = {"mel_narrow": np.ones((9, 64)), "mel_wide": np.ones((5, 128))}
    features = {f"utt{n}": {"mfcc": np.ones((n, 39)), **mels} for n in lengths}
    prepared = load_prepared(write_folder(features))
    batches = lengths_of(shuffled(prepared, features, seed=1, batch_size=4))
    assert sorted(flat(batches)) == sorted(lengths)
    assert np.mean([max(batch) - min(batch) for batch in batches]) < 15


def test_padding_is_trimmed_to_the_batch(prepared, random_features):
    for inputs, _ in shuffled(prepared, random_features, seed=3, batch_size=2):
        assert inputs["mfcc"].shape[1] == inputs["num_mfcc_frames"].numpy().max()


@pytest.mark.parametrize(
    "inputs", [("mfcc", "num_mfcc_frames"), ("mel_narrow", "mel_wide"), ("mel_wide",)]
)
def test_only_the_inputs_asked_for_are_given(prepared, random_features, inputs):
    plain = make_dataset(prepared, random_features, 5, num_frames=NUM_FRAMES, inputs=inputs)
    for dataset in (plain, shuffled(prepared, random_features, 1, 5, inputs=inputs)):
        batches = list(dataset)
        assert len(batches) == 2
        assert all(tuple(given) == inputs for given, _ in batches)


def test_shapes_are_known_to_the_model(prepared, random_features):
    inputs, label = shuffled(prepared, random_features, seed=1).element_spec
    assert inputs["mel_narrow"].shape[1:] == (20, 64)
    assert inputs["mel_wide"].shape[1:] == (11, 128)
    assert inputs["mfcc"].shape[1:] == (None, 39)
    assert label.dtype == "int32"


def test_median_is_over_the_utterances_named(prepared):
    ids = ["utt0", "utt3", "utt4", "utt7"]
    rows = [row for row in prepared.utterances if row.utterance_id in ids]
    expected = [
        int(statistics.median(getattr(row, column) for row in rows))
        for column in ("num_frames_narrow", "num_frames_wide")
    ]
    assert list(median_num_frames(prepared, ids)) == expected


@pytest.mark.parametrize("ids", [["utt1", "stranger"], []])
def test_ids_that_are_not_there_are_refused(prepared, ids):
    with pytest.raises(DataError, match="asked for"):
        make_dataset(prepared, ids, 2, num_frames=NUM_FRAMES)
    with pytest.raises(DataError, match="asked for"):
        median_num_frames(prepared, ids)


def test_a_recording_over_the_limit_is_not_trained_on(prepared):
    """A batch is padded to its longest: ten minutes among seconds would take all memory."""
    rows = list(prepared.metadata["utterances"])
    rows[3] = rows[3] | {"duration_seconds": 600.0}
    long = Prepared(prepared.directory, prepared.metadata | {"utterances": rows})
    make_dataset(long, ["utt1", "utt2"], 2, num_frames=(9, 8))
    with pytest.raises(DataError, match=r"'utt3' is 600.0 s long, expected 60 s or less.*prepare"):
        make_dataset(long, ["utt1", "utt3"], 2, num_frames=(9, 8))
