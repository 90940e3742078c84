"""What a corpus is to the rest of the program: the utterances that are used, and what is not."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """One recording and what the corpus says about it.

    Attributes:
        utterance_id: unique in the corpus.
        path: absolute path of the audio file; whether it can be read is not known yet.
        emotion: one of `Corpus.emotions`.
        speaker: unique over the whole corpus.
        session: recording session, "" where the corpus has none.
        scenario: "improvised" or "scripted" in IEMOCAP, "" elsewhere.
        text: name of the sentence spoken, "" where the corpus does not tell.
    """

    utterance_id: str
    path: Path
    emotion: str
    speaker: str
    session: str = ""
    scenario: str = ""
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """The utterances that are used, and a count of those that are not.

    Attributes:
        name: as on the command line.
        emotions: in alphabetical order; label i is emotions[i].
        label_map: the corpus's own code -> emotion.
        utterances: sorted by utterance_id.
        left_out: the corpus's own code, or a reason, -> number of utterances that are not used.
        group_by: "session" or "speaker": what the protocol `speaker` keeps apart.
        notes: sentences for the user.
        options: what its reader was asked for beside the defaults, as keyword arguments of
            `read_corpus`; who reads it again passes them again.
    """

    name: str
    emotions: tuple[str, ...]
    label_map: dict[str, str]
    utterances: tuple[Utterance, ...]
    left_out: dict[str, int]
    group_by: str
    notes: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def subset(self) -> str:
        """Part of the corpus that was asked for; "all" where its reader takes the whole."""
        return self.options.get("subset", "all")

    @property
    def listed(self) -> dict[str, int]:
        """Utterances of each emotion, before any is found to be unusable; 0 where there is none."""
        counts = Counter(utterance.emotion for utterance in self.utterances)
        return {emotion: counts[emotion] for emotion in self.emotions}
