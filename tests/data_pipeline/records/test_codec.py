import json
import zlib

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.errors import DataError
from data_pipeline.records.codec import (
    Example,
    load_prepared,
    pack_features,
    parse_example,
    record_dataset,
    write_shard,
)

MATRICES = ("mfcc", "mel_narrow", "mel_wide")


def rewrite_metadata(directory, change):
    path = directory / "metadata.json"
    metadata = json.loads(path.read_text())
    change(metadata)
    path.write_text(json.dumps(metadata))


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
    write_shard(tmp_path / "one.tfrecord", [Example("u", 1, packed)])
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


def test_an_interrupted_shard_leaves_no_record_file(tmp_path, random_features):
    def examples():
        yield Example("utt0", 0, pack_features(**random_features["utt0"]))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path / "records-00000-of-00001.tfrecord", examples())
    assert not list(tmp_path.glob("*.tfrecord"))


def test_load_prepared_reads_properties(prepared):
    assert prepared.corpus == "made_up"
    assert prepared.emotions == ("angry", "sad")
    assert prepared.group_by == "speaker"
    assert [path.name[:13] for path in prepared.shard_paths] == ["records-00000", "records-00001"]


def test_load_prepared_without_a_folder(tmp_path):
    with pytest.raises(DataError, match="none.*no such folder"):
        load_prepared(tmp_path / "none")


def test_load_prepared_of_an_unfinished_folder_says_what_to_run(prepared):
    (prepared.directory / "metadata.json").unlink()
    with pytest.raises(DataError, match="unfinished.*data_pipeline prepare --out"):
        load_prepared(prepared.directory)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '"x"'])
def test_load_prepared_of_damaged_metadata(prepared, text):
    (prepared.directory / "metadata.json").write_text(text)
    with pytest.raises(DataError, match="metadata.json: not the metadata"):
        load_prepared(prepared.directory)


def test_load_prepared_of_another_format(prepared):
    rewrite_metadata(prepared.directory, lambda metadata: metadata.update(format_version=99))
    with pytest.raises(DataError, match="format version 99, expected 2"):
        load_prepared(prepared.directory)


def test_load_prepared_with_a_shard_missing(prepared):
    prepared.shard_paths[1].unlink()
    with pytest.raises(DataError, match="1 record file.* records-00001-of-00002.tfrecord"):
        load_prepared(prepared.directory)
