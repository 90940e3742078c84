"""The same recording in several rows, by the checksum of what is heard."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from data_pipeline.errors import DataError
from data_pipeline.names import visible
from data_pipeline.rows import UtteranceRow

# Rows of one recording, in their order.
Group = tuple[UtteranceRow, ...]
# Recordings that a sentence names.
_MOST_GROUPS = 3


def find_copies(rows: Iterable[UtteranceRow]) -> list[Group]:
    """Rows that are of one recording, for each recording that has two rows or more.

    Args:
        rows: the utterances of a prepared folder; those whose checksum is not known are no copies.

    Returns:
        The groups, in the order of their first rows.
    """
    groups: defaultdict[str, list[UtteranceRow]] = defaultdict(list)
    for row in rows:
        if row.audio_sha256:
            groups[row.audio_sha256].append(row)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def check_copies(rows: Iterable[UtteranceRow], *, strict: bool = False) -> str:
    """Refuse recordings that are to be two things at once; count the other copies.

    Copies with equal labels are no fault, not under `strict` either: RAVDESS is published with
    such a pair.

    Args:
        rows: the utterances of a prepared folder.
        strict: whether a recording of two speakers is an error, too.

    Returns:
        A sentence for the user about the copies; "" if there are none.

    Raises:
        DataError: one recording has two emotions, or (strict) two speakers.
    """
    groups = find_copies(rows)
    _refuse([group for group in groups if _differ(group, "emotion")], "emotion")
    two_voices = [group for group in groups if _differ(group, "speaker")]
    if strict:
        _refuse(two_voices, "speaker")
    sentences = [_counted(groups)] if groups else []
    if two_voices:
        sentences.append(f"one recording has two speakers: {_examples(two_voices, 'speaker')}")
    return "; ".join(sentences)


def _differ(group: Group, column: str) -> bool:
    return len({getattr(row, column) for row in group}) > 1


def _refuse(groups: Sequence[Group], column: str) -> None:
    if groups:
        raise DataError(
            f"received the same recording with different {column}s ({_examples(groups, column)}), "
            f"expected one {column} a recording: keep the row that is right"
        )


def _counted(groups: Sequence[Group]) -> str:
    copies = sum(len(group) - 1 for group in groups)
    is_one = copies == 1
    return (
        f"{copies} {'utterance is a copy' if is_one else 'utterances are copies'} of another "
        f"recording with the same emotion, kept: {_examples(groups)}"
    )


def _examples(groups: Sequence[Group], column: str = "") -> str:
    named = [" = ".join(_named(row, column) for row in _telling(group, column)) for group in groups]
    more = [f"and {len(named) - _MOST_GROUPS} more"] if len(named) > _MOST_GROUPS else []
    return ", ".join(named[:_MOST_GROUPS] + more)


def _telling(group: Group, column: str) -> Group:
    """The first two rows of a group; of those that differ in a column, two that do."""
    differing = (
        row for row in group if column and getattr(row, column) != getattr(group[0], column)
    )
    return group[0], next(differing, group[1])


def _named(row: UtteranceRow, column: str) -> str:
    name = visible(row.utterance_id)
    return f"{name} {visible(getattr(row, column))}" if column else name
