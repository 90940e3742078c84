"""The demo corpus on disk: made once, whole, always the same, and read as IEMOCAP is."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter

import librosa
import numpy as np
import pytest
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data_pipeline.corpora.demo import reader as demo
from data_pipeline.errors import DataError

NUM_SPEAKERS = 10


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache folder of this module's own, in which the corpus is made once."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        demo.make_demo_corpus()
        yield folder


@pytest.fixture
def corpus(cache):
    return demo.read_demo()


# On disk


def test_the_iemocap_reader_reads_it_whole(corpus):
    assert (corpus.name, corpus.group_by) == ("demo", "session")
    assert corpus.emotions == ("angry", "happy", "neutral", "sad")
    assert Counter(u.emotion for u in corpus.utterances) == dict.fromkeys(corpus.emotions, 60)
    assert Counter(u.scenario for u in corpus.utterances) == {"improvised": 120, "scripted": 120}
    assert len({u.speaker for u in corpus.utterances}) == NUM_SPEAKERS
    assert len({u.session for u in corpus.utterances}) == 5
    assert corpus.left_out == {"fru": 10, "xxx": 10}
    assert corpus.notes == ()


@pytest.mark.parametrize(
    ("options", "num_utterances"),
    [
        ({"subset": "improvised"}, 120),
        ({"subset": "scripted"}, 120),
        ({"excited_as_happy": False}, 210),
        ({"subset": "improvised", "excited_as_happy": False}, 110),
    ],
)
def test_the_options_of_iemocap_work_and_the_counts_hold_under_strict(
    cache, options, num_utterances
):
    corpus = demo.read_demo(strict=True, **options)
    assert len(corpus.utterances) == num_utterances
    assert corpus.notes == ()


def test_strict_notices_a_missing_label(cache, tmp_path):
    root = shutil.copytree(demo.make_demo_corpus(), tmp_path / "demo")
    labels = root / "Session3" / "dialog" / "EmoEvaluation" / "Ses03F_impro01.txt"
    labels.write_text(labels.read_text().replace("\tang\t", "\tneu\t", 1))
    assert len(demo.read_demo(root).notes) == 1
    with pytest.raises(DataError, match="Session3|session 3"):
        demo.read_demo(root, strict=True)


def test_audio_is_16_khz_mono_16_bit_short_and_not_clipped(corpus):
    for utterance in corpus.utterances:
        info = soundfile.info(utterance.path)
        assert (info.samplerate, info.channels, info.subtype) == (16000, 1, "PCM_16")
        assert 1.2 < info.duration < 5
        waveform, _ = soundfile.read(utterance.path)
        assert 0.02 < np.abs(waveform).max() < 1.0


def test_resampling_keeps_the_pitch(tmp_path):
    tone = np.round(8000 * np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)).astype(np.int16)
    seconds = demo._write_wav(tmp_path / "tone.wav", tone)
    waveform, sample_rate = soundfile.read(tmp_path / "tone.wav")
    assert seconds == pytest.approx(1.0, abs=1e-3)
    assert np.argmax(np.abs(np.fft.rfft(waveform[:16000]))) * sample_rate / 16000 == 440


def test_a_linear_classifier_learns_the_emotions_of_unseen_sessions(corpus):
    features = [describe_mfcc(u.path) for u in corpus.utterances]
    emotions = [u.emotion for u in corpus.utterances]
    predicted = cross_val_predict(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        np.array(features),
        emotions,
        groups=[u.session for u in corpus.utterances],
        cv=LeaveOneGroupOut(),
    )
    # Well above a chance of 0.25, and not solved.
    assert 0.6 < np.mean(predicted == emotions) < 0.95


def describe_mfcc(path) -> np.ndarray:
    waveform, sample_rate = soundfile.read(path, dtype="float32")
    mfcc = librosa.feature.mfcc(y=waveform, sr=sample_rate, n_mfcc=20, hop_length=1024)
    return np.concatenate([mfcc.mean(axis=1), mfcc.std(axis=1)])


# Making it


def test_it_is_made_once_in_the_cache_folder(cache):
    root = cache / "dual-sequence-ser" / f"demo-{demo.VERSION}"
    made_at = root.stat().st_mtime_ns
    assert demo.make_demo_corpus() == root
    assert root.stat().st_mtime_ns == made_at
    assert [path.name for path in root.parent.iterdir()] == [root.name]


def test_a_relative_cache_folder_is_ignored(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert demo._cache_folder().parent == tmp_path / ".cache" / "dual-sequence-ser"


def test_another_process_makes_the_same_bytes(cache, tmp_path):
    root = tmp_path / "demo"
    run_make(root).wait()
    assert digest(root) == digest(demo.make_demo_corpus())


def digest(root) -> str:
    total = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file():
            total.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return total.hexdigest()


def run_make(root) -> subprocess.Popen:
    program = (
        "import sys; from pathlib import Path; "
        "from data_pipeline.corpora.demo.reader import make_demo_corpus; "
        "make_demo_corpus(Path(sys.argv[1]))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, str(root)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.DEVNULL,
    )


def test_a_killed_process_leaves_no_half_corpus(tmp_path):
    root = tmp_path / "demo"
    process = run_make(root)
    wait_for(lambda: any(tmp_path.rglob("*.wav")))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert any(tmp_path.rglob("*.wav"))
    assert not root.exists()


def wait_for(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.01)


def test_of_two_runs_the_first_to_finish_stays(tmp_path):
    first, second = make_folder(tmp_path / "demo", "first"), make_folder(tmp_path / "b", "second")
    demo._publish(second, first)
    assert (first / "content").read_text() == "first"


def make_folder(path, content: str):
    path.mkdir()
    (path / demo.NOTE_NAME).write_text(demo.NOTE)
    (path / "content").write_text(content)
    return path


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(DataError, match="holds no demo corpus"):
        demo.make_demo_corpus(tmp_path)
    (tmp_path / demo.NOTE_NAME).write_bytes(b"Notes \xe0 moi")
    with pytest.raises(DataError, match="holds no demo corpus"):
        demo.make_demo_corpus(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"thesis.tex", demo.NOTE_NAME}


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="could not be written") as error:
        demo.make_demo_corpus(tmp_path / "file" / "demo")
    assert "\n" not in str(error.value)
