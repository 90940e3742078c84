"""The row of an utterance: what a prepared folder knows of it, and what folds are made from."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

# Columns that older folders do not have; a folder that needs none is as it was.
NEWER_COLUMNS = ("corpus", "fold", "sex", "age", "language")


# Columns whose values recur: each value is in memory once.
RECURRING = frozenset(("speaker", "session", "scenario", "text", "emotion", *NEWER_COLUMNS))


@dataclass(frozen=True, kw_only=True, slots=True)
class UtteranceRow:
    """What is known of one utterance without listening to it.

    Attributes:
        utterance_id: unique in the corpus.
        speaker: who speaks; "" where the corpus does not tell.
        session: recording session, "" where the corpus has none.
        scenario: "improvised" or "scripted" in IEMOCAP, "" elsewhere.
        text: name of the sentence spoken, "" where the corpus does not tell.
        emotion: one of the corpus's.
        fold: the number of the corpus's own fold that tests it, from "1", or its part where there
            is one fold; "" where the corpus brings no folds.
        sex, age, language: of the speaker, in the corpus's own words; "" where it does not tell.
        corpus: which of several corpora it comes from; "" where there is one.
        duration_seconds: length of the recording.
        audio_sha256: of the decoded samples, hexadecimal; "" where it is not known.
        num_mfcc_frames, num_frames_narrow, num_frames_wide: lengths of the features; 0 where
            they are not known.
    """

    utterance_id: str
    speaker: str
    session: str = ""
    scenario: str = ""
    text: str = ""
    emotion: str
    duration_seconds: float = 0.0
    audio_sha256: str = ""
    num_mfcc_frames: int = 0
    num_frames_narrow: int = 0
    num_frames_wide: int = 0
    corpus: str = ""
    fold: str = ""
    sex: str = ""
    age: str = ""
    language: str = ""

    @classmethod
    def from_json(cls, row: Mapping) -> "UtteranceRow":
        """The row that `to_json` gave; what is not known here is passed over."""
        known: dict[str, Any] = {
            name: sys.intern(value) if name in RECURRING else value
            for name, value in row.items()
            if name in _COLUMNS
        }
        return cls(**known)

    def to_json(self) -> dict[str, str | float]:
        """The columns by name, in their order; newer ones only where they say something."""
        columns = {name: getattr(self, name) for name in _COLUMNS}
        return {k: v for k, v in columns.items() if v or k not in NEWER_COLUMNS}


# A million rows are read and written by it; a dict is in order, and is looked up at once.
_COLUMNS = dict.fromkeys(field.name for field in fields(UtteranceRow))


def corpora_of(rows: Iterable[UtteranceRow], corpus: str) -> list[str]:
    """Names of the corpora that rows are from, sorted.

    Args:
        rows: of one prepared folder, or of several as one.
        corpus: what rows are from that do not say it.
    """
    return sorted({row.corpus or corpus for row in rows})
