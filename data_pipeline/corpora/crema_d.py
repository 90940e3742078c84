"""CREMA-D: 91 actors, twelve English sentences, six emotions.

Cao, Cooper, Keutmann, Gur, Nenkova and Verma, "CREMA-D: Crowd-sourced emotional multimodal actors
dataset", IEEE Transactions on Affective Computing 5 (2014), doi:10.1109/TAFFC.2014.2336244. On disk
`AudioWAV/1001_DFA_ANG_XX.wav`: actor, sentence, the emotion that was acted, level; 16 kHz, mono.

Left out are DIS (disgust) and FEA (fear).
"""

from pathlib import Path

from data_pipeline.corpora.base import Corpus, build_corpus, find_files, read_file_names

LABEL_MAP = {"ANG": "angry", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}

# The level is low, medium, high or unspecified; 1040_ITH_SAD_X.wav is published with one X.
_NAME = r"(?P<speaker>\d{4})_(?P<text>[A-Z]{3})_(?P<code>ANG|DIS|FEA|HAP|NEU|SAD)_(?:LO|MD|HI|XX|X)"


def read_crema_d(root: Path, *, strict: bool = False) -> Corpus:
    """Reads the file names of CREMA-D.

    Args:
        root: the folder that holds `AudioWAV`.
        strict: a file name that CREMA-D does not use is an error and not a note.

    Raises:
        DataError: wrong folder, no utterance used, or under `strict` any note.
    """
    paths = find_files(root, ("AudioWAV/*.wav",))
    utterances, left_out, notes = read_file_names(paths, _NAME, LABEL_MAP)
    return build_corpus(
        "crema_d",
        root,
        LABEL_MAP,
        utterances,
        left_out,
        group_by="speaker",
        notes=notes,
        strict=strict,
    )
