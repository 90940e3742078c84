"""The model that comes with the project: whole, small, honest about itself, and refused damaged."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_keras.__main__ import main
from ser_keras.errors import SerError
from ser_keras.graph.layout import ASSETS, MODEL_CARD_FILE, SHIPPED, read_info
from ser_keras.predict.shipped import shipped_model

MOST_BYTES = 12e6


@pytest.fixture
def recording(tmp_path):
    time = np.arange(24000) / 16000
    tone = 0.1 * np.sin(2 * np.pi * 180 * time) * (1 + np.sin(2 * np.pi * 4 * time))
    soundfile.write(tmp_path / "speech.wav", tone, 16000)
    return tmp_path / "speech.wav"


def test_it_is_whole_small_and_nothing_lies_beside_it():
    version = shipped_model()
    listed = {
        line.split("  ")[1]
        for line in (version / "checksums.sha256").read_text().split("\n")
        if line
    }
    there = {str(p.relative_to(version)) for p in version.rglob("*") if p.is_file()}
    assert there == listed | {"checksums.sha256"}
    assert [path.name for path in SHIPPED.iterdir()] == ["1"]
    assert sum(p.stat().st_size for p in SHIPPED.rglob("*") if p.is_file()) < MOST_BYTES


def test_it_says_what_it_is_worth_by_protocol_corpus_and_group_and_whose_terms_bind_it():
    version = shipped_model()
    info = read_info(version)
    assert info.emotions == ("angry", "happy", "neutral", "sad")
    assert info.features["mfcc"] == "tensorflow" and info.takes_profile
    assert info.protocol == "final" and info.recipe["protocol"] == "corpus"
    assert {part["held_out"] for part in info.recipe["parts"]} == {
        "corpus emodb",
        "corpus nemo",
        "corpus ravdess",
    }
    card = (version / ASSETS / MODEL_CARD_FILE).read_text()
    for words in (
        "nobody is left",
        "corpus nemo",
        "sex female",
        "CC BY-NC-SA 4.0",
        "asks to be cited",
    ):
        assert words in card, words
    assert "openSMILE" not in card
    # Temperature and threshold are those of voices never heard.
    for kind, own in (
        ("without_profile", info.unsure_below),
        ("with_profile", info.adapted_unsure_below),
    ):
        assert info.strangers[kind]["unsure_below"] == own


def test_predict_and_adapt_take_it_where_no_model_is_named(
    recording, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["predict", "speech.wav", "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["emotion"] in read_info(shipped_model()).emotions
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert main(["adapt", "speech.wav", "--out", "anna.json"]) == 0
    capsys.readouterr()
    assert main(["predict", "--profile", "anna.json", "speech.wav"]) == 0
    assert Path("speech.wav").name in capsys.readouterr().out


@pytest.mark.skipif("SER_EMODB_ROOT" not in os.environ, reason="SER_EMODB_ROOT is not set")
def test_it_knows_the_recordings_that_it_was_trained_on(capsys):
    """No figure: that the weights in the package are those of a model that learned something."""
    files = sorted((Path(os.environ["SER_EMODB_ROOT"]) / "wav").glob("03*[WT]?.wav"))
    assert main(["predict", *map(str, files), "--format", "json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    right = [
        {"W": "angry", "T": "sad"}[Path(line["file"]).stem[5]] == line["emotion"] for line in lines
    ]
    assert len(right) >= 10 and np.mean(right) > 0.8


def damage_graph(version):
    path = version / "saved_model.pb"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def lose_weights(version):
    next((version / "variables").glob("*.data-*")).unlink()


def lose_checksums(version):
    (version / "checksums.sha256").unlink()


@pytest.mark.parametrize("damage", [damage_graph, lose_weights, lose_checksums])
def test_a_damaged_one_is_refused_in_one_line(damage, tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "shipped")
    assert shipped_model(tmp_path / "shipped") == tmp_path / "shipped" / "1"
    damage(tmp_path / "shipped" / "1")
    with pytest.raises(
        SerError, match="the model that comes with this package is damaged"
    ) as caught:
        shipped_model(tmp_path / "shipped")
    assert "\n" not in str(caught.value)


def test_where_it_is_not_there_one_line_says_so(tmp_path, recording, monkeypatch, capsys):
    monkeypatch.setattr(
        "ser_keras.predict.shipped.shipped_model.__defaults__", (tmp_path / "shipped",)
    )
    assert main(["predict", str(recording)]) == 1
    error = capsys.readouterr().err
    assert "the model that comes with this package is not there" in error
    assert error.count("\n") == 1
