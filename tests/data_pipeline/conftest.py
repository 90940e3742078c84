"""Material for the tests of records and preparation: real files in a temporary folder."""

import hashlib
import json

import numpy as np
import pytest
import soundfile

from data_pipeline.corpora.corpus import Corpus, Utterance
from data_pipeline.records.codec import Example, pack_features
from data_pipeline.records.prepared import load_prepared
from data_pipeline.records.shard import write_records
from data_pipeline.rows import UtteranceRow

EMOTIONS = ("angry", "sad")


@pytest.fixture
def random_features():
    """utterance id -> the three matrices, of 10 utterances of different lengths."""
    generator = np.random.default_rng(3)

    def matrices(length):
        mfcc = generator.normal(size=(length, 39))
        narrow = generator.lognormal(sigma=4, size=(length + 7, 64))
        wide = generator.lognormal(sigma=4, size=(length // 2 + 3, 128))
        return {
            "mfcc": mfcc.astype(np.float32),
            "mel_narrow": narrow.astype(np.float32),
            "mel_wide": wide.astype(np.float32),
        }

    lengths = generator.permutation(np.arange(10, 60, 5))
    return {f"utt{number}": matrices(int(length)) for number, length in enumerate(lengths)}


@pytest.fixture
def write_folder(tmp_path):
    """Function of features that writes a prepared folder of some shards and returns its path."""

    def write(features, num_shards=2):
        directory = tmp_path / "prepared"
        directory.mkdir()
        ids = list(features)
        size = len(ids) // num_shards
        shards = {
            f"records-{n:05d}-of-{num_shards:05d}.tfrecord": ids[n * size : (n + 1) * size]
            for n in range(num_shards)
        }
        rows = [_row(number, name, features[name]) for number, name in enumerate(ids)]
        labels = {row.utterance_id: EMOTIONS.index(row.emotion) for row in rows}
        for shard, members in shards.items():
            write_records(
                directory / shard,
                (Example(name, labels[name], pack_features(**features[name])) for name in members),
            )
        _write_metadata(directory, shards, rows)
        return directory

    return write


def _row(number, utterance_id, matrices):
    return UtteranceRow(
        utterance_id=utterance_id,
        speaker=f"s{number % 3}",
        emotion=EMOTIONS[number % 2],
        duration_seconds=1.0,
        audio_sha256=f"{number}",
        num_mfcc_frames=len(matrices["mfcc"]),
        num_frames_narrow=len(matrices["mel_narrow"]),
        num_frames_wide=len(matrices["mel_wide"]),
    )


def _write_metadata(directory, shards, rows):
    sums = {name: hashlib.sha256((directory / name).read_bytes()).hexdigest() for name in shards}
    metadata = {
        "format_version": 2,
        "corpus": "made_up",
        "emotions": list(EMOTIONS),
        "label_map": {},
        "group_by": "speaker",
        "subset": "all",
        "features": {"sample_rate": 16000, "mfcc": "opensmile", "n_fft": [256, 512]},
        "versions": {},
        "notes": [],
        "key": "",
        "counts": {"kept": len(rows), "rejected": 0, "left_out": {}},
        "shards": {name: {"sha256": sums[name], "examples": len(shards[name])} for name in shards},
        "utterances": [row.to_json() for row in rows],
    }
    (directory / "metadata.json").write_text(json.dumps(metadata))


@pytest.fixture
def prepared(write_folder, random_features):
    """The prepared folder of `random_features`, opened."""
    return load_prepared(write_folder(random_features))


def speech_like(seconds, seed):
    """Noise whose level rises and falls like syllables; float64, peak 0.5."""
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * 16000)) / 16000
    noise = generator.normal(size=len(time)) * (0.2 + np.sin(2 * np.pi * 3 * time) ** 2)
    return 0.5 * noise / np.abs(noise).max()


@pytest.fixture
def make_corpus(tmp_path):
    """Function of a number of utterances: WAV files of two emotions and four speakers."""

    def make(num_utterances):
        folder = tmp_path / "recordings"
        folder.mkdir(exist_ok=True)
        utterances = []
        for number in range(num_utterances):
            path = folder / f"utt{number:03d}.wav"
            soundfile.write(path, speech_like(0.3 + 0.05 * (number % 7), number), 16000)
            utterances.append(
                Utterance(
                    utterance_id=path.stem,
                    path=path,
                    emotion=EMOTIONS[number % 2],
                    speaker=f"s{number // 2 % 4}",
                    text=f"t{number % 3}",
                )
            )
        return Corpus(
            name="made_up",
            emotions=EMOTIONS,
            label_map={"A": "angry", "S": "sad"},
            utterances=tuple(utterances),
            left_out={"X": 2},
            group_by="speaker",
        )

    return make
