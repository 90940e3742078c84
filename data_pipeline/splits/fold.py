"""What a fold is: who trains, who validates and who is tested."""

from dataclasses import dataclass

# Protocols under which nobody who is tested was heard in training.
UNHEARD = ("speaker", "corpus")


@dataclass(frozen=True, kw_only=True)
class Fold:
    """A numbered part of the corpus to test on, and how the rest is divided.

    Its three parts bear the names in `PARTS`.

    Attributes:
        number: from 0.
        train, validation, test: utterance ids, in the order of the rows; disjoint, and together
            all rows.
        held_out: what the test part is, for people: "session Session1", "speaker 03".
    """

    number: int
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    held_out: str
