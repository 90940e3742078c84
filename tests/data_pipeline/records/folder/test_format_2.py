"""Folders of format 2: read as they are, and gone on with without computing anything again."""

import json

import pytest
from format_2 import as_format_2

from data_pipeline.errors import DataError
from data_pipeline.records.prepared import load_prepared
from data_pipeline.records.preparing import prepare
from data_pipeline.records.verifying import verify


def prepare_quietly(corpus, out, **options):
    return prepare(corpus, out, mfcc="tensorflow", show_progress=False, **options)


def written_at(folder, suffix=""):
    return {p.name: p.stat().st_mtime_ns for p in folder.iterdir() if p.name.endswith(suffix)}


@pytest.fixture
def both(make_corpus, tmp_path):
    """A corpus with a file that is rejected, its folder of today, and one of format 2."""
    corpus = make_corpus(12)
    corpus.utterances[7].path.write_bytes(b"no audio")
    new = prepare_quietly(corpus, tmp_path / "new")
    prepare_quietly(corpus, tmp_path / "old")
    return corpus, new, as_format_2(tmp_path / "old")


def test_it_says_what_a_folder_of_today_says(both):
    _, new, old = both
    read = load_prepared(old)
    assert read.utterances == new.utterances and len(read.utterances) == 11
    for name in ("counts", "record_files", "key", "emotions", "identity", "offsets"):
        assert getattr(read, name) == getattr(new, name)
    assert verify(read) == 11


def test_preparing_again_keeps_its_records_and_writes_the_rows_beside_them(both):
    corpus, new, old = both
    before = written_at(old, ".tfrecord")
    again = prepare_quietly(corpus, old)
    assert written_at(old, ".tfrecord") == before
    assert again.metadata == new.metadata and not again.is_format_2
    contents = [{p.name: p.read_bytes() for p in f.iterdir()} for f in (old, new.directory)]
    assert contents[0] == contents[1]


def test_one_that_was_never_finished_is_gone_on_with(both):
    corpus, new, old = both
    (old / "metadata.json").unlink()
    before = written_at(old, ".tfrecord")
    lines = (old / "progress.jsonl").read_text()
    (old / "progress.jsonl").write_text(lines + '\n{"name": "records-0')
    assert prepare_quietly(corpus, old).metadata == new.metadata
    assert written_at(old, ".tfrecord") == before


def test_other_settings_leave_it_as_it_was(both):
    corpus, _, old = both
    before = {path.name: path.read_bytes() for path in old.iterdir()}
    with pytest.raises(DataError, match="other settings .features"):
        prepare_quietly(corpus, old, n_fft=(512, 1024))
    assert {path.name: path.read_bytes() for path in old.iterdir()} == before
    assert json.loads(before["metadata.json"])["format_version"] == 2
