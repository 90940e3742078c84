"""What a model has heard: its training recordings and voices, as salted checksums.

`heard.json` lies beside the weights of a model and in its export. A recording can be looked up in
it by whoever has the recording, and nothing can be rebuilt from it. A voice is looked up by its
name, and names can be guessed: whoever suspects a name can check it. Recordings that chose the
epoch and calibrated the model count as heard, too.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.files import replace_file
from data_pipeline.names import alike_key
from data_pipeline.rows import UtteranceRow
from ser_keras.errors import SerError

HEARD_FILE = "heard.json"
# How an utterance was heard before: this very recording, another one of this voice, or neither; and
# where nobody can tell.
RECORDING, VOICE, UNHEARD, UNKNOWN = "recording", "voice", "no", ""
# Letters of a checksum that are kept: two recordings of a billion are alike once in 10^20.
LETTERS = 32


@dataclass(frozen=True)
class HeardList:
    """What one training has heard.

    Attributes:
        salt: hexadecimal, drawn for this list: equal recordings have other checksums elsewhere.
        recordings: a checksum of each recording.
        speakers: a checksum of each speaker of each corpus; none where nobody is known.
    """

    salt: str
    recordings: frozenset[str]
    speakers: frozenset[str]

    def has_recording(self, row: UtteranceRow) -> bool:
        """Whether this very recording was heard."""
        return bool(row.audio_sha256) and _digest(self.salt, row.audio_sha256) in self.recordings

    def has_speaker(self, row: UtteranceRow, corpus: str) -> bool:
        """Whether a speaker of this name in a corpus of this name was heard."""
        return bool(row.speaker) and _digest(self.salt, _voice(row, corpus)) in self.speakers


def heard_in(rows: Iterable[UtteranceRow], corpus: str) -> HeardList | None:
    """The list of a training; None where the samples of a recording are not known.

    Args:
        rows: of the utterances that were trained or validated on.
        corpus: what they are from where they do not say it.
    """
    rows, salt = list(rows), os.urandom(16).hex()
    sums = {row.audio_sha256 for row in rows}
    if "" in sums:
        return None
    voices = {_voice(row, corpus) for row in rows if row.speaker}
    return HeardList(
        salt,
        frozenset(_digest(salt, one) for one in sums),
        frozenset(_digest(salt, one) for one in voices),
    )


def _voice(row: UtteranceRow, corpus: str) -> str:
    """A speaker by corpus and name, however the name is spelt, alone or among several corpora."""
    name = row.corpus or corpus
    return f"{alike_key(name)}\0{alike_key(row.speaker.removeprefix(f'{name}/'))}"


def _digest(salt: str, text: str) -> str:
    return hashlib.sha256(f"{salt} {text}".encode(errors="surrogateescape")).hexdigest()[:LETTERS]


def look_up(rows: Sequence[UtteranceRow], corpus: str, lists: Sequence[HeardList]) -> list[str]:
    """How each utterance was heard before.

    Whoever said a recording that was heard is a voice that was heard, whatever the names are.

    Args:
        rows: all of the data: a recording of one part makes known who speaks in another.
        corpus: what they are from where they do not say it.
        lists: of the model.

    Returns:
        "recording", "voice" or "no" for each row; "" where neither samples nor voice are known.
    """
    known = [any(one.has_recording(row) for one in lists) for row in rows]
    voices = {row.speaker for row, is_known in zip(rows, known, strict=True) if is_known} - {""}
    voices |= {row.speaker for row in rows if any(one.has_speaker(row, corpus) for one in lists)}
    return [_kind(row, is_known, voices) for row, is_known in zip(rows, known, strict=True)]


def _kind(row: UtteranceRow, is_known: bool, voices: Set[str]) -> str:
    if is_known:
        return RECORDING
    if row.speaker in voices:
        return VOICE
    return UNHEARD if row.audio_sha256 else UNKNOWN


def write_heard(lists: Iterable[HeardList], directory: Path) -> None:
    """Write the lists of a model beside its weights; sorted, so that they tell no order."""
    content = [
        {
            "salt": one.salt,
            "recordings": sorted(one.recordings),
            "speakers": sorted(one.speakers),
        }
        for one in lists
    ]
    replace_file(directory / HEARD_FILE, json.dumps(content, indent=0) + "\n")


def read_heard(directory: Path) -> tuple[HeardList, ...] | None:
    """The lists of a model; None where it does not know, as models of earlier versions.

    Raises:
        SerError: the file is damaged.
    """
    path = directory / HEARD_FILE
    if not path.is_file():
        return None
    try:
        return tuple(map(_list_of, json.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SerError(
            f"{path}: cannot be read ({error}), expected what training writes: train the fold "
            "again, or remove the file: then nobody knows what the model has heard"
        ) from None


def _list_of(content: Mapping) -> HeardList:
    return HeardList(
        content["salt"], frozenset(content["recordings"]), frozenset(content["speakers"])
    )
