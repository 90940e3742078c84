"""The demo corpus: English sentences spoken by eSpeak NG, four emotions by prosody rules.

It lies on disk as IEMOCAP does and is read by the same reader, so that everything can be tried
without a licensed corpus. It is synthetic: an accuracy on it says that the program works, and
nothing about people. What is spoken, and how, stands in script.py.
"""

import contextlib
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import soundfile
import soxr
from tqdm import tqdm

from data_pipeline.corpora.corpus import Corpus
from data_pipeline.corpora.demo.espeak import ESPEAK_SAMPLE_RATE, EspeakError, synthesise
from data_pipeline.corpora.demo.script import Turn, draw_prosody, plan_turns, to_request
from data_pipeline.corpora.emotions import NO_CHOICE, Choice
from data_pipeline.corpora.iemocap import read_iemocap
from data_pipeline.errors import DataError
from data_pipeline.names import visible

# Raise it whenever the audio or the labels change: it names the cache folder.
VERSION = 1
SAMPLE_RATE = 16000
GAP_SECONDS = 0.5  # between the turns of a dialog, in the label files

# Its presence with this text tells a whole demo corpus of this version from any other folder.
NOTE_NAME = "README.txt"
NOTE = f"""\
Demo corpus of dual-sequence-ser, version {VERSION}.
Synthetic speech from eSpeak NG in the folder layout of IEMOCAP. Delete this folder to make it anew.
"""


def read_demo(
    root: Path | None = None,
    *,
    strict: bool = False,
    choice: Choice = NO_CHOICE,
    subset: str = "all",
    excited_as_happy: bool = True,
) -> Corpus:
    """Read the demo corpus; make it first if it is not there.

    Args:
        root: its folder, or a new or empty one to make it in; None for the cache folder.
        strict: as for IEMOCAP, against the counts of this corpus.
        choice: which emotions are used; by itself angry, happy, neutral and sad.
        subset: "all", "improvised" or "scripted".
        excited_as_happy: count `exc` as happy; otherwise as left out.

    Raises:
        DataError: it cannot be made or read, or under `strict` its counts are wrong.
    """
    corpus = read_iemocap(
        make_demo_corpus(root),
        strict=strict,
        choice=choice,
        subset=subset,
        excited_as_happy=excited_as_happy,
        expected=_count_labels(plan_turns()),
    )
    return replace(corpus, name="demo")


def _count_labels(turns: Iterable[Turn]) -> dict[str, Counter[str]]:
    """Number of turns of each label in each session, as `read_iemocap` expects it."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for turn in turns:
        counts[_session_name(turn)][turn.label] += 1
    return dict(counts)


def _session_name(turn: Turn) -> str:
    return f"Session{turn.session}"


def make_demo_corpus(root: Path | None = None) -> Path:
    """Make the demo corpus, unless it is there already; about 5 seconds and 20 MB.

    It is written beside `root` and renamed when whole: a killed run leaves no half corpus, and of
    two runs at once the first to finish stays. On one machine every run gives the same bytes.

    Args:
        root: the folder to make, new or empty; None for the cache folder
            (`$XDG_CACHE_HOME` or `~/.cache`)/dual-sequence-ser/demo-<version>.

    Returns:
        The folder.

    Raises:
        DataError: `root` holds something else, cannot be written, or eSpeak NG fails.
    """
    root = _cache_folder() if root is None else Path(root).absolute()
    try:
        if not _is_whole(root):
            _make(root)
    except EspeakError as error:
        raise DataError(
            f"the demo corpus could not be spoken: {error}; reinstall espeakng-loader"
        ) from error
    except (OSError, soundfile.SoundFileError) as error:
        raise DataError(
            f"the demo corpus could not be written to {visible(root)}: {error}; give another folder"
        ) from error
    return root


def _cache_folder() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG Base Directory Specification: a relative path is invalid and to be ignored.
    if not cache.is_absolute():
        cache = Path.home() / ".cache"
    return cache / "dual-sequence-ser" / f"demo-{VERSION}"


def _is_whole(root: Path) -> bool:
    """Tell a whole corpus (True) from nothing or an empty folder (False)."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    note = root / NOTE_NAME
    if note.is_file() and note.read_bytes() == NOTE.encode():
        return True
    raise DataError(
        f"{visible(root)} holds no demo corpus of version {VERSION}: expected a new or empty "
        "folder, or one made by this version; give another folder or delete this one"
    )


def _make(root: Path) -> None:
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{root.name}-", dir=root.parent) as scratch:
        made = Path(scratch) / root.name
        made.mkdir()
        _write_corpus(made)
        _publish(made, root)


def _publish(made: Path, root: Path) -> None:
    try:
        made.rename(root)
    except OSError:
        # Another run may have finished first; its corpus stays.
        if not _is_whole(root):
            raise


def _write_corpus(root: Path) -> None:
    turns = plan_turns()
    requests = [to_request(turn.text, turn.voice, draw_prosody(turn)) for turn in turns]
    durations = {}
    with contextlib.closing(synthesise(requests)) as speech:
        for turn in tqdm(turns, desc="demo corpus", unit="utterance"):
            durations[turn.utterance_id] = _write_wav(_wav_path(root, turn), next(speech))
    for _, dialog in groupby(turns, key=lambda turn: turn.dialog):
        _write_labels(root, list(dialog), durations)
    (root / NOTE_NAME).write_bytes(NOTE.encode())


def _wav_path(root: Path, turn: Turn) -> Path:
    folder = root / _session_name(turn) / "sentences" / "wav"
    return folder / turn.dialog / f"{turn.utterance_id}.wav"


def _write_wav(path: Path, samples: np.ndarray) -> float:
    """Write int16 samples of eSpeak NG at 16 kHz; returns the duration in seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # In double precision, so that rounding to 16 bit is the same wherever it is done.
    resampled = soxr.resample(samples.astype(np.float64), ESPEAK_SAMPLE_RATE, SAMPLE_RATE)
    int16 = np.iinfo(np.int16)
    pcm = np.clip(np.rint(resampled), int16.min, int16.max).astype(np.int16)
    soundfile.write(path, pcm, SAMPLE_RATE, subtype="PCM_16")
    return len(pcm) / SAMPLE_RATE


def _write_labels(root: Path, dialog: list[Turn], durations: dict[str, float]) -> None:
    """Write the EmoEvaluation file of one dialog, its turns one after the other."""
    lines = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", ""]
    start = 0.0
    for turn in dialog:
        end = start + durations[turn.utterance_id]
        # Nobody rated valence, activation and dominance: the middle of their scale.
        times, ratings = f"[{start:.4f} - {end:.4f}]", "[3.0000, 3.0000, 3.0000]"
        lines.append("\t".join((times, turn.utterance_id, turn.label, ratings)))
        start = end + GAP_SECONDS
    folder = root / _session_name(dialog[0]) / "dialog" / "EmoEvaluation"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{dialog[0].dialog}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
