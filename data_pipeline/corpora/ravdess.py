"""RAVDESS: 24 actors, two English statements, eight emotions; speech only.

Livingstone and Russo, "The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS)",
PLoS ONE 13 (2018), doi:10.1371/journal.pone.0196391. On disk `Actor_12/03-01-06-01-02-01-12.wav`:
modality (03 audio only), vocal channel (01 speech, 02 song), emotion, intensity, statement,
repetition, actor (odd is male); 48 kHz, a few files in stereo.

Emotions left out are 02 (calm), 06 (fearful), 07 (disgusted) and 08 (surprised).
"""

import re
from pathlib import Path

from data_pipeline.corpora.corpus import Corpus
from data_pipeline.corpora.emotions import NO_CHOICE, Choice
from data_pipeline.corpora.finding import FoundFiles, find_files
from data_pipeline.corpora.published import Published, compare_speakers
from data_pipeline.corpora.reading import (
    build_corpus,
    count_names,
    read_file_names,
)

LABEL_MAP = {"05": "angry", "03": "happy", "01": "neutral", "04": "sad"}
LABELS = LABEL_MAP | {"02": "calm", "06": "fearful", "07": "disgusted", "08": "surprised"}
# Speech files of each actor, 1,440 in all: neutral has no strong intensity.
_EACH = {"01": 4, "02": 8, "03": 8, "04": 8, "05": 8, "06": 8, "07": 8, "08": 8}
PUBLISHED = Published(
    whole={code: 24 * count for code, count in _EACH.items()},
    speakers={f"{actor:02d}": _EACH for actor in range(1, 25)},
)
SONG = "song"

# The actors' folders lie below the root, or below Audio_Speech_Actors_01-24 as published.
_PATTERNS = ("Actor_*/*.wav", "*/Actor_*/*.wav")
_AFTER_CHANNEL = r"(?P<code>0[1-8])-0[12]-(?P<text>0[12])-0[12]-(?P<speaker>\d\d)"
_SPEECH_NAME = rf"03-01-{_AFTER_CHANNEL}"
_SONG_NAME = rf"03-02-{_AFTER_CHANNEL}"


def read_ravdess(
    root: Path,
    *,
    strict: bool = False,
    choice: Choice = NO_CHOICE,
    expected: Published = PUBLISHED,
) -> Corpus:
    """Read the file names of RAVDESS; songs are counted as left out.

    Args:
        root: the folder that holds `Actor_01` to `Actor_24`, or the folder above it.
        strict: a file name that RAVDESS does not use, or a count that is not as expected, is an
            error and not a note.
        choice: which emotions are used; by itself angry, happy, neutral and sad.
        expected: files of each speaker and emotion, by its code.

    Raises:
        DataError: wrong folder, no utterance used, or under `strict` any note.
    """
    found = find_files(root, _PATTERNS)
    speech = [path for path in found.taken if not re.fullmatch(_SONG_NAME, path.stem, re.ASCII)]
    label_map = choice.label_map(LABELS, LABEL_MAP)
    utterances, left_out, notes = read_file_names(
        FoundFiles(speech, found.others), _SPEECH_NAME, label_map, _voice
    )
    differences, remarks = compare_speakers(count_names(speech, _SPEECH_NAME), expected)
    if len(speech) < len(found.taken):
        left_out[SONG] = len(found.taken) - len(speech)
    return build_corpus(
        "ravdess",
        root,
        label_map,
        utterances,
        left_out,
        group_by="speaker",
        notes=notes + differences,
        remarks=remarks,
        strict=strict,
    )


def _voice(actor: str) -> dict[str, str]:
    """Actors of odd numbers are men, those of even numbers are women."""
    return {"sex": "male" if int(actor) % 2 else "female", "language": "English"}
