"""What stands out in a corpus: rejected files by cause, emotions nobody speaks, odd lengths."""

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_pipeline.contract import MAX_SECONDS
from data_pipeline.errors import DataError
from data_pipeline.names import visible
from data_pipeline.rows import UtteranceRow

REJECTED_NAME = "rejected.csv"
# So many are named; `rejected.csv` has them all.
MAX_NAMED = 5
# Beyond this many times the median a recording is named; IEMOCAP's longest is nine times.
MAX_TIMES_MEDIAN = 10
# Words of a reason that lies in the machine or in a program, not in the file: it is tried again.
NOT_PROCESSED = "could not be processed"


@dataclass(frozen=True)
class RejectedFile:
    """A row of `rejected.csv`: a file that cannot be used, and why."""

    file: str
    utterance_id: str
    reason: str


@dataclass(frozen=True)
class Cause:
    """Why files are rejected: the reason and the name of the first, and how many they are."""

    reason: str
    file: str
    count: int


def causes(rejected: Iterable[RejectedFile]) -> list[Cause]:
    """The causes, the most frequent first; those that differ in numbers alone are one."""
    first: dict[str, tuple[str, str]] = {}
    counts: Counter[str] = Counter()
    for row in rejected:
        reason = row.reason.removeprefix(f"{row.file}: ")
        kind = re.sub(r"\d[\d.,]*", "#", reason)
        first.setdefault(kind, (reason, row.file))
        counts[kind] += 1
    return [Cause(*first[kind], count) for kind, count in counts.most_common()]


def causes_in_words(rejected: Sequence[RejectedFile], most: int = 3) -> str:
    """The causes in one line, the most frequent first."""
    found = causes(rejected)
    named = [f"{_times(cause.count)}: {cause.reason}" for cause in found[:most]]
    more = [f"{len(found) - most} other causes"] if len(found) > most else []
    return " | ".join(named + more)


def cause_lines(rejected: Iterable[RejectedFile], most: int = 5) -> list[str]:
    """A line a cause, with the first of its files."""
    found = causes(rejected)
    lines = [f"{_times(cause.count)}, first {cause.file}: {cause.reason}" for cause in found[:most]]
    return lines + ([f"{len(found) - most} other causes"] if len(found) > most else [])


def read_rejected(folder: Path) -> list[RejectedFile]:
    """The rows of a prepared folder's `rejected.csv`; none where it is not there or not ours."""
    try:
        with (folder / REJECTED_NAME).open(encoding="utf-8", newline="") as file:
            return [RejectedFile(**row) for row in csv.DictReader(file)]
    except (OSError, ValueError, TypeError, csv.Error):
        return []


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def check_every_emotion(
    place: object,
    emotions: Iterable[str],
    kept: Collection[str],
    rejected: Sequence[tuple[str, RejectedFile]] = (),
) -> None:
    """Refuse an emotion of which there is no utterance: a model would know one that nobody speaks.

    Args:
        place: the folder, for the message.
        emotions: of the corpus.
        kept: those of which an utterance is kept.
        rejected: emotion and file of those that are not.

    Raises:
        DataError: naming the emotions and their rejected files.
    """
    lacking = [emotion for emotion in emotions if emotion not in kept]
    if lacking:
        told = [_lack(e, [row for of, row in rejected if of == e]) for e in lacking]
        raise DataError(
            f"{place}: {'; '.join(told)}; expected recordings of every emotion: mend them, or "
            f"leave the emotion out: --emotions {' '.join(sorted(kept)) or '...'}"
        )


def _lack(emotion: str, rejected: Sequence[RejectedFile]) -> str:
    if not rejected:
        return f"no utterance of the emotion {visible(emotion)}"
    return (
        f"nothing could be kept of the emotion {visible(emotion)}, {len(rejected)} rejected: "
        f"{named_files(rejected)} ({causes_in_words(rejected)})"
    )


def named_files(rejected: Sequence[RejectedFile]) -> str:
    """The first of the files by name, and how many more there are."""
    names = [row.file for row in rejected[:MAX_NAMED]]
    more = len(rejected) - len(names)
    return ", ".join(names) + (f" and {more} more in rejected.csv" if more else "")


# --- Lengths and levels ---


def notes_on_lengths(rows: Sequence[UtteranceRow]) -> list[str]:
    """Sentences about recordings that make training slow, or that are too long for it."""
    median = float(np.median([row.duration_seconds for row in rows]))
    longest = sorted(rows, key=lambda row: -row.duration_seconds)
    too_long = [row for row in longest if row.duration_seconds > MAX_SECONDS]
    unlike = [row for row in longest if row.duration_seconds > MAX_TIMES_MEDIAN * median]
    notes = []
    if too_long:  # an earlier version prepared them
        notes.append(
            f"{len(too_long)} over {MAX_SECONDS} s, too long to train on: {_named(too_long)}; "
            "prepare again to leave them out, or cut them into utterances"
        )
    if unlike:
        notes.append(
            f"{len(unlike)} over {MAX_TIMES_MEDIAN} times as long as the median of {median:.1f} s: "
            f"{_named(unlike)}; a batch is padded to its longest, so cut them, or training is slow"
        )
    return notes


def notes_on_offsets(offsets: Mapping[str, float]) -> list[str]:
    """A sentence about recordings whose lowest mel bands are not those of the voice."""
    if not offsets:
        return []
    worst = sorted(offsets, key=lambda name: -offsets[name])
    named = ", ".join(f"{visible(name)} ({offsets[name]:.0f} dBFS)" for name in worst[:MAX_NAMED])
    more = ", ..." if len(worst) > MAX_NAMED else ""
    return [
        f"{len(worst)} with a constant offset: {named}{more}; it raises the lowest mel bands: "
        "remove it from the recordings, such as with `ffmpeg -i in.wav -af highpass=f=20 out.wav`, "
        "before training"
    ]


def _named(rows: Sequence[UtteranceRow]) -> str:
    named = ", ".join(
        f"{visible(row.utterance_id)} ({row.duration_seconds:.1f} s)" for row in rows[:MAX_NAMED]
    )
    return named + (", ..." if len(rows) > MAX_NAMED else "")
