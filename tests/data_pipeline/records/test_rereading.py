"""The corpus of a prepared folder is read again as it was read for it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_pipeline.__main__ import main
from data_pipeline.corpora.catalogue import read_corpus
from data_pipeline.records.prepared import load_prepared
from data_pipeline.records.rereading import read_again

TURNS = (
    *(("impro01", code) for code in ("ang", "exc", "hap", "neu", "sad", "fru")),
    *(("script01_1", code) for code in ("ang", "exc", "sad")),
)


@pytest.fixture
def root(tmp_path):
    """A corpus in the layout of IEMOCAP, of one session."""
    session = tmp_path / "corpus" / "Session1"
    labels = session / "dialog" / "EmoEvaluation"
    labels.mkdir(parents=True)
    for number, (scenario, code) in enumerate(TURNS):
        dialog = f"Ses01F_{scenario}"
        name = f"{dialog}_{'FM'[number % 2]}{number:03d}"
        with (labels / f"{dialog}.txt").open("a") as file:
            file.write(f"[1.0 - 2.0]\t{name}\t{code}\t[2.0, 2.0, 2.0]\n")
        path = session / "sentences" / "wav" / dialog / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.random.default_rng(number).normal(0, 0.1, 8000), 16000)
    return tmp_path / "corpus"


OPTIONS = {
    "whole": ([], {}),
    "improvised": (["--subset", "improvised"], {"subset": "improvised"}),
    "without excited": (["--happy-without-excited"], {"excited_as_happy": False}),
    "both": (
        ["--subset", "improvised", "--happy-without-excited"],
        {"subset": "improvised", "excited_as_happy": False},
    ),
}


@pytest.mark.parametrize(("flags", "options"), OPTIONS.values(), ids=OPTIONS)
def test_a_folder_is_read_again_as_it_was_prepared(root, tmp_path, flags, options):
    out = tmp_path / "out"
    command = ["prepare", "--corpus", "iemocap", "--root", str(root), "--out", str(out)]
    assert main([*command, "--mfcc", "tensorflow", *flags]) == 0
    metadata = json.loads((out / "metadata.json").read_text())
    assert metadata["reader_options"] == options
    assert metadata["subset"] == options.get("subset", "all")

    prepared = load_prepared(out)
    # The corpus may have been moved since.
    moved = shutil.move(root, tmp_path / "elsewhere")
    again = read_again(prepared, moved)
    assert again == read_corpus("iemocap", moved, **options)
    of_records = {row.utterance_id: row.emotion for row in prepared.utterances}
    assert {u.utterance_id: u.emotion for u in again.utterances} == of_records
    assert again.left_out == prepared.counts.left_out

    # A folder of before does not say so itself.
    del metadata["reader_options"]
    (out / "metadata.json").write_text(json.dumps(metadata))
    assert read_again(load_prepared(out), Path(moved)) == again
