"""One shard: a record file and what became of its utterances, and nothing else touched."""

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.errors import DataError
from data_pipeline.files import file_sha256
from data_pipeline.records.codec import Example, pack_features
from data_pipeline.records.extracting import Extracted, Rejected
from data_pipeline.records.finished import FinishedShard, RejectedFile
from data_pipeline.records.plan import plan_shards
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
    [shard] = plan_shards([outcome.utterance for outcome in outcomes], {})
    folder = tmp_path / "out"
    folder.mkdir()
    # A generator: the outcomes need not be there before they are written.
    made = write_shard(folder, shard, iter(outcomes), emotions=("angry", "sad"))
    assert [path.name for path in folder.iterdir()] == [shard.name] == [made.name]
    assert made.sha256 == file_sha256(folder / shard.name)
    assert made.key == shard.key
    assert [row.utterance_id for row in made.utterances] == ["utt000", "utt001", "utt003"]
    assert made.utterances[0].duration_seconds == 0.5
    path = str(outcomes[2].utterance.path)
    assert made.rejected == (RejectedFile(path, "utt002", "x.wav: the file is empty"),)
    records = [r.numpy() for r in tf.data.TFRecordDataset(str(folder / shard.name))]
    labels = [
        tf.train.Example.FromString(r).features.feature["label"].int64_list.value[0]
        for r in records
    ]
    np.testing.assert_array_equal(labels, [0, 1, 1])
    assert FinishedShard.from_json(made.to_json()) == made


def test_strict_leaves_no_shard(outcomes, tmp_path):
    [shard] = plan_shards([outcome.utterance for outcome in outcomes], {})
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(DataError, match=r"x.wav: the file is empty \(--strict"):
        write_shard(folder, shard, outcomes, emotions=("angry", "sad"), strict=True)
    assert not list(folder.iterdir())


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(
        DataError, match="one.tfrecord: cannot be written .*another --out"
    ) as caught:
        write_records(tmp_path / "none" / "one.tfrecord", [])
    assert "\n" not in str(caught.value)
