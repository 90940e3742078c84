"""EmoDB: ten actors, ten German sentences, seven emotions.

Burkhardt, Paeschke, Rolfes, Sendlmeier and Weiss, "A database of German emotional speech",
Interspeech 2005, doi:10.21437/Interspeech.2005-446. On disk `wav/03a01Wa.wav`: speaker 03, text
a01, emotion W, version a; 16 kHz, mono.

W Ärger (anger), F Freude (joy), N neutral, T Trauer (sadness); left out are A Angst (fear),
E Ekel (disgust) and L Langeweile (boredom).
"""

from pathlib import Path

from data_pipeline.corpora.corpus import Corpus
from data_pipeline.corpora.emotions import NO_CHOICE, Choice
from data_pipeline.corpora.finding import find_files
from data_pipeline.corpora.reading import build_corpus, read_file_names

LABEL_MAP = {"W": "angry", "F": "happy", "N": "neutral", "T": "sad"}
LABELS = LABEL_MAP | {"A": "fearful", "E": "disgusted", "L": "bored"}

# Sex and age of each speaker, as the corpus's own pages list them (Burkhardt et al., "A Database of
# German Emotional Speech", Interspeech 2005).
SPEAKERS = {
    "03": ("male", "31"),
    "08": ("female", "34"),
    "09": ("female", "21"),
    "10": ("male", "32"),
    "11": ("male", "26"),
    "12": ("male", "30"),
    "13": ("female", "32"),
    "14": ("female", "35"),
    "15": ("male", "25"),
    "16": ("female", "31"),
}

_NAME = r"(?P<speaker>\d\d)(?P<text>[ab]\d\d)(?P<code>[WFNTAEL])[a-z]"


def read_emodb(root: Path, *, strict: bool = False, choice: Choice = NO_CHOICE) -> Corpus:
    """Read the file names of EmoDB.

    Args:
        root: the folder that holds `wav`.
        strict: a file name that EmoDB does not use is an error and not a note.
        choice: which emotions are used; by itself angry, happy, neutral and sad.

    Raises:
        DataError: wrong folder, no utterance used, or under `strict` any note.
    """
    label_map = choice.label_map(LABELS, LABEL_MAP)
    found = find_files(root, ("wav/*.wav",))
    utterances, left_out, notes = read_file_names(found, _NAME, label_map, _voice)
    return build_corpus(
        "emodb",
        root,
        label_map,
        utterances,
        left_out,
        group_by="speaker",
        notes=notes,
        strict=strict,
    )


def _voice(speaker: str) -> dict[str, str]:
    sex, age = SPEAKERS.get(speaker, ("", ""))
    return {"sex": sex, "age": age, "language": "German"}
