"""Balance: every emotion of every corpus equally often, in epochs of the same length."""

from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.batches import datasets
from data_pipeline.batches.balance import balanced_order, cells_of
from data_pipeline.batches.datasets import make_training_dataset
from data_pipeline.records.prepared import load_prepared
from data_pipeline.rows import UtteranceRow


def row(corpus, emotion):
    return UtteranceRow(utterance_id="u", speaker="s", corpus=corpus, emotion=emotion)


def test_a_cell_is_an_emotion_of_a_corpus():
    pairs = [("a", "sad"), ("a", "happy"), ("b", "sad"), ("a", "sad"), ("b", "happy")]
    cells = cells_of([row(*pair) for pair in pairs])
    assert len(set(cells.tolist())) == 4
    assert cells[0] == cells[3]


@pytest.mark.parametrize("sizes", [(50, 7, 20), (3, 3), (100, 1), (10,)])
def test_cells_come_equally_often_and_their_utterances_in_turn(sizes):
    cells = np.repeat(np.arange(len(sizes)), sizes)
    cells = np.random.default_rng(0).permutation(cells).astype(np.int32)
    order = balanced_order(tf.constant(cells), tf.constant([1, 2])).numpy()
    assert len(order) == len(cells)
    counts = np.bincount(cells[order], minlength=len(sizes))
    assert counts.max() - counts.min() <= 1
    for cell, size in enumerate(sizes):
        often = Counter(order[cells[order] == cell].tolist())
        # Each once before any comes again.
        most, least = max(often.values()), min(often.values())
        assert most - least <= 1 if len(often) == size else most == 1
    other = balanced_order(tf.constant(cells), tf.constant([1, 3])).numpy()
    assert len(cells) < 20 or (order != other).any()


@pytest.mark.parametrize("limit", [2 << 30, 280_000], ids=["in memory", "in parts"])
def test_training_batches_are_balanced_where_it_is_asked_for(
    write_folder, random_features, monkeypatch, limit
):
    monkeypatch.setattr(datasets, "CACHE_LIMIT_BYTES", limit)
    shape = {"mfcc": (4, 39), "mel_narrow": (6, 64), "mel_wide": (3, 128)}
    features = {f"u{n:03d}": {k: np.ones(v) for k, v in shape.items()} for n in range(256)}
    prepared = load_prepared(write_folder(features, 8))
    rare = set(np.random.default_rng(0).permutation(128)[:32] * 2)
    rows = enumerate(prepared.utterances)
    chosen = [row.utterance_id for n, row in rows if n % 2 or n in rare]
    options = {"num_frames": (2, 2), "inputs": ("mfcc", "num_mfcc_frames"), "epochs": range(5)}

    def labels(balanced):
        batches = make_training_dataset(prepared, chosen, 8, seed=3, balanced=balanced, **options)
        return np.concatenate([batch.numpy() for _, batch in batches]).reshape(5, -1)

    assert [np.bincount(epoch).tolist() for epoch in labels(balanced=False)] == [[32, 128]] * 5
    balanced = labels(balanced=True)
    assert balanced.shape == (5, 160)
    assert all(np.bincount(epoch).tolist() == [80, 80] for epoch in balanced)
    np.testing.assert_array_equal(balanced, labels(balanced=True))
