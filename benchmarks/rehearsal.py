"""A rehearsal corpus of the size and the lengths of IEMOCAP, made from the demo voices.

Each utterance is a string of demo utterances of one speaker and one emotion, cut to a length drawn
for it: log-normal between 1 and 20 s with a mean of about 4.5 s, as in IEMOCAP. It is as large as
the real corpus and as hard on disk and memory; what a model learns from it means nothing.
"""

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from data_pipeline.audio.waveform import SAMPLE_RATE
from data_pipeline.corpora.catalogue import read_corpus

MEDIAN_SECONDS, SPREAD = 3.7, 0.62
SHORTEST_SECONDS, LONGEST_SECONDS = 1.0, 20.0
LIST_NAME = "recordings.csv"


def make_rehearsal_corpus(folder: Path, size: int) -> Path:
    """Write `size` WAV files and the CSV that lists them; does nothing where it is there.

    Returns:
        The CSV file, for `prepare --corpus manifest`.
    """
    listing = Path(folder) / LIST_NAME
    if listing.exists():
        return listing
    voices = _samples_by_voice_and_emotion()
    rng = np.random.default_rng(0)
    (folder / "wav").mkdir(parents=True, exist_ok=True)
    rows = []
    for number in tqdm(range(size), desc="rehearsal corpus", unit="utt"):
        (speaker, session, emotion), parts = voices[number % len(voices)]
        path = folder / "wav" / f"{number:05d}.wav"
        soundfile.write(path, _speech(parts, rng), SAMPLE_RATE, subtype="PCM_16")
        rows.append([path.absolute(), emotion, speaker, session])
    write_listing(listing, rows)
    return listing


def first_rows(listing: Path, count: int) -> Path:
    """A listing of the first `count` recordings beside the whole one."""
    with listing.open(newline="") as file:
        _, *rows = csv.reader(file)
    part = listing.with_name(f"recordings_{count}.csv")
    write_listing(part, rows[:count])
    return part


def write_listing(path: Path, rows) -> None:
    """The CSV file of a manifest."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["path", "emotion", "speaker", "session"], *rows])


def _samples_by_voice_and_emotion() -> list[tuple[tuple, list[np.ndarray]]]:
    voices = defaultdict(list)
    for utterance in read_corpus("demo", None).utterances:
        samples, _ = soundfile.read(utterance.path, dtype="float32")
        voices[utterance.speaker, utterance.session, utterance.emotion].append(samples)
    return sorted(voices.items())


def _speech(parts: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Utterances of a voice one after the other in an order of their own, cut to a drawn length."""
    seconds = np.exp(rng.normal(np.log(MEDIAN_SECONDS), SPREAD))
    wanted = int(SAMPLE_RATE * np.clip(seconds, SHORTEST_SECONDS, LONGEST_SECONDS))
    speech = np.concatenate([parts[index] for index in rng.permutation(len(parts))])
    return np.resize(speech, wanted)  # repeats where it is too short
