"""What is checked of the utterances of every corpus, whichever reader found them."""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from data_pipeline.corpora.corpus import Utterance
from data_pipeline.corpora.finding import same_name_key
from data_pipeline.errors import DataError
from data_pipeline.names import alike_groups, told_apart, unwritable_character, visible

# What is written, one line each, into labels, tables and metadata.
_NAMES = ("utterance_id", "emotion", "speaker", "session", "scenario", "text")
# Of these, two names for one thing make two of it.
_COMPARED = ("speaker", "emotion", "session")
# Groups of alike names that a note shows.
_MOST_GROUPS = 5


def check_utterances(utterances: Sequence[Utterance]) -> None:
    """Refuse what cannot be right, whatever the corpus.

    Args:
        utterances: sorted by utterance_id.

    Raises:
        DataError: a name has a control character or is not UTF-8; an id occurs twice; a file is
            listed twice; or a file that has two names has two emotions.
    """
    for utterance in utterances:
        _check_names(utterance)
    for first, second in pairwise(utterances):
        if first.utterance_id == second.utterance_id:
            raise DataError(
                f"utterance {first.utterance_id} occurs twice, as {visible(first.path)} and "
                f"{visible(second.path)}; keep one of them"
            )
    for first, second in _listed_twice(utterances):
        raise DataError(
            f"{visible(first.path)}: one file, listed twice as {_labelled(first)} and "
            f"{_labelled(second)}; keep one of them"
        )
    for first, second in _linked(utterances):
        if first.emotion != second.emotion:
            raise DataError(
                f"{visible(os.path.realpath(first.path))}: one file under two names, "
                f"{_labelled(first)} and {_labelled(second)}; keep the one that is right"
            )


def spelling_notes(utterances: Sequence[Utterance]) -> list[str]:
    """A speaker under two names would be two people, one heard in training, one tested.

    Args:
        utterances: of a corpus.

    Returns:
        Sentences about speakers, emotions and sessions that differ only in spelling, and about
        files that two speakers are to have spoken.
    """
    notes = []
    for column in _COMPARED:
        groups = alike_groups(getattr(utterance, column) for utterance in utterances)
        for group in groups[:_MOST_GROUPS]:
            notes.append(
                f"{column}s that differ only in spelling: {', '.join(told_apart(group))} "
                f"(taken for {len(group)} {column}s; give them one name)"
            )
        if len(groups) > _MOST_GROUPS:
            notes.append(f"{len(groups) - _MOST_GROUPS} more groups of such {column}s")
    notes += [
        f"one file under two speakers: {_spoken(first)}, {_spoken(second)} "
        "(keep the one that is right)"
        for first, second in _linked(utterances)
        if first.speaker != second.speaker
    ][:_MOST_GROUPS]
    return notes


def _labelled(utterance: Utterance) -> str:
    return f"{visible(utterance.utterance_id)} ({utterance.emotion})"


def _spoken(utterance: Utterance) -> str:
    return f"{visible(utterance.utterance_id)} by {visible(utterance.speaker)}"


def _check_names(utterance: Utterance) -> None:
    for column in _NAMES:
        name = getattr(utterance, column)
        if char := unwritable_character(name):
            raise DataError(
                f"{visible(utterance.path)}: received {char} in the {column} {visible(name)}, "
                "expected UTF-8 without control characters: rename it"
            )


def _listed_twice(utterances: Iterable[Utterance]) -> Iterator[tuple[Utterance, Utterance]]:
    """Pairs whose paths are the same place on disk, written in two ways."""
    seen: dict[tuple, list[Utterance]] = {}
    for utterance in utterances:
        others = seen.setdefault((_place(utterance.path), _segment(utterance)), [])
        yield from ((o, utterance) for o in others if _is_same(o.path, utterance.path))
        others.append(utterance)


def _segment(utterance: Utterance) -> tuple[float, float | None]:
    """Segments of one recording are no copies of each other."""
    return utterance.start_seconds, utterance.end_seconds


def _place(path: Path) -> tuple:
    """Folder and name, as a system compares them that does not tell capitals apart."""
    try:
        folder = os.stat(path.parent)
    except (OSError, ValueError):
        return (os.path.normpath(path),)
    return folder.st_dev, folder.st_ino, same_name_key(path.name)


def _is_same(one: Path, other: Path) -> bool:
    if one.name == other.name:  # their folder is one already
        return True
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):
        return False


def _linked(utterances: Iterable[Utterance]) -> Iterator[tuple[Utterance, Utterance]]:
    """Pairs of which one is a link to the other's file, or both are to a third."""
    seen: dict[object, Utterance] = {}
    for utterance in utterances:
        first = seen.setdefault((_file(utterance.path), _segment(utterance)), utterance)
        if first is not utterance:
            yield first, utterance


def _file(path: Path) -> object:
    """The same for two paths that lead to one file, through links of either kind."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return os.path.normpath(path)
    # Some network file systems give every file the number 0.
    is_hard_link = status.st_nlink > 1 and status.st_ino
    return (status.st_dev, status.st_ino) if is_hard_link else os.path.realpath(path)
