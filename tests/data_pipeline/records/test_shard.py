"""One shard: a record file and what became of its utterances, and nothing else touched."""

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.errors import DataError
from data_pipeline.files import file_sha256
from data_pipeline.records.codec import Example, pack_features
from data_pipeline.records.extracting import Extracted, Rejected
from data_pipeline.records.folder.shard_rows import (
    check_shard_rows,
    read_shard_head,
    read_shard_rows,
    rows_name,
)
from data_pipeline.records.plan import plan_shards
from data_pipeline.records.remarks import RejectedFile
from data_pipeline.records.shard import write_records, write_shard


def test_an_interrupted_shard_leaves_no_record_file(tmp_path, random_features):
    def examples():
        yield Example("utt0", 0, pack_features(**random_features["utt0"]))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_records(tmp_path / "records-00000-of-00001.tfrecord", examples())
    assert not list(tmp_path.iterdir())


@pytest.fixture
def outcomes(make_corpus, random_features):
    """Of four utterances, the third of which is rejected."""
    utterances = make_corpus(4).utterances
    packed = [pack_features(**random_features[f"utt{number}"]) for number in range(4)]
    found = [Extracted(u, 8000, "sum", p) for u, p in zip(utterances, packed, strict=True)]
    return [*found[:2], Rejected(utterances[2], "x.wav: the file is empty"), found[3]]


def test_a_shard_is_a_file_and_its_account(outcomes, tmp_path):
    [shard] = plan_shards([outcome.utterance for outcome in outcomes])
    folder = tmp_path / "out"
    folder.mkdir()
    # A generator: the outcomes need not be there before they are written.
    made = write_shard(folder, shard, "key", iter(outcomes), emotions=("angry", "sad"))
    assert {path.name for path in folder.iterdir()} == {shard.name, rows_name(shard.name)}
    assert made.sha256 == file_sha256(folder / shard.name)
    assert (made.name, made.key, made.examples) == (shard.name, "key", 3)
    rows = list(read_shard_rows(folder, shard.name))
    assert [row.utterance_id for row in rows] == ["utt000", "utt001", "utt003"]
    assert rows[0].duration_seconds == 0.5
    path = str(outcomes[2].utterance.path)
    assert made.rejected == (RejectedFile(path, "utt002", "x.wav: the file is empty"),)
    records = [r.numpy() for r in tf.data.TFRecordDataset(str(folder / shard.name))]
    labels = [
        tf.train.Example.FromString(r).features.feature["label"].int64_list.value[0]
        for r in records
    ]
    np.testing.assert_array_equal(labels, [0, 1, 1])
    assert read_shard_head(folder, shard.name) == made


@pytest.mark.parametrize("damage", [(b'"s1"', b'"s7"'), (b"}\n", b"\n"), (b'"key"', b'"lock"')])
def test_damaged_rows_are_found_and_named(damage, outcomes, tmp_path):
    [shard] = plan_shards([outcome.utterance for outcome in outcomes])
    write_shard(tmp_path, shard, "key", outcomes, emotions=("angry", "sad"))
    check_shard_rows(tmp_path, shard.name)
    path = tmp_path / rows_name(shard.name)
    content = path.read_bytes()
    assert damage[0] in content
    path.write_bytes(content.replace(*damage))
    with pytest.raises(DataError, match="jsonl: cannot be read .*prepare again"):
        check_shard_rows(tmp_path, shard.name)
        read_shard_head(tmp_path, shard.name)


def test_strict_leaves_no_shard(outcomes, tmp_path):
    [shard] = plan_shards([outcome.utterance for outcome in outcomes])
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(DataError, match=r"x.wav: the file is empty \(--strict"):
        write_shard(folder, shard, "key", outcomes, emotions=("angry", "sad"), strict=True)
    assert not list(folder.iterdir())


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(
        DataError, match="one.tfrecord: cannot be written .*another --out"
    ) as caught:
        write_records(tmp_path / "none" / "one.tfrecord", [])
    assert "\n" not in str(caught.value)
