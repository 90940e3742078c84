import zlib

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.records.codec import Example, pack_features, parse_example
from data_pipeline.records.shard import write_records
from data_pipeline.records.verifying import record_dataset

MATRICES = ("mfcc", "mel_narrow", "mel_wide")


def test_records_give_back_every_bit(prepared, random_features):
    parsed = [parse_example(record, MATRICES, (64, 128)) for record in record_dataset(prepared)]
    assert [p["utterance_id"].numpy().decode() for p in parsed] == list(random_features)
    for example, matrices in zip(parsed, random_features.values(), strict=True):
        for name in MATRICES:
            assert example[name].dtype == tf.float32
            np.testing.assert_array_equal(example[name].numpy(), matrices[name])
        assert example["num_frames_wide"].numpy() == len(matrices["mel_wide"])


def test_values_at_the_edge_of_float32_survive(tmp_path):
    mfcc = np.zeros((2, 39), np.float32)
    mfcc[0, :5] = [-0.0, 1e-45, 3.4028235e38, -1e-38, 0.1]
    packed = pack_features(mfcc, np.ones((1, 64)), np.ones((1, 128)))
    write_records(tmp_path / "one.tfrecord", [Example("u", 1, packed)])
    record = next(iter(tf.data.TFRecordDataset(str(tmp_path / "one.tfrecord"))))
    parsed = parse_example(record, ["mfcc"], (64, 128))["mfcc"].numpy()
    assert parsed.tobytes() == mfcc.tobytes()


def test_layout_is_four_byte_planes_in_zlib(prepared, random_features):
    """Read by hand, without the module that writes it."""
    record = next(iter(record_dataset(prepared))).numpy()
    fields = tf.train.Example.FromString(record).features.feature
    planes = np.frombuffer(zlib.decompress(fields["mel_wide"].bytes_list.value[0]), np.uint8)
    values = np.stack(np.split(planes, 4), axis=1).copy().view("<f4").reshape(-1, 128)
    np.testing.assert_array_equal(values, random_features["utt0"]["mel_wide"])
    assert fields["num_frames_wide"].int64_list.value[0] == len(values)
    assert fields["label"].int64_list.value[0] == 0


def test_matrices_not_named_are_not_unpacked(prepared):
    record = next(iter(record_dataset(prepared)))
    assert set(MATRICES) & parse_example(record, ["mfcc"], (64, 128)).keys() == {"mfcc"}


def test_bytes_that_disagree_with_the_frame_count_fail(prepared):
    record = next(iter(record_dataset(prepared))).numpy()
    example = tf.train.Example.FromString(record)
    example.features.feature["num_mfcc_frames"].int64_list.value[0] += 1
    with pytest.raises(tf.errors.InvalidArgumentError):
        parse_example(example.SerializeToString(), ["mfcc"], (64, 128))
