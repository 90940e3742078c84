import csv
import dataclasses
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from data_pipeline.audio.reading import load_waveform
from data_pipeline.corpora.catalogue import read_corpus
from data_pipeline.errors import DataError
from data_pipeline.features.mel import log_compress, mel_spectrogram
from data_pipeline.features.mfcc import opensmile_mfcc
from data_pipeline.records import plan
from data_pipeline.records.codec import parse_example
from data_pipeline.records.folder.finished import locked_folder
from data_pipeline.records.plan import plan_shards
from data_pipeline.records.prepared import Counts, load_prepared
from data_pipeline.records.preparing import prepare
from data_pipeline.records.verifying import record_dataset, verify

MATRICES = ("mfcc", "mel_narrow", "mel_wide")


def prepare_quietly(corpus, out, **options):
    """By the TensorFlow extractor: it starts no processes, so the tests stay quick."""
    return prepare(corpus, out, **{"mfcc": "tensorflow", "show_progress": False} | options)


def records(prepared):
    """utterance id -> parsed record."""
    parsed = [parse_example(record, MATRICES, (64, 128)) for record in record_dataset(prepared)]
    return {example["utterance_id"].numpy().decode(): example for example in parsed}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def written_at(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


@pytest.fixture
def small_shards(monkeypatch):
    """Four utterances a shard on average."""
    monkeypatch.setattr(plan, "SHARD_SIZE", 4)


def test_records_hold_the_features_whatever_the_number_of_workers(make_corpus, tmp_path):
    corpus = make_corpus(10)
    options = {"mfcc": "opensmile", "show_progress": False}
    prepared = prepare(corpus, tmp_path / "one", workers=1, **options)
    prepare(corpus, tmp_path / "two", workers=2, **options)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert verify(prepared) == 10

    utterance = corpus.utterances[7]
    waveform = load_waveform(utterance.path)
    record = records(prepared)[utterance.utterance_id]
    np.testing.assert_array_equal(record["mfcc"], opensmile_mfcc(waveform))
    # The last bit depends on the number of threads of a matrix product, here all, there one.
    np.testing.assert_allclose(record["mel_narrow"], mel_spectrogram(waveform, 256), rtol=1e-5)
    np.testing.assert_allclose(record["mel_wide"], mel_spectrogram(waveform, 512), rtol=1e-5)
    assert record["label"] == 1


def test_our_own_features_do_not_depend_on_workers_or_neighbours(make_corpus, tmp_path):
    corpus = make_corpus(20)
    prepare_quietly(corpus, tmp_path / "one", workers=1)
    prepare_quietly(corpus, tmp_path / "two", workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    few = dataclasses.replace(corpus, utterances=corpus.utterances[5:7])
    alone = records(prepare_quietly(few, tmp_path / "few"))
    among = records(load_prepared(tmp_path / "two"))
    for utterance_id, record in alone.items():
        for name in MATRICES:
            np.testing.assert_array_equal(record[name], among[utterance_id][name])


def test_metadata_says_what_is_inside(make_corpus, tmp_path):
    corpus = make_corpus(6)
    prepared = prepare_quietly(corpus, tmp_path / "out", n_fft=(128, 256))
    metadata = json.loads((tmp_path / "out" / "metadata.json").read_text())
    assert metadata["features"] == {
        "sample_rate": 16000,
        "mfcc": "tensorflow",
        "n_fft": [128, 256],
    }
    emotions = {"angry": 3, "sad": 3}
    counts = {"kept": 6, "rejected": 0, "left_out": {"X": 2}, "emotions": emotions}
    assert metadata["counts"] == counts
    assert metadata["versions"].keys() >= {"numpy", "librosa", "tensorflow"}
    [shard] = metadata["shards"].values()
    assert shard["examples"] == 6
    row = next(row for row in prepared.utterances if row.utterance_id == "utt003")
    samples = np.clip(load_waveform(corpus.utterances[3].path), -1, 1)
    assert row.audio_sha256 == hashlib.sha256(samples.astype("<f4").tobytes()).hexdigest()
    assert row.duration_seconds == pytest.approx(0.45)
    assert (row.emotion, row.speaker, row.text) == ("sad", "s1", "t0")
    assert row.num_mfcc_frames == (7200 - 400) // 160 + 1
    assert row.num_frames_narrow == 7200 // 64 + 1


def test_both_extractors_agree_on_real_speech(tmp_path):
    root = os.environ.get("SER_EMODB_ROOT")
    if not root:
        pytest.skip("SER_EMODB_ROOT is not set: no recordings to prepare")
    corpus = read_corpus("emodb", root)
    corpus = dataclasses.replace(corpus, utterances=corpus.utterances[::29])
    ours = records(prepare_quietly(corpus, tmp_path / "ours"))
    theirs = records(
        prepare(corpus, tmp_path / "theirs", mfcc="opensmile", workers=1, show_progress=False)
    )
    assert len(ours) == len(corpus.utterances) == 12
    for utterance_id, record in ours.items():
        np.testing.assert_allclose(record["mfcc"], theirs[utterance_id]["mfcc"], atol=1e-3)
        for name in ("mel_narrow", "mel_wide"):
            decibels = [log_compress(r[name]) for r in (record, theirs[utterance_id])]
            np.testing.assert_allclose(*decibels, atol=0.01)


def test_bad_files_are_listed_and_the_rest_goes_on(make_corpus, tmp_path):
    corpus = make_corpus(8)
    corpus.utterances[1].path.write_bytes(b"")
    corpus.utterances[4].path.unlink()
    prepared = prepare_quietly(corpus, tmp_path / "out")
    with (tmp_path / "out" / "rejected.csv").open(newline="") as file:
        rejected = {row["utterance_id"]: row for row in csv.DictReader(file)}
    assert rejected.keys() == {"utt001", "utt004"}
    assert rejected["utt001"]["file"] == str(corpus.utterances[1].path)
    assert "empty" in rejected["utt001"]["reason"]
    assert "no such file" in rejected["utt004"]["reason"]
    kept = {row.utterance_id for row in prepared.utterances}
    assert kept | rejected.keys() == {utterance.utterance_id for utterance in corpus.utterances}
    assert prepared.counts == Counts(6, 2, {"X": 2}, {"angry": 3, "sad": 3})
    assert verify(prepared) == 6


def test_strict_stops_at_a_bad_file_and_names_it(make_corpus, tmp_path):
    corpus = make_corpus(4)
    corpus.utterances[2].path.write_bytes(b"no audio")
    with pytest.raises(DataError, match="utt002.wav.*strict"):
        prepare_quietly(corpus, tmp_path / "out", strict=True)
    with pytest.raises(DataError, match="unfinished"):
        load_prepared(tmp_path / "out")


def test_strict_refuses_a_bad_file_found_before(make_corpus, tmp_path):
    corpus = make_corpus(4)
    corpus.utterances[2].path.write_bytes(b"no audio")
    prepare_quietly(corpus, tmp_path / "out")
    with pytest.raises(DataError, match="utt002.wav.*strict"):
        prepare_quietly(corpus, tmp_path / "out", strict=True)


def test_no_usable_file_is_an_error(make_corpus, tmp_path):
    corpus = make_corpus(2)
    for utterance in corpus.utterances:
        utterance.path.write_bytes(b"no audio")
    with pytest.raises(DataError, match="none of the 2 utterances.*rejected.csv"):
        prepare_quietly(corpus, tmp_path / "out")


def test_again_does_nothing(make_corpus, tmp_path):
    corpus = make_corpus(4)
    first = prepare_quietly(corpus, tmp_path / "out")
    before = written_at(tmp_path / "out")
    assert prepare_quietly(corpus, tmp_path / "out").metadata == first.metadata
    assert written_at(tmp_path / "out") == before


def test_damaged_metadata_is_written_again(make_corpus, tmp_path):
    corpus = make_corpus(4)
    first = prepare_quietly(corpus, tmp_path / "out").metadata
    (tmp_path / "out" / "metadata.json").write_text("{")
    assert prepare_quietly(corpus, tmp_path / "out").metadata == first


def test_a_corpus_that_was_moved_is_the_same_corpus(make_corpus, tmp_path):
    corpus = make_corpus(4)
    prepare_quietly(corpus, tmp_path / "out")
    before = written_at(tmp_path / "out")
    moved = (tmp_path / "recordings").rename(tmp_path / "elsewhere")
    utterances = tuple(dataclasses.replace(u, path=moved / u.path.name) for u in corpus.utterances)
    prepare_quietly(dataclasses.replace(corpus, utterances=utterances), tmp_path / "out")
    assert written_at(tmp_path / "out") == before


def test_other_settings_are_refused_by_name(make_corpus, tmp_path):
    corpus = make_corpus(4)
    prepare_quietly(corpus, tmp_path / "out")
    before = contents(tmp_path / "out")
    with pytest.raises(DataError, match=r"features.*256, 512.*there.*512, 1024.*now.*--out"):
        prepare_quietly(corpus, tmp_path / "out", n_fft=(512, 1024))
    with pytest.raises(DataError, match='label_map.*"A": "angry".*another --out'):
        other = dataclasses.replace(corpus, label_map={"S": "sad"})
        prepare_quietly(other, tmp_path / "out")
    assert contents(tmp_path / "out") == before


def test_a_folder_that_holds_something_else_is_left_alone(make_corpus, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("precious")
    with pytest.raises(DataError, match="out: not empty and not a prepared folder"):
        prepare_quietly(make_corpus(2), tmp_path / "out")
    assert contents(tmp_path / "out") == {"thesis.txt": b"precious"}
    with pytest.raises(DataError, match="is a file"):
        prepare_quietly(make_corpus(2), tmp_path / "out" / "thesis.txt")


def test_an_added_utterance_changes_its_own_shard_only(make_corpus, small_shards):
    utterances = make_corpus(14).utterances
    before = plan_shards(utterances[:13])
    after = plan_shards(utterances)
    assert len(before) == 4
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert [utterances[13] in shard.utterances for shard in changed] == [True]
    assert sorted(u.utterance_id for shard in after for u in shard.utterances) == [
        utterance.utterance_id for utterance in utterances
    ]


def test_a_changed_file_remakes_its_own_shard_only(make_corpus, tmp_path, small_shards):
    corpus = make_corpus(12)
    first = prepare_quietly(corpus, tmp_path / "out")
    before = written_at(tmp_path / "out")
    corpus.utterances[5].path.write_bytes(corpus.utterances[7].path.read_bytes())
    second = prepare_quietly(corpus, tmp_path / "out")
    after = written_at(tmp_path / "out")
    remade = [path.name for path in first.shard_paths if before[path.name] != after[path.name]]
    assert len(remade) == 1 < len(first.shard_paths)
    sums = {row.utterance_id: row.audio_sha256 for row in second.utterances}
    assert sums["utt005"] == sums["utt007"]
    assert verify(second) == 12


def test_damaged_and_missing_shards_are_made_again(make_corpus, tmp_path, small_shards):
    corpus = make_corpus(12)
    shards = prepare_quietly(corpus, tmp_path / "out").shard_paths
    whole = {path: path.read_bytes() for path in shards}
    shards[0].write_bytes(whole[shards[0]][:-1])
    shards[1].unlink()
    kept = shards[2].stat().st_mtime_ns
    verify(prepare_quietly(corpus, tmp_path / "out"))
    assert {path: path.read_bytes() for path in shards} == whole
    assert shards[2].stat().st_mtime_ns == kept


def test_an_interrupted_preparation_goes_on_from_the_finished_shards(
    make_corpus, tmp_path, small_shards
):
    corpus = make_corpus(12)
    whole = prepare_quietly(corpus, tmp_path / "whole").metadata
    bad = plan_shards(corpus.utterances)[-1].utterances[-1].path
    content = bad.read_bytes()
    bad.write_bytes(b"no audio")
    with pytest.raises(DataError):
        prepare_quietly(corpus, tmp_path / "out", strict=True)
    bad.write_bytes(content)
    before = written_at(tmp_path / "out")
    assert prepare_quietly(corpus, tmp_path / "out").metadata == whole
    after = written_at(tmp_path / "out")
    finished = [name for name in before if name.endswith(".tfrecord")]
    assert finished
    assert all(before[name] == after[name] for name in finished)
    assert prepare_quietly(corpus, tmp_path / "out").metadata == whole


LEFT_BY_KILLED_PROCESSES = (
    ".records-00000-of-00001.tfrecord.4711.partial",
    ".metadata.json.4711.partial",
    ".records-00000-of-00001.jsonl.4711.partial",
    ".settings.json.4711.partial",
    ".sources.jsonl.4711.partial",
    ".progress.jsonl.4711.partial",
    ".rejected.csv.4711.partial",
    # As earlier versions named them.
    "records-00000-of-00001.partial",
    "metadata.partial",
    "progress.partial",
    "rejected.partial",
)


@pytest.mark.parametrize("before", ["nothing", "a whole folder"])
def test_what_killed_processes_were_writing_is_removed(make_corpus, tmp_path, before):
    corpus, out = make_corpus(2), tmp_path / "out"
    if before == "nothing":
        out.mkdir()
    else:
        prepare_quietly(corpus, out)
    for name in LEFT_BY_KILLED_PROCESSES:
        (out / name).write_bytes(b"half")
    # Another program's: it may be at work at this moment.
    (out / ".functionals.npz.4711.partial").write_bytes(b"half")
    prepare_quietly(corpus, out)
    assert {path.name for path in out.iterdir()} == {
        "metadata.json",
        "settings.json",
        "records-00000-of-00001.jsonl",
        "records-00000-of-00001.tfrecord",
        "rejected.csv",
        ".functionals.npz.4711.partial",
    }


def test_two_preparations_of_one_folder_are_kept_apart(make_corpus, tmp_path):
    corpus = make_corpus(2)
    with (
        locked_folder(tmp_path / "out"),
        pytest.raises(DataError, match="another process is preparing"),
    ):
        prepare_quietly(corpus, tmp_path / "out")


def start_command(root, out):
    """`prepare` as a process of its own, stopped in the middle of its work by the caller."""
    rows = [f"{path},{'sad' if n % 2 else 'angry'},s{n % 4}" for n, path in enumerate(root)]
    table = out.parent / "recordings.csv"
    table.write_text("\n".join(["path,emotion,speaker", *rows]))
    command = [sys.executable, "-m", "data_pipeline", "prepare", "--corpus", "manifest"]
    command += ["--root", str(table), "--out", str(out), "--workers", "1"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts its background jobs with Ctrl-C ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 60
    while not (out / "settings.json").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return process


def test_killed_in_the_middle(make_corpus, tmp_path):
    paths = [utterance.path for utterance in make_corpus(200).utterances]
    process = start_command(paths, tmp_path / "out")
    worker = None
    while worker is None:
        worker = next(iter(psutil.Process(process.pid).children(recursive=True)), None)
    process.kill()
    process.communicate()
    with pytest.raises(DataError, match="unfinished.*data_pipeline prepare --out"):
        load_prepared(tmp_path / "out")
    psutil.wait_procs([worker], timeout=10)
    assert not worker.is_running()


def test_ctrl_c_stops_tidily(make_corpus, tmp_path):
    paths = [utterance.path for utterance in make_corpus(200).utterances]
    process = start_command(paths, tmp_path / "out")
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert error.endswith("\nstopped; the same command goes on from here\n")
    assert "Traceback" not in error
    assert not (tmp_path / "out" / "metadata.json").exists()


def test_damaged_rows_are_made_again(make_corpus, tmp_path):
    corpus, out = make_corpus(4), tmp_path / "out"
    prepare(corpus, out, mfcc="tensorflow", show_progress=False)
    [path] = out.glob("records-*.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"utt', b'"ut'))
    assert path.read_bytes() != whole
    prepare(corpus, out, mfcc="tensorflow", show_progress=False)
    assert path.read_bytes() == whole
