"""CREMA-D: 91 actors, twelve English sentences, six emotions.

Cao, Cooper, Keutmann, Gur, Nenkova and Verma, "CREMA-D: Crowd-sourced emotional multimodal actors
dataset", IEEE Transactions on Affective Computing 5 (2014), doi:10.1109/TAFFC.2014.2336244. On disk
`AudioWAV/1001_DFA_ANG_XX.wav`: actor, sentence, the emotion that was acted, level; 16 kHz, mono.

Left out are DIS (disgust) and FEA (fear).
"""

from pathlib import Path

from data_pipeline.corpora.corpus import Corpus
from data_pipeline.corpora.emotions import NO_CHOICE, Choice
from data_pipeline.corpora.finding import find_files
from data_pipeline.corpora.published import Published, compare_speakers
from data_pipeline.corpora.reading import (
    build_corpus,
    count_names,
    read_file_names,
)

LABEL_MAP = {"ANG": "angry", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
LABELS = LABEL_MAP | {"DIS": "disgusted", "FEA": "fearful"}
# Files of each emotion, 7,442 in all.
# How many each of the actors has is not known.
PUBLISHED = Published(
    whole={"ANG": 1271, "DIS": 1271, "FEA": 1271, "HAP": 1271, "NEU": 1087, "SAD": 1271},
    speakers={str(actor): {} for actor in range(1001, 1092)},
)

# The level is low, medium, high or unspecified; 1040_ITH_SAD_X.wav is published with one X.
_NAME = r"(?P<speaker>\d{4})_(?P<text>[A-Z]{3})_(?P<code>ANG|DIS|FEA|HAP|NEU|SAD)_(?:LO|MD|HI|XX|X)"


def read_crema_d(
    root: Path,
    *,
    strict: bool = False,
    choice: Choice = NO_CHOICE,
    expected: Published = PUBLISHED,
) -> Corpus:
    """Read the file names of CREMA-D.

    Args:
        root: the folder that holds `AudioWAV`.
        strict: a file name that CREMA-D does not use, or a count that is not as expected, is an
            error and not a note.
        choice: which emotions are used; by itself angry, happy, neutral and sad.
        expected: files of each emotion, by its code; compared where every speaker is there.

    Raises:
        DataError: wrong folder, no utterance used, or under `strict` any note.
    """
    found = find_files(root, ("AudioWAV/*.wav",))
    label_map = choice.label_map(LABELS, LABEL_MAP)
    utterances, left_out, notes = read_file_names(found, _NAME, label_map, _voice)
    differences, remarks = compare_speakers(count_names(found.taken, _NAME), expected)
    return build_corpus(
        "crema_d",
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
    return {"language": "English"}
