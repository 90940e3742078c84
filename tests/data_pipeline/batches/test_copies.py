"""Copies at other speeds: made by `prepare`, put beside the recordings, and nobody's test."""

import csv

import numpy as np
import pytest
import soundfile

from data_pipeline.__main__ import main
from data_pipeline.batches.copies import copies_of, with_copies
from data_pipeline.batches.datasets import make_dataset
from data_pipeline.contract import POSITION
from data_pipeline.errors import DataError
from data_pipeline.records.prepared import load_prepared
from data_pipeline.records.together import load_together

NAMES = [f"{speaker}_{emotion}" for speaker in ("anna", "ben") for emotion in ("angry", "sad")]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Prepared folders by speed, of four recordings of a tone of 1 kHz."""
    folder = tmp_path_factory.mktemp("copies")
    time = np.arange(16000) / 16000
    for number, name in enumerate(NAMES):
        wave = 0.3 * np.sin(2 * np.pi * 1000 * time) + 0.01 * number * np.sin(2e4 * time)
        soundfile.write(folder / f"{name}.wav", wave, 16000)
    with (folder / "list.csv").open("w", newline="") as file:
        rows = [(f"{name}.wav", name.split("_")[1], name.split("_")[0]) for name in NAMES]
        csv.writer(file).writerows([("path", "emotion", "speaker"), *rows])
    for speed in ("1", "0.8", "1.25"):
        command = ["--corpus", "manifest", "--root", folder / "list.csv", "--speed", speed]
        command += ["--out", folder / speed, "--workers", "1", "--mfcc", "opensmile"]
        assert main(["prepare", *map(str, command)]) == 0
    return folder


def test_a_copy_is_shorter_and_higher_or_longer_and_lower(folders):
    prepared = {speed: load_prepared(folders / speed) for speed in ("0.8", "1", "1.25")}
    for speed, folder in prepared.items():
        assert folder.features.speed == float(speed)
        for row in folder.utterances:
            assert row.duration_seconds == pytest.approx(1 / float(speed), abs=1e-3)
    loudest = {}
    for speed, folder in prepared.items():
        ids = [row.utterance_id for row in folder.utterances]
        [(inputs, _)] = make_dataset(folder, ids, 4, num_frames=(50, 25))
        loudest[speed] = inputs["mel_wide"].numpy().mean(axis=(0, 1)).argmax()
    assert loudest["0.8"] < loudest["1"] < loudest["1.25"]


def test_copies_stand_behind_the_recordings_and_have_voices_of_their_own(folders):
    prepared = load_together([folders / "1"])
    both = with_copies(prepared, [folders / "1.25", folders / "0.8"])
    assert both.speeds == (0.8, 1.25)
    assert both.originals == prepared.utterances == both.utterances[:4]
    ids = [row.utterance_id for row in prepared.utterances]
    wanted = copies_of(both, ids[:1])
    assert wanted == [f"{ids[0]}@0.8", f"{ids[0]}@1.25"]
    assert copies_of(prepared, ids) == []
    speakers = {row.utterance_id: row.speaker for row in both.utterances}
    assert speakers[wanted[0]] == f"{speakers[ids[0]]}@0.8"
    # The records are read: the positions that come are those of the rows.
    inputs = ("mfcc", "num_mfcc_frames", POSITION)
    [(batch, _)] = make_dataset(both, [*ids[:1], *wanted], 8, num_frames=(50, 25), inputs=inputs)
    rows = [both.utterances[n] for n in batch[POSITION].numpy()]
    assert {row.utterance_id for row in rows} == {ids[0], *wanted}
    lengths = batch["num_mfcc_frames"].numpy()
    assert [row.num_mfcc_frames for row in rows] == lengths.tolist()
    assert len(set(lengths.tolist())) == 3


def test_what_is_no_copy_of_this_corpus_is_refused(folders, tmp_path):
    prepared = load_together([folders / "1"])
    with pytest.raises(DataError, match="its recordings have their own speed"):
        with_copies(prepared, [folders / "1"])
    command = ["--corpus", "manifest", "--root", folders / "list.csv", "--out", tmp_path / "other"]
    command += ["--speed", "0.9", "--name", "other", "--workers", "1"]
    assert main(["prepare", *map(str, command)]) == 0
    with pytest.raises(DataError, match="holds copies of other"):
        with_copies(prepared, [tmp_path / "other"])


def test_a_folder_of_another_speed_is_another_folder(folders, capsys):
    command = ["--corpus", "manifest", "--root", folders / "list.csv", "--out", folders / "1"]
    assert main(["prepare", *map(str, command), "--speed", "0.9"]) == 1
    assert "was prepared with other settings" in capsys.readouterr().err
