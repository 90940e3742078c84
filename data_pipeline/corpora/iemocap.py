"""IEMOCAP: five sessions, each a woman and a man, improvised and scripted dialogs.

Busso et al., "IEMOCAP: interactive emotional dyadic motion capture database", Language Resources
and Evaluation 42 (2008), doi:10.1007/s10579-008-9076-6. On disk:

    SessionN/dialog/EmoEvaluation/<dialog>.txt               the labels
    SessionN/sentences/wav/<dialog>/<utterance>.wav          16 kHz, mono

A labelled turn in `<dialog>.txt`, with tabs between its four parts (other lines are headers and the
votes of single evaluators):

    [6.2901 - 8.2357]	Ses01F_impro01_M003	neu	[2.5000, 2.5000, 2.5000]

The letter after the session says who wore the motion-capture markers, not who speaks: the speaker
is the letter before the last number, here the man of session 1.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from data_pipeline.corpora.corpus import Corpus, Utterance
from data_pipeline.corpora.emotions import NO_CHOICE, Choice
from data_pipeline.corpora.finding import DiskNames, find_files
from data_pipeline.corpora.reading import (
    UNRECOGNISED,
    build_corpus,
    count_notes,
    others_notes,
    unrecognised_note,
)
from data_pipeline.errors import DataError
from data_pipeline.names import visible

LABEL_MAP = {"ang": "angry", "exc": "happy", "hap": "happy", "neu": "neutral", "sad": "sad"}
# What else the evaluators agreed on; `oth` is something else, and of `xxx` they did not agree.
LABELS = LABEL_MAP | {
    "exc": "excited",
    "dis": "disgusted",
    "fea": "fearful",
    "fru": "frustrated",
    "sur": "surprised",
}
SCENARIOS = {"impro": "improvised", "script": "scripted"}
SUBSETS = ("all", *SCENARIOS.values())

# Turns of each label in the release of 2008, as the literature counts them: 5,531 in all.
# A part is a session or a scenario.
PUBLISHED = {
    "Session1": {"ang": 229, "hap": 135, "exc": 143, "neu": 384, "sad": 194},
    "Session2": {"ang": 137, "hap": 117, "exc": 210, "neu": 362, "sad": 197},
    "Session3": {"ang": 240, "hap": 135, "exc": 151, "neu": 320, "sad": 305},
    "Session4": {"ang": 327, "hap": 65, "exc": 238, "neu": 258, "sad": 143},
    "Session5": {"ang": 170, "hap": 143, "exc": 299, "neu": 384, "sad": 245},
    "improvised": {"ang": 289, "hap": 284, "exc": 663, "neu": 1099, "sad": 608},
    "scripted": {"ang": 814, "hap": 311, "exc": 378, "neu": 609, "sad": 476},
}

# The last letter of a speaker.
SEXES = {"F": "female", "M": "male"}

_SESSION = "Session"
_LABEL_FILES = f"{_SESSION}*/dialog/EmoEvaluation/Ses*.txt"
_TURN = re.compile(
    r"\[[\d.]+ - [\d.]+\]\t"
    r"(?P<utterance_id>(?P<session>Ses\d\d)[FM]_(?P<scenario>impro|script)\w*_(?P<letter>[FM])\d+)"
    r"\t(?P<code>\w+)\t\[.*\]",
    re.ASCII,
)


class _Turn(NamedTuple):
    """A labelled utterance, whatever its label."""

    utterance_id: str
    path: Path
    code: str
    speaker: str
    session: str
    scenario: str


def read_iemocap(
    root: Path,
    *,
    strict: bool = False,
    choice: Choice = NO_CHOICE,
    subset: str = "all",
    excited_as_happy: bool = True,
    expected: Mapping[str, Mapping[str, int]] = PUBLISHED,
) -> Corpus:
    """Read the labels of IEMOCAP, or of a corpus that lies on disk in the same way.

    A WAV file that is missing is not noticed here: preparing the corpus rejects it by name.

    Args:
        root: the folder that holds Session1 to Session5 (`IEMOCAP_full_release`).
        strict: a count that is not as expected, or a label line that cannot be read, is an error
            and not a note.
        choice: which emotions are used; by itself angry, happy, neutral and sad.
        subset: "all", "improvised" or "scripted"; the other turns are counted as left out.
        excited_as_happy: count `exc` as happy, as the 5,531 utterances of Wang et al. (2020,
            section 2.1) need it; otherwise it is left out, or where it is chosen, excited.
        expected: session or scenario -> label -> number of turns, compared before anything is left
            out. Labels and parts that it does not name are not compared.

    Returns:
        The corpus; it keeps what it was asked for.

    Raises:
        DataError: wrong folder, unknown subset, no utterance used, or under `strict` any note.
    """
    if subset not in SUBSETS:
        raise DataError(f"subset {subset!r} is not known; choose one of {', '.join(SUBSETS)}")
    label_files = find_files(root, (_LABEL_FILES,))
    turns, unread = _read_turns(label_files.taken)
    label_map = _label_map(choice, excited_as_happy)
    used = [t for t in turns if t.code in label_map and subset in ("all", t.scenario)]
    left_out = _left_out(turns, subset, label_map)
    found = Counter((turn.session, turn.code) for turn in turns)
    found.update((turn.scenario, turn.code) for turn in turns)
    notes = count_notes(found, expected)
    if unread:
        left_out[UNRECOGNISED] = len(unread)
        notes.append(unrecognised_note("label lines", unread))
    # Beside the label files lie folders with the votes of single evaluators.
    notes += others_notes([path for path in label_files.others if _is_like_label_file(path)])
    return build_corpus(
        "iemocap",
        root,
        label_map,
        _utterances(used, label_map),
        left_out,
        group_by="session",
        notes=notes,
        strict=strict,
        options=options_asked(subset, excited_as_happy),
    )


def _label_map(choice: Choice, excited_as_happy: bool) -> dict[str, str]:
    """The labels that are used: excited counts as happy, unless something else is asked for."""
    default = {c: e for c, e in LABEL_MAP.items() if excited_as_happy or c != "exc"}
    if excited_as_happy and choice.options and "excited" not in choice.emotions:
        choice = replace(choice, mapped={"excited": "happy", **choice.mapped})
    return choice.label_map(LABELS, default)


def options_asked(subset: str, excited_as_happy: bool) -> dict[str, str | bool]:
    """What differs from the reader's defaults."""
    options: dict[str, str | bool] = {} if subset == "all" else {"subset": subset}
    return options if excited_as_happy else options | {"excited_as_happy": False}


def _is_like_label_file(path: Path) -> bool:
    return path.name.casefold().startswith("ses") and not path.is_dir()


def _read_turns(label_files: Sequence[Path]) -> tuple[list[_Turn], list[str]]:
    """All labelled turns, and the places ("file line 3") of label lines that cannot be read."""
    turns: list[_Turn] = []
    unread: list[str] = []
    for label_file in label_files:
        before, lines = len(turns) + len(unread), _lines(label_file)
        for number, line in enumerate(lines, start=1):
            match = _TURN.fullmatch(line.strip())
            if match:
                turns.append(_turn(match, label_file))
            elif line.lstrip().startswith("["):
                unread.append(f"{label_file.name} line {number}")
        if lines and len(turns) + len(unread) == before:
            unread.append(f"{label_file.name} (no label line)")
    return turns, unread


def _lines(label_file: Path) -> list[str]:
    # The remarks of the evaluators are free text of unknown encoding; labels are ASCII.
    try:
        return label_file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError as error:
        raise DataError(
            f"{visible(label_file)}: cannot be read ({error.strerror}); expected a label file"
        ) from None


def _turn(match: re.Match, label_file: Path) -> _Turn:
    session_folder = label_file.parents[2]
    audio_folder = session_folder / "sentences" / "wav" / label_file.stem
    return _Turn(
        utterance_id=match["utterance_id"],
        path=audio_folder / f"{match['utterance_id']}.wav",
        code=match["code"],
        speaker=match["session"] + match["letter"],
        session=_SESSION + session_folder.name[len(_SESSION) :],  # whatever its case
        scenario=SCENARIOS[match["scenario"]],
    )


def _utterances(turns: Iterable[_Turn], label_map: Mapping[str, str]) -> list[Utterance]:
    on_disk = DiskNames()
    return [
        Utterance(
            utterance_id=turn.utterance_id,
            path=on_disk.find(turn.path),
            emotion=label_map[turn.code],
            speaker=turn.speaker,
            session=turn.session,
            scenario=turn.scenario,
            sex=SEXES.get(turn.speaker[-1], ""),
            language="English",
        )
        for turn in turns
    ]


def _left_out(turns: Sequence[_Turn], subset: str, label_map: Mapping[str, str]) -> Counter[str]:
    """Turn of the scenario not chosen, by its name, and of labels not used, by label."""
    reasons = (turn.code if subset in ("all", turn.scenario) else turn.scenario for turn in turns)
    return Counter(reason for reason in reasons if reason not in label_map)
