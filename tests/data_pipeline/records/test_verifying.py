import hashlib

import numpy as np
import pytest

from data_pipeline.errors import DataError
from data_pipeline.records.prepared import load_prepared
from data_pipeline.records.verifying import verify


def test_verify_counts_the_records(prepared):
    assert verify(prepared) == 10


def test_verify_finds_a_flipped_bit(prepared):
    path = prepared.shard_paths[1]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="records-00001-of-00002.tfrecord: the checksum differs"):
        verify(prepared)


@pytest.mark.parametrize(
    ("field", "value"),
    [("utterance_id", "other"), ("emotion", "angry"), ("num_frames_narrow", 1)],
)
def test_verify_finds_a_row_that_is_not_the_record(prepared, field, value):
    prepared.metadata["utterances"][3][field] = value
    with pytest.raises(DataError, match=f"record 3 has {field}"):
        verify(prepared)


@pytest.mark.parametrize("change", [lambda rows: rows.pop(), lambda rows: rows.append(rows[0])])
def test_verify_finds_records_too_many_or_too_few(prepared, change):
    change(prepared.metadata["utterances"])
    with pytest.raises(DataError, match="record"):
        verify(prepared)


def test_verify_finds_a_cut_shard_even_with_its_checksum(prepared):
    path = prepared.shard_paths[0]
    path.write_bytes(path.read_bytes()[:-100])
    sums = prepared.metadata["shards"][path.name]
    sums["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(DataError, match="does not parse"):
        verify(prepared)


def test_verify_finds_nan(write_folder, random_features):
    random_features["utt4"]["mel_wide"][1, 2] = np.nan
    with pytest.raises(DataError, match="mel_wide of utt4 has NaN"):
        verify(load_prepared(write_folder(random_features)))
