"""What the rejected files of a corpus come to: causes, counted, and emotions that nobody speaks."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from data_pipeline.errors import DataError

# So many are named; `rejected.csv` has them all.
MAX_NAMED = 5
# Words of a reason that lies in the machine or in a program, not in the file: it is tried again.
NOT_PROCESSED = "could not be processed"


@dataclass(frozen=True)
class RejectedFile:
    """A row of `rejected.csv`: a file that cannot be used, and why."""

    file: str
    utterance_id: str
    reason: str


def causes(rejected: Iterable[RejectedFile]) -> list[tuple[str, int]]:
    """Each cause in the words of its first file, and how often it is; the most frequent first.

    Causes that differ in numbers alone, such as a length, are one.
    """
    words: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for row in rejected:
        reason = row.reason.removeprefix(f"{row.file}: ")
        cause = re.sub(r"\d[\d.,]*", "#", reason)
        words.setdefault(cause, reason)
        counts[cause] += 1
    return [(words[cause], count) for cause, count in counts.most_common()]


def causes_in_words(rejected: Sequence[RejectedFile], most: int = 3) -> str:
    """The causes in one line, the most frequent first."""
    found = causes(rejected)
    named = [f"{_times(count)}: {reason}" for reason, count in found[:most]]
    more = [f"{len(found) - most} other causes"] if len(found) > most else []
    return " | ".join(named + more)


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
            "prepare a corpus (such as a manifest of your own) without that emotion"
        )


def _lack(emotion: str, rejected: Sequence[RejectedFile]) -> str:
    if not rejected:
        return f"no utterance of the emotion {emotion}"
    return (
        f"nothing could be kept of the emotion {emotion}, {len(rejected)} rejected: "
        f"{named_files(rejected)} ({causes_in_words(rejected)})"
    )


def named_files(rejected: Sequence[RejectedFile]) -> str:
    """The first of the files by name, and how many more there are."""
    names = [row.file for row in rejected[:MAX_NAMED]]
    more = len(rejected) - len(names)
    return ", ".join(names) + (f" and {more} more in rejected.csv" if more else "")
