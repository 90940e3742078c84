"""EmoDB: ten actors, ten German sentences, seven emotions.

Burkhardt, Paeschke, Rolfes, Sendlmeier and Weiss, "A database of German emotional speech",
Interspeech 2005, doi:10.21437/Interspeech.2005-446. On disk `wav/03a01Wa.wav`: speaker 03, text
a01, emotion W, version a; 16 kHz, mono.

W Ärger (anger), F Freude (joy), N neutral, T Trauer (sadness); left out are A Angst (fear),
E Ekel (disgust) and L Langeweile (boredom).
"""

from pathlib import Path

from data_pipeline.corpora.corpus import Corpus
from data_pipeline.corpora.finding import find_files
from data_pipeline.corpora.reading import build_corpus, read_file_names

LABEL_MAP = {"W": "angry", "F": "happy", "N": "neutral", "T": "sad"}

_NAME = r"(?P<speaker>\d\d)(?P<text>[ab]\d\d)(?P<code>[WFNTAEL])[a-z]"


def read_emodb(root: Path, *, strict: bool = False) -> Corpus:
    """Read the file names of EmoDB.

    Args:
        root: the folder that holds `wav`.
        strict: a file name that EmoDB does not use is an error and not a note.

    Raises:
        DataError: wrong folder, no utterance used, or under `strict` any note.
    """
    found = find_files(root, ("wav/*.wav",))
    utterances, left_out, notes = read_file_names(found, _NAME, LABEL_MAP)
    return build_corpus(
        "emodb",
        root,
        LABEL_MAP,
        utterances,
        left_out,
        group_by="speaker",
        notes=notes,
        strict=strict,
    )
