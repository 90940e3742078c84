"""What all readers of corpora share: reading file names, counting, building the corpus."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_pipeline.corpora.checking import check_utterances, spelling_notes
from data_pipeline.corpora.corpus import Corpus, Utterance
from data_pipeline.corpora.finding import FoundFiles
from data_pipeline.errors import DataError
from data_pipeline.names import visible

# Key of `Corpus.left_out` for files or lines that do not look as the corpus publishes them.
UNRECOGNISED = "unrecognised name"
# Part of a corpus whose counts are published in one table.
WHOLE = "the corpus"


def read_file_names(
    found: FoundFiles,
    name_pattern: str,
    label_map: Mapping[str, str],
    voice: Callable[[str], Mapping[str, str]] = lambda speaker: {},
) -> tuple[list[Utterance], Counter[str], list[str]]:
    """Read a corpus whose file names say everything.

    Args:
        found: audio files, and what lies beside them.
        name_pattern: regular expression for the whole name without its suffix, with the groups
            `speaker`, `text` and `code`, all in ASCII.
        label_map: code -> emotion; other codes are left out.
        voice: what is known of a speaker: sex, age, language.

    Returns:
        The utterances used, the number left out for each code, and notes naming some of the files
        that do not match the pattern, and of the others, where there are any.
    """
    utterances: list[Utterance] = []
    left_out: Counter[str] = Counter()
    unrecognised: list[str] = []
    for path in found.taken:
        match = re.fullmatch(name_pattern, path.stem, re.ASCII)
        if match is None:
            unrecognised.append(path.name)
        elif match["code"] not in label_map:
            left_out[match["code"]] += 1
        else:
            known: dict[str, Any] = dict(voice(match["speaker"]))
            utterances.append(
                Utterance(
                    utterance_id=path.stem,
                    path=path,
                    emotion=label_map[match["code"]],
                    speaker=match["speaker"],
                    text=match["text"],
                    **known,
                )
            )
    notes = others_notes(found.others)
    if unrecognised:
        left_out[UNRECOGNISED] = len(unrecognised)
        notes.insert(0, unrecognised_note("file names", unrecognised))
    return utterances, left_out, notes


def count_names(paths: Iterable[Path], name_pattern: str) -> Counter[tuple[str, str]]:
    """(speaker, code) -> files whose name says so, whether they are used or not."""
    matches = (re.fullmatch(name_pattern, path.stem, re.ASCII) for path in paths)
    return Counter((match["speaker"], match["code"]) for match in matches if match)


def count_notes(
    found: Counter[tuple[str, str]], expected: Mapping[str, Mapping[str, int]]
) -> list[str]:
    """One note with every part of a corpus whose counts differ from the published ones, or none.

    Args:
        found: (part, code) -> utterances there, whether used or not.
        expected: part -> code -> utterances published; others are not compared.
    """
    differences = []
    for part, counts in expected.items():
        wrong = [
            f"{code} {found[part, code]} instead of {count}"
            for code, count in counts.items()
            if found[part, code] != count
        ]
        if wrong:
            differences.append(f"{part} has {', '.join(wrong)}")
    return [f"counts are not the expected ones: {'; '.join(differences)}"] if differences else []


def unrecognised_note(what: str, found: Sequence[str]) -> str:
    """A sentence about what was left out because it does not look as the corpus publishes it."""
    return f"{len(found)} {what} not as the corpus publishes them, left out: {_examples(found)}"


def others_notes(others: Sequence[Path]) -> list[str]:
    """A sentence about what lies beside the files of a corpus and is not taken, or none."""
    names = [f"{path.parent.name}/{path.name}" for path in others]
    what = "files or folders beside those of the corpus"
    return [f"{len(names)} {what}, not read: {_examples(names)}"] if names else []


def _examples(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(map(visible, names[:most])) + (", ..." if len(names) > most else "")


def build_corpus(
    name: str,
    root: Path,
    label_map: Mapping[str, str],
    utterances: Iterable[Utterance],
    left_out: Mapping[str, int],
    *,
    group_by: str,
    notes: Sequence[str] = (),
    remarks: Sequence[str] = (),
    strict: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Corpus:
    """Sort and check what a reader found.

    Args:
        name: of the corpus.
        root: where it was read, for messages.
        label_map: the corpus's own code -> emotion.
        utterances: those that are used, in any order.
        left_out: code or reason -> number of utterances that are not used.
        group_by: "session" or "speaker".
        notes: sentences for the user about what is not as it should be.
        remarks: sentences for the user that are no fault; they come after the notes.
        strict: take every note for an error.
        options: what the reader was asked for beside its defaults.

    Returns:
        The corpus, its utterances sorted.

    Raises:
        DataError: no utterance is used, what `check_utterances` raises, or there are notes under
            `strict`.
    """
    used = tuple(sorted(utterances, key=lambda utterance: utterance.utterance_id))
    if not used:
        found = "; ".join((f"left out: {_counts(left_out)}", *notes))
        raise DataError(
            f"{visible(root)}: no utterance of {name} with a label of {', '.join(label_map)} "
            f"({found}); check the folder and the subset"
        )
    check_utterances(used)
    notes = (*notes, *spelling_notes(used))
    if strict and notes:
        raise DataError(
            f"{visible(root)}: {'; '.join(notes)}; mend the corpus or read it without strict"
        )
    return Corpus(
        name=name,
        emotions=tuple(sorted(set(label_map.values()))),
        label_map=dict(label_map),
        utterances=used,
        left_out=dict(sorted(left_out.items())),
        group_by=group_by,
        notes=(*notes, *remarks),
        options=dict(options or {}),
    )


def _counts(left_out: Mapping[str, int]) -> str:
    return ", ".join(f"{code} {count}" for code, count in sorted(left_out.items())) or "none"
