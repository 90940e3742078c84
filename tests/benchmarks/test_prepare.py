"""The benchmark runs, and counts right; how fast anything is, is no business of a test."""

import dataclasses
import json

import numpy as np
import pytest
import soundfile

from benchmarks import prepare
from benchmarks.prepare import Run
from data_pipeline.corpora.corpus import Corpus, Utterance


@pytest.fixture
def corpus(tmp_path):
    """Four recordings of a second."""
    generator = np.random.default_rng(0)
    utterances = []
    for number in range(4):
        path = tmp_path / f"utt{number}.wav"
        soundfile.write(path, generator.uniform(-0.5, 0.5, 16000), 16000)
        emotion, speaker = ("angry", "sad")[number % 2], f"s{number}"
        utterances.append(
            Utterance(utterance_id=path.stem, path=path, emotion=emotion, speaker=speaker)
        )
    return Corpus(
        name="made_up",
        emotions=("angry", "sad"),
        label_map={},
        utterances=tuple(utterances),
        left_out={},
        group_by="speaker",
    )


def test_a_run_is_timed_and_its_memory_watched(corpus):
    run = prepare.run("bare", corpus, workers=1)
    assert 0.1 < run.seconds < 300
    assert run.cpu_seconds > 0.1
    assert run.peak_memory > 50e6


@pytest.mark.parametrize("way", ["opensmile", "tensorflow"])
def test_our_ways_run(corpus, way):
    prepare.run_in_this_process(way, corpus, workers=1)


def test_result_leaves_out_what_both_runs_spend_on_starting(corpus, monkeypatch, capsys):
    # 3 s to start, then so many times real time.
    speeds = {"bare": 300, "opensmile": 270, "tensorflow": 810}

    def run(way, part, workers):
        seconds = prepare.audio_seconds(part)
        took = 3 + seconds / speeds[way]
        return Run(took, cpu_seconds=2 * took, peak_memory=int(1e6 * seconds))

    monkeypatch.setattr(prepare, "benchmark_corpus", lambda: corpus)
    monkeypatch.setattr(prepare, "run", run)
    assert prepare.main(["--json", "--minutes", "0.1", "0.2", "--rounds", "2"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["audio_seconds"] == [6, 12]
    assert result["times_real_time"] == pytest.approx(270)
    assert result["ratio_to_bare"] == pytest.approx(0.9)
    assert result["tensorflow_ratio_to_opensmile"] == pytest.approx(3)
    assert result["cpu_ratio_to_bare"] == pytest.approx(0.9)
    assert result["startup_seconds"]["bare"] == pytest.approx(3)
    assert result["peak_memory_mb"]["tensorflow"] == [6, 12]
    assert "ratio to bare: 0.9" in prepare.table(result)


def test_recordings_are_repeated_under_new_ids(corpus):
    longer = prepare.repeated(corpus, 9.5)
    assert len(longer.utterances) == 10
    assert len({utterance.utterance_id for utterance in longer.utterances}) == 10
    assert prepare.audio_seconds(longer) == 10
    assert longer.utterances[4] == dataclasses.replace(corpus.utterances[0], utterance_id="utt0-1")
