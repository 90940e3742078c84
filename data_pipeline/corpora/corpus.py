"""What a corpus is to the rest of the program: the utterances that are used, and what is not."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

# Columns of an utterance that older versions did not have, and what they say by themselves.
NEWER_COLUMNS = {
    **dict.fromkeys(("corpus", "fold", "sex", "age", "language"), ""),
    "start_seconds": 0.0,
    "end_seconds": None,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Utterance:
    """One recording and what the corpus says about it.

    Attributes:
        utterance_id: unique in the corpus.
        path: absolute path of the audio file; whether it can be read is not known yet.
        emotion: one of `Corpus.emotions`.
        speaker: unique over the whole corpus; "" where the corpus does not tell, of all or none.
        session: recording session, "" where the corpus has none.
        scenario: "improvised" or "scripted" in IEMOCAP, "" elsewhere.
        text: name of the sentence spoken, "" where the corpus does not tell.
        corpus: where the recordings of one list come from several corpora, which; else "".
        fold: what the corpus itself says about folds: the number of the fold that tests it, from
            "1", or its part, one of `PARTS`, where there is one fold; "" where it says nothing.
        sex, age, language: of the speaker, in the corpus's own words; "" where it does not tell.
        start_seconds, end_seconds: the segment of the recording that is meant; None: to its end.
    """

    utterance_id: str
    path: Path
    emotion: str
    speaker: str
    session: str = ""
    scenario: str = ""
    text: str = ""
    corpus: str = ""
    fold: str = ""
    start_seconds: float = 0.0
    end_seconds: float | None = None
    sex: str = ""
    age: str = ""
    language: str = ""

    def to_json(self) -> dict[str, Any]:
        """The columns by name; newer ones only where they say something.

        So the keys of folders that were prepared before there were such columns stay.
        """
        columns = {name: getattr(self, name) for name in _COLUMNS}
        return {
            name: value
            for name, value in columns.items()
            if name not in NEWER_COLUMNS or value != NEWER_COLUMNS[name]
        }


_COLUMNS = tuple(column.name for column in fields(Utterance))


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
