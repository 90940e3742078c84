"""Emotions by one set of names, and which of them a reader is asked for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from data_pipeline.contract import EMOTIONS
from data_pipeline.corpora.corpus import Corpus
from data_pipeline.errors import DataError

ALL_EMOTIONS = "all"
# What others call them -> what we do. Compared without case.
SPELLINGS = {
    "anger": "angry",
    "boredom": "bored",
    "boredem": "bored",  # EmoBox of EmoDB
    "boring": "bored",
    "calmness": "calm",
    "disgust": "disgusted",
    "excitement": "excited",
    "fear": "fearful",
    "happiness": "happy",
    "joy": "happy",
    "neutrality": "neutral",
    "sadness": "sad",
    "surprise": "surprised",
}


class UnknownEmotionError(DataError):
    """An emotion was asked for that the corpus does not have."""


def emotion_name(label: str) -> str:
    """The name of an emotion here, in small letters; one that we do not know keeps its own."""
    name = " ".join(label.split()).casefold()
    return SPELLINGS.get(name, name)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which emotions are asked for; an empty one asks for what the reader gives by itself.

    Attributes:
        emotions: names, or `all`; none: what the reader gives by itself, and what is mapped.
        mapped: name -> name that it counts as.
    """

    emotions: tuple[str, ...] = ()
    mapped: Mapping[str, str] = field(default_factory=dict)

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments of `read_corpus` that ask for the same."""
        options: dict[str, Any] = {"emotions": list(self.emotions)} if self.emotions else {}
        return options | ({"mapped": dict(self.mapped)} if self.mapped else {})

    def label_map(self, labels: Mapping[str, str], default: Mapping[str, str]) -> dict[str, str]:
        """The labels that are used, by the corpus's own code.

        Args:
            labels: code -> emotion, all that the corpus has.
            default: code -> emotion, what is used where nothing is asked for.

        Returns:
            Code -> emotion. Codes that are not in it are left out.

        Raises:
            UnknownEmotionError: a name that is neither the corpus's nor one of `EMOTIONS`.
        """
        if not self.options:
            return dict(default)
        self._check_names(labels)
        named = {code: self.mapped.get(name, name) for code, name in labels.items()}
        if ALL_EMOTIONS in self.emotions:
            return named
        wanted = set(self.emotions) or {
            *(self.mapped.get(name, name) for name in default.values()),
            *self.mapped.values(),
        }
        return {code: name for code, name in named.items() if name in wanted}

    def _check_names(self, labels: Mapping[str, str]) -> None:
        own = set(labels.values())
        known = own | {ALL_EMOTIONS}
        # What an emotion is counted as may be a name that the corpus itself does not use.
        targets = own | set(EMOTIONS)
        unknown = [
            *(name for name in self.mapped if name not in own),
            *(name for name in self.mapped.values() if name not in targets),
            *(e for e in self.emotions if e not in known | set(self.mapped.values())),
        ]
        if unknown:
            raise UnknownEmotionError(
                f"received the emotion {', '.join(unknown)}, expected of this corpus "
                f"{', '.join(sorted(own))}; an emotion may be counted as one of these or of "
                f"{', '.join(EMOTIONS)}"
            )


# What a reader gives by itself.
NO_CHOICE = Choice()


def as_asked(corpus: Corpus, choice: Choice) -> Corpus:
    """Check what a reader gave for a choice; `all` is what there is.

    Args:
        corpus: from a reader that was given the choice.
        choice: the same.

    Returns:
        The corpus, with the choice among its options.

    Raises:
        DataError: an emotion was asked for by name, and no utterance has it.
    """
    if not choice.options:
        return corpus
    found = {utterance.emotion for utterance in corpus.utterances}
    lacking = [name for name in dict.fromkeys(choice.emotions) if name not in found]
    if ALL_EMOTIONS not in choice.emotions and lacking:
        raise DataError(
            f"corpus {corpus.name} has no recording of {', '.join(lacking)}, which was asked for; "
            f"it has {', '.join(sorted(found))}: leave the others out of --emotions"
        )
    return replace(
        corpus,
        emotions=tuple(sorted(found)),
        label_map={code: name for code, name in corpus.label_map.items() if name in found},
        options={**corpus.options, **choice.options},
    )


def read_mapping(pairs: Iterable[str]) -> dict[str, str]:
    """What `--map` says: "excited=happy" -> {"excited": "happy"}.

    Raises:
        ValueError: a pair without a name on both sides, or a name that is mapped twice.
    """
    mapped: dict[str, str] = {}
    for pair in pairs:
        name, equals, target = (part.strip() for part in pair.partition("="))
        if not name or not equals or not target or "=" in target or name in mapped:
            raise ValueError(f"received {pair!r}, expected NAME=NAME, each name once")
        mapped[name] = target
    return mapped
