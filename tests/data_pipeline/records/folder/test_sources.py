"""Contents remembered by what files look like: never one that changed, and no work done twice."""

import hashlib
import os

import pytest

from data_pipeline.records.folder import sources
from data_pipeline.records.folder.sources import SourceMemory
from data_pipeline.records.preparing import prepare

SHARD = "records-00000-of-00001.tfrecord"


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def read(monkeypatch):
    """Names of the files whose content is read."""
    names = []

    def reading(path):
        names.append(path.name)
        return sha256(path)

    monkeypatch.setattr(sources, "file_sha256", reading)
    return names


@pytest.fixture
def settled(monkeypatch):
    """Files that were written just now are taken to be old."""
    monkeypatch.setattr(sources, "SETTLED_NS", -(10**12))


def look(folder, paths, **options):
    memory = SourceMemory(folder, **{"trusted": True} | options)
    found = memory.contents(SHARD, paths)
    memory.remember(SHARD)
    return found


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "audio"
    folder.mkdir()
    paths = [folder / name for name in ("a.wav", "b.wav", "c.wav")]
    for path in paths:
        path.write_bytes(path.name.encode() * 9)
    return paths


def test_a_second_look_reads_nothing(files, tmp_path, read, settled):
    assert look(tmp_path, files) == [sha256(path) for path in files]
    read.clear()
    assert look(tmp_path, files) == [sha256(path) for path in files]
    assert read == []


def test_a_file_of_the_same_size_and_time_that_changed_is_read(files, tmp_path, read, settled):
    look(tmp_path, files)
    before = files[1].stat()
    files[1].write_bytes(b"B.wav" * 9)
    os.utime(files[1], ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (files[1].stat().st_size, files[1].stat().st_mtime_ns) == (
        before.st_size,
        before.st_mtime_ns,
    )
    read.clear()
    assert look(tmp_path, files) == [sha256(path) for path in files]
    assert read == ["b.wav"]


def test_a_file_that_was_exchanged_under_its_name_is_read(files, tmp_path, read, settled):
    look(tmp_path, files)
    other = files[2].with_name("other")
    other.write_bytes(b"C.wav" * 9)
    other.replace(files[2])
    read.clear()
    assert look(tmp_path, files)[2] == sha256(files[2])
    assert read == ["c.wav"]


def test_a_file_written_just_now_is_not_trusted(files, tmp_path, read):
    look(tmp_path, files)
    read.clear()
    look(tmp_path, files)
    assert read == ["a.wav", "b.wav", "c.wav"]


def test_what_cannot_be_read_is_said_and_looked_at_again(files, tmp_path, settled):
    files[0].unlink()
    os.mkfifo(files[0])
    missing = tmp_path / "audio" / "none.wav"
    assert look(tmp_path, [*files[:2], missing])[::2] == ["unreadable", "unreadable"]
    missing.write_bytes(b"now")
    assert look(tmp_path, [*files[:2], missing])[2] == sha256(missing)


def test_small_corpora_are_always_read_and_leave_nothing(files, tmp_path, read, settled):
    look(tmp_path, files, trusted=False)
    look(tmp_path, files, trusted=False)
    assert len(read) == 6
    assert not (tmp_path / "sources.jsonl").exists()


@pytest.mark.parametrize("damage", [b"\n{", b'\n{"shard": "x", "files": {}}', b"\n\xff\xfe"])
def test_a_damaged_memory_costs_time_and_nothing_else(files, tmp_path, read, settled, damage):
    look(tmp_path, files)
    content = (tmp_path / "sources.jsonl").read_bytes()
    (tmp_path / "sources.jsonl").write_bytes(content[: len(content) // 2] + damage)
    assert look(tmp_path, files) == [sha256(path) for path in files]


def test_preparing_a_large_corpus_again_reads_no_file(
    make_corpus, tmp_path, monkeypatch, read, settled
):
    monkeypatch.setattr("data_pipeline.records.preparing.MIN_TRUSTED", 8)
    corpus, out = make_corpus(12), tmp_path / "out"
    options = {"mfcc": "tensorflow", "show_progress": False}
    whole = prepare(corpus, out, **options)
    rows = whole.utterances
    read.clear()
    prepare(corpus, out, **options)
    assert read == []
    # One that changed in secret is made again, and no other.
    path = corpus.utterances[5].path
    before = path.stat()
    path.write_bytes(path.read_bytes()[:-2] + b"\x01\x02")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    changed = prepare(corpus, out, **options)
    assert path.name in read
    assert changed.key != whole.key
    differing = {
        new.utterance_id
        for old, new in zip(rows, changed.utterances, strict=True)
        if old.audio_sha256 != new.audio_sha256
    }
    assert differing == {"utt005"}
