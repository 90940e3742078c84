"""Preparation where the paths are not those of plain files with plain names."""

import csv
import dataclasses
import os
from pathlib import Path

import numpy as np
import soundfile

from data_pipeline.corpora.catalogue import read_corpus
from data_pipeline.records.preparing import prepare


def prepare_quietly(corpus, out):
    return prepare(corpus, out, mfcc="tensorflow", show_progress=False)


def test_named_pipe_device_and_impossible_path_are_rejected(make_corpus, tmp_path):
    corpus = make_corpus(6)
    os.mkfifo(tmp_path / "pipe.wav")
    bad = [tmp_path / "pipe.wav", Path("/dev/zero"), tmp_path / "zero\0byte.wav"]
    utterances = [
        *(dataclasses.replace(corpus.utterances[n], path=path) for n, path in enumerate(bad)),
        *corpus.utterances[3:],
    ]
    prepared = prepare_quietly(
        dataclasses.replace(corpus, utterances=tuple(utterances)), tmp_path / "out"
    )
    assert prepared.counts.rejected == 3
    text = (tmp_path / "out" / "rejected.csv").read_text()
    assert text.count("not a file") == 2


def test_rejected_files_are_named_where_they_are_now(make_corpus, tmp_path):
    corpus = make_corpus(6)
    corpus.utterances[1].path.write_bytes(b"")
    prepare_quietly(corpus, tmp_path / "out")
    # A name on disk need not be UTF-8.
    moved = (tmp_path / "recordings").rename(tmp_path / os.fsdecode(b"else\xffwhere"))
    utterances = tuple(dataclasses.replace(u, path=moved / u.path.name) for u in corpus.utterances)
    prepare_quietly(dataclasses.replace(corpus, utterances=utterances), tmp_path / "out")
    with (tmp_path / "out" / "rejected.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert row["file"] == f"{tmp_path}/else\\udcffwhere/utt001.wav"
    assert row["reason"].startswith(f"{row['file']}: the file is empty")


def test_names_that_are_not_utf8_are_noted_and_rejected(tmp_path):
    folder = tmp_path / os.fsdecode(b"emo\xffdb") / "wav"
    folder.mkdir(parents=True)
    names = [f"03a0{n}{emotion}a.wav".encode() for emotion in "WFNT" for n in (1, 2)]
    for number, name in enumerate([*names, b"03\xff.wav"]):
        samples = np.random.default_rng(number).normal(0, 0.1, 8000)
        # soundfile itself cannot open such a name.
        with (folder / os.fsdecode(name)).open("wb") as file:
            soundfile.write(file, samples, 16000, format="WAV")
    (folder / "03a01Fa.wav").write_bytes(b"")
    prepared = prepare_quietly(read_corpus("emodb", folder.parent), tmp_path / "out")
    assert prepared.notes[0].endswith("left out: 03\\udcff.wav")
    assert "emo\\udcffdb/wav/03a01Fa.wav" in (tmp_path / "out" / "rejected.csv").read_text()
