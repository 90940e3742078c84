"""A prepared folder as it is read: what it says of itself, and what is refused."""

import json

import pytest

from data_pipeline.errors import DataError
from data_pipeline.records.prepared import Counts, FeatureSettings, Prepared, load_prepared
from data_pipeline.rows import UtteranceRow


def rewrite_metadata(directory, change):
    path = directory / "metadata.json"
    metadata = json.loads(path.read_text())
    change(metadata)
    path.write_text(json.dumps(metadata))


def test_load_prepared_reads_properties(prepared):
    assert prepared.corpus == "made_up"
    assert prepared.emotions == ("angry", "sad")
    assert prepared.group_by == "speaker"
    assert prepared.subset == "all"
    assert prepared.features == FeatureSettings(16000, "opensmile", (256, 512))
    assert prepared.features.n_mels == (64, 128)
    assert prepared.counts == Counts(
        kept=10, rejected=0, left_out={}, emotions={"angry": 5, "sad": 5}
    )
    assert [file.examples for file in prepared.record_files.values()] == [5, 5]
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
    with pytest.raises(DataError, match="format version 99, expected 2 or 3"):
        load_prepared(prepared.directory)


def test_load_prepared_with_a_shard_missing(prepared):
    prepared.shard_paths[1].unlink()
    with pytest.raises(DataError, match="1 record file.* records-00001-of-00002.tfrecord"):
        load_prepared(prepared.directory)


def test_rows_are_of_the_frozen_type_and_made_once(prepared):
    assert prepared.utterances is prepared.utterances
    assert all(isinstance(row, UtteranceRow) for row in prepared.utterances)
    content = json.loads((prepared.directory / "metadata.json").read_text())
    assert [row.to_json() for row in prepared.utterances] == content["utterances"]


@pytest.mark.parametrize(
    ("corpus", "subset", "label_map", "expected"),
    [
        ("iemocap", "all", {"ang": "angry", "exc": "happy"}, {}),
        ("iemocap", "improvised", {"ang": "angry", "exc": "happy"}, {"subset": "improvised"}),
        ("demo", "all", {"ang": "angry"}, {"excited_as_happy": False}),
        ("emodb", "all", {"W": "angry"}, {}),
    ],
)
def test_a_folder_of_before_tells_its_options_by_subset_and_labels(
    tmp_path, corpus, subset, label_map, expected
):
    metadata = {"corpus": corpus, "subset": subset, "label_map": label_map}
    assert Prepared(tmp_path, metadata).reader_options == expected
    # What a folder says itself goes before what it looks like.
    told = Prepared(tmp_path, metadata | {"reader_options": {"subset": "scripted"}})
    assert told.reader_options == {"subset": "scripted"}
