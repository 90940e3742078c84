"""Corpora as strangers bring them: emotions of which nothing is left, odd lengths, odd names."""

import csv
import dataclasses
import os
from pathlib import PosixPath

import numpy as np
import pytest
import soundfile
from format_2 import as_format_2

from data_pipeline.__main__ import main
from data_pipeline.contract import MAX_SECONDS
from data_pipeline.corpora.catalogue import read_corpus
from data_pipeline.errors import DataError
from data_pipeline.records.extracting import extract_opensmile
from data_pipeline.records.prepared import load_prepared
from data_pipeline.records.preparing import prepare
from data_pipeline.records.remarks import notes_on_lengths
from data_pipeline.records.verifying import verify
from data_pipeline.rows import UtteranceRow


def prepare_quietly(corpus, out, **options):
    return prepare(corpus, out, mfcc="tensorflow", show_progress=False, **options)


def spoil(corpus, emotion):
    """Make every file of an emotion one that is no audio."""
    for utterance in corpus.utterances:
        if utterance.emotion == emotion:
            utterance.path.write_bytes(b"\0\0\0\x20ftypM4A " + bytes(100))


# --- Emotions that nobody speaks ---


def test_an_emotion_of_which_nothing_is_kept_is_an_error_that_names_its_files(
    make_corpus, tmp_path
):
    corpus = make_corpus(24)
    spoil(corpus, "sad")
    for _ in range(2):  # the second time from what the first one noted
        with pytest.raises(DataError) as error:
            prepare_quietly(corpus, tmp_path / "out")
        message = str(error.value)
        assert message.startswith(
            f"{tmp_path}/out: nothing could be kept of the emotion sad, 12 rejected: "
            f"{corpus.utterances[1].path}, "
        )
        assert "and 7 more in rejected.csv (12 times: " in message
        assert message.count("utt0") == 5 and "\n" not in message
    assert len((tmp_path / "out" / "rejected.csv").read_text().splitlines()) == 13
    with pytest.raises(DataError, match="unfinished"):
        load_prepared(tmp_path / "out")


def test_the_same_for_a_reader_with_fixed_labels(tmp_path):
    folder = tmp_path / "emodb" / "wav"
    folder.mkdir(parents=True)
    for number, code in enumerate("WFNT" * 2):
        samples = np.random.default_rng(number).normal(0, 0.1, 8000)
        soundfile.write(folder / f"03a0{number}{code}a.wav", samples, 16000)
    corpus = read_corpus("emodb", folder.parent)
    assert prepare_quietly(corpus, tmp_path / "all").counts.kept == 8
    spoil(corpus, "sad")
    with pytest.raises(DataError, match="nothing could be kept of the emotion sad, 2 rejected"):
        prepare_quietly(corpus, tmp_path / "none_usable")
    for path in folder.glob("*T*.wav"):
        path.unlink()
    with pytest.raises(DataError, match="out: no utterance of the emotion sad; expected"):
        prepare_quietly(read_corpus("emodb", folder.parent), tmp_path / "out")


def test_a_folder_of_an_earlier_version_with_such_an_emotion_is_refused(make_corpus, tmp_path):
    corpus = make_corpus(12)
    prepare_quietly(corpus, tmp_path / "out")
    path = tmp_path / "out" / "metadata.json"
    path.write_text(path.read_text().replace('"angry",\n  "sad"', '"angry",\n  "fear",\n  "sad"'))
    with pytest.raises(DataError, match="out: no utterance of the emotion fear"):
        load_prepared(tmp_path / "out")


def test_describe_fails_where_an_emotion_is_too_rare_for_the_folds(make_corpus, tmp_path, capsys):
    corpus = make_corpus(12)
    sad = [u for u in corpus.utterances if u.emotion == "sad"]
    for utterance in sad[3:]:
        utterance.path.write_bytes(b"")
    prepare_quietly(corpus, tmp_path / "out")
    assert main(["describe", str(tmp_path / "out")]) == 1
    captured = capsys.readouterr()
    assert "rejected     3 times, first " in captured.out
    assert captured.err == (
        f"error: {tmp_path}/out: too few utterances of an emotion (sad 3): expected 5 or more of "
        "each; add recordings or leave the emotion out\n"
    )


def test_all_rejected_for_one_cause_says_the_cause(make_corpus, tmp_path):
    corpus = make_corpus(6)
    for utterance in corpus.utterances[:4]:
        utterance.path.unlink()
    for number, utterance in enumerate(corpus.utterances[4:]):
        soundfile.write(utterance.path, np.zeros(100 + 50 * number), 16000)
    with pytest.raises(DataError) as error:
        prepare_quietly(corpus, tmp_path / "out")
    assert str(error.value).startswith(
        f"{tmp_path}/out: none of the 6 utterances could be used (4 times: no such file; check the "
        "path | 2 times: 6.25 ms long; expected at least 25 ms"
    )


# --- Lengths ---


def test_a_recording_that_no_model_answers_is_rejected(make_corpus, tmp_path, capsys):
    corpus = make_corpus(12)
    generator = np.random.default_rng(0)
    for number, seconds in enumerate((MAX_SECONDS, MAX_SECONDS + 0.1)):
        noise = generator.normal(0, 0.1, round(seconds * 16000))
        soundfile.write(corpus.utterances[number].path, noise, 16000)
    ours = prepare_quietly(corpus, tmp_path / "ours")
    theirs = [o.reason for o in extract_opensmile(corpus.utterances[1:2], (256, 512), 1)]
    with (tmp_path / "ours" / "rejected.csv").open(newline="") as file:
        assert [row["reason"] for row in csv.DictReader(file)] == theirs
    assert theirs == [
        f"{corpus.utterances[1].path}: 60.1 s long, expected 60 s or less, the longest that a "
        "model answers: cut it into utterances"
    ]
    assert max(row.duration_seconds for row in ours.utterances) == MAX_SECONDS
    assert main(["describe", str(tmp_path / "ours")]) == 0
    text = capsys.readouterr().out
    assert f"rejected     once, first {corpus.utterances[1].path}: 60.1 s long" in text
    assert "note         1 over 10 times as long as the median of 0.5 s: utt000 (60.0 s)" in text


def test_a_long_recording_of_an_earlier_version_is_left_out_the_next_time(
    make_corpus, tmp_path, monkeypatch
):
    corpus = make_corpus(12)
    long = corpus.utterances[3]
    soundfile.write(long.path, np.random.default_rng(0).normal(0, 0.1, 61 * 16000), 16000)
    monkeypatch.setattr("data_pipeline.records.extracting.MAX_SAMPLES", 10**9)
    before = prepare_quietly(corpus, tmp_path / "out")
    assert "utt003 (61.0 s)" in notes_on_lengths(before.utterances)[0]
    monkeypatch.undo()
    as_format_2(tmp_path / "out")
    after = prepare_quietly(corpus, tmp_path / "out")
    assert (after.counts.kept, after.counts.rejected) == (11, 1)
    assert verify(after) == 11


def test_lengths_of_real_corpora_are_not_noted():
    """IEMOCAP's longest utterance is 34 s, its median 3.5 s."""
    seconds = [0.6, 3.4, 3.5, 3.6, 34.1]
    rows = [
        UtteranceRow(utterance_id="u", speaker="s", emotion="e", duration_seconds=s)
        for s in seconds
    ]
    assert notes_on_lengths(rows) == []


# --- Names ---


@pytest.mark.parametrize("name", [b"Aufnahmen_M\xfcller", "ü" * 120 + "ß", b"a[b]*?"])
def test_every_name_of_a_folder_works(name, make_corpus, tmp_path, capsys):
    corpus = make_corpus(12)
    table = tmp_path / "recordings.csv"
    rows = [f"{u.path},{u.emotion},{u.speaker}" for u in corpus.utterances]
    table.write_text("\n".join(["path,emotion,speaker", *rows]))
    out = str(tmp_path / os.fsdecode(name))
    command = ["prepare", "--corpus", "manifest", "--root", str(table), "--mfcc", "tensorflow"]
    assert main([*command, "--out", out]) == 0
    assert main(["describe", out]) == 0
    assert main(["verify", out]) == 0
    assert "12 records" in capsys.readouterr().out
    # A damaged record and a folder of nobody are told in one line, too.
    record = next(path for path in os.listdir(out) if path.startswith("records"))
    os.truncate(os.path.join(out, record), 100)
    assert main(["verify", out]) == 1
    assert main(["describe", f"{out}/nowhere"]) == 1
    assert capsys.readouterr().err.count("error: ") == 2


def test_long_and_many_labels_stay_apart(make_corpus, tmp_path, capsys):
    corpus = make_corpus(24)
    emotions = ("disgusted", "surprised", "very long label of somebody", "喜び")
    labels = [emotions[n % 4] for n in range(24)]
    utterances = tuple(
        dataclasses.replace(u, emotion=label)
        for u, label in zip(corpus.utterances, labels, strict=True)
    )
    corpus = dataclasses.replace(corpus, emotions=tuple(sorted(emotions)), utterances=utterances)
    prepare_quietly(corpus, tmp_path / "out")
    assert main(["describe", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    [head] = [line for line in lines if "surprised" in line]
    assert "disgusted  surprised  very long label" in head
    assert "disgustedsurprised" not in head
    # Kanji take two columns of a terminal, so the line has two letters less than the others.
    row = next(line for line in lines if line.startswith("all "))
    assert len(row) == len(head) + 2

    many = tuple(f"emotion{n:02d}" for n in range(24))
    utterances = tuple(
        dataclasses.replace(u, emotion=e) for u, e in zip(utterances, many, strict=True)
    )
    prepare_quietly(
        dataclasses.replace(corpus, emotions=many, utterances=utterances), tmp_path / "many"
    )
    assert main(["describe", str(tmp_path / "many")]) == 1  # one utterance of each is too few
    lines = capsys.readouterr().out.splitlines()
    table = lines[: next(n for n, line in enumerate(lines) if line.startswith("protocol"))]
    heads = [line for line in table if line.startswith("    ")]
    assert len(heads) > 1 and max(map(len, heads)) <= 100
    assert " ".join(heads).split() == [*many, "total"]


# --- Files that are not ours ---


def test_what_we_did_not_write_stays(make_corpus, tmp_path):
    corpus, out = make_corpus(4), tmp_path / "out"
    prepare_quietly(corpus, out)
    theirs = (
        "records-of-my-grandmother.txt",
        "records-00000-of-00009.tfrecord.bak",
        "records-notes.partial",
        ".records-mine.1.partial",
        "thesis.partial",
        "thesis.txt",
    )
    for name in theirs:
        (out / name).write_text("precious")
    (out / "records-folder").mkdir()
    (out / "records-00000-of-00009.tfrecord").write_bytes(b"of an earlier plan of ours")
    prepare_quietly(make_corpus(6), out)
    assert all((out / name).read_text() == "precious" for name in theirs)
    assert (out / "records-folder").is_dir()
    assert not (out / "records-00000-of-00009.tfrecord").exists()


@pytest.mark.parametrize("name", ["settings.json", "progress.jsonl"])
@pytest.mark.parametrize(
    "content", ["12\n", "[]\n", '{"settings": 3}\n', '"settings"\n', "\xff\n", ""]
)
def test_a_file_of_another_program_is_left_alone(name, content, make_corpus, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(DataError, match="not empty and not a prepared folder"):
        prepare_quietly(make_corpus(4), out)
    assert (out / name).read_bytes() == content.encode("latin-1")


def test_a_download_that_is_under_way_is_not_an_empty_folder(make_corpus, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "corpus.zip.partial").write_text("half")
    with pytest.raises(DataError, match="not empty and not a prepared folder"):
        prepare_quietly(make_corpus(4), tmp_path / "out")


# --- One file does not end the work ---


class Deadly(PosixPath):
    """A path that ends the process that receives it, as a fault in a library would."""

    def __reduce__(self):
        return os._exit, (9,)

    def __deepcopy__(self, memo):
        return self


def test_a_file_that_ends_its_worker_is_rejected_and_tried_again(make_corpus, tmp_path):
    corpus = make_corpus(8)
    utterances = list(corpus.utterances)
    utterances[2] = dataclasses.replace(utterances[2], path=Deadly(utterances[2].path))
    deadly = dataclasses.replace(corpus, utterances=tuple(utterances))
    options = {"workers": 1, "show_progress": False}
    assert prepare(deadly, tmp_path / "out", **options).counts.kept == 7
    with (tmp_path / "out" / "rejected.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert row["reason"].startswith(f"{row['file']}: could not be processed (its process ended")
    # It may have been the machine: the next time it is tried again.
    assert prepare(corpus, tmp_path / "out", **options).counts.kept == 8


# --- A constant offset ---


@pytest.mark.parametrize("mfcc", ["opensmile", "tensorflow"])
def test_a_constant_offset_is_told_and_kept_with_the_folder(mfcc, make_corpus, tmp_path, capsys):
    corpus = make_corpus(12)
    for number, offset in ((2, 0.1), (5, 0.01), (7, 0.003)):
        path = corpus.utterances[number].path
        soundfile.write(path, soundfile.read(path)[0] + offset, 16000)
    options = {"mfcc": mfcc, "workers": 1, "show_progress": False}
    assert prepare(corpus, tmp_path / "out", **options).offsets.keys() == {"utt002", "utt005"}
    # From what the first run noted: nothing is decoded.
    (tmp_path / "out" / "metadata.json").unlink()
    prepared = prepare(corpus, tmp_path / "out", **options)
    assert prepared.offsets["utt002"] == pytest.approx(-20, abs=0.6)
    assert main(["describe", str(tmp_path / "out")]) == 0
    note = "note         2 with a constant offset: utt002 (-20 dBFS), utt005"
    assert note in capsys.readouterr().out
