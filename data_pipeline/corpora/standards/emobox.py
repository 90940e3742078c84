"""EmoBox: labels and folds of 32 corpora in one form; the recordings are one's own copies.

Ma et al., "EmoBox: Multilingual Multi-corpus Speech Emotion Recognition Toolkit and Benchmark",
Interspeech 2024. Its metadata does not tell who speaks: a pattern takes that from the paths.
"""

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from data_pipeline.corpora.corpus import Corpus, Utterance
from data_pipeline.corpora.emotions import NO_CHOICE, Choice
from data_pipeline.corpora.reading import build_corpus
from data_pipeline.corpora.standards.audio_search import (
    check_emotions_heard,
    find_recordings,
    missing_notes,
)
from data_pipeline.corpora.standards.emobox_metadata import (
    Line,
    read_folds,
    read_labels,
    read_lines,
)
from data_pipeline.errors import DataError
from data_pipeline.names import visible

# Corpus -> pattern of `--speaker`: its groups, put together, are the name of the speaker.
SPEAKER_PATTERNS = {
    "aesdd": r"\((\d+)\)\.wav$",
    "cafe": r"(\d\d)-[A-Z]-\d-\d\.wav$",
    "casia": r"^([a-z]+)/",
    "cremad": r"(\d{4})_[A-Z]{3}_[A-Z]{3}_",
    "emodb": r"(\d\d)[ab]\d\d[A-Z][a-z]?\.wav$",
    "emovo": r"([fm]\d)-[a-z]\d\.wav$",
    "iemocap": r"(Ses\d\d)[FM]_.*_([FM])\d+\.wav$",
    "jlcorpus": r"((?:fe)?male\d)_",
    "ravdess": r"(\d\d)\.wav$",
    "savee": r"(DC|JE|JK|KL)_",
    "shemo": r"([FM]\d\d)[A-Z]\d+\.wav$",
    "subesco": r"([FM]_\d\d)_",
    "tess": r"(OAF|YAF)_",
}


def read_emobox(
    root: Path,
    *,
    strict: bool = False,
    choice: Choice = NO_CHOICE,
    audio: str | Path | None = None,
    speaker: str | None = None,
) -> Corpus:
    """Read EmoBox's metadata of a corpus, and find its recordings.

    Args:
        root: the folder of the corpus in EmoBox's `data`.
        strict: recordings that are missing, labels that `label_map.json` does not have and folds
            that do not fit together are an error and not a note.
        choice: which emotions are used; by itself all.
        audio: the folder of the recordings; without it `downloads/<corpus>` of EmoBox.
        speaker: pattern (regular expression) of the speaker, looked for in the path of each
            recording; its groups make the name. Without it speakers are not known.

    Raises:
        DataError: no metadata, or not EmoBox's; no recordings at all of an emotion; two files that
            fit one path; a path without a speaker; no utterance used; or under `strict` any note.
    """
    folder = Path(root).absolute()
    corpus, lines = read_lines(folder)
    labels, notes = read_labels(folder, lines)
    label_map = choice.label_map(labels, labels)
    used = [line for line in lines if line.label in label_map]
    home = audio or folder.parents[1] / "downloads" / corpus
    below = Path(os.path.expanduser(home)).absolute()
    found = find_recordings(below, [line.wav for line in used])
    check_emotions_heard([(label_map[line.label], line.wav in found) for line in used], below)
    speakers = _speakers(used, speaker)
    folds, fold_notes = read_folds(folder, corpus, [line.key for line in lines])
    options = {"audio": None if audio is None else str(below), "speaker": speaker}
    return build_corpus(
        "emobox",
        folder,
        label_map,
        [
            Utterance(
                utterance_id=line.key,
                path=found.get(line.wav, below / line.wav),
                emotion=label_map[line.label],
                speaker=speakers.get(line.wav, ""),
                fold=folds.get(line.key, ""),
                start_seconds=line.start_seconds,
                end_seconds=line.end_seconds,
            )
            for line in used
        ],
        Counter(line.label for line in lines if line.label not in label_map),
        group_by="speaker",
        notes=[*notes, *missing_notes([line.wav for line in used], found, below), *fold_notes],
        remarks=[] if speaker else [_unknown_speakers(corpus)],
        strict=strict,
        options={name: value for name, value in options.items() if value is not None},
    )


def _speakers(lines: Sequence[Line], pattern: str | None) -> dict[str, str]:
    """Recording -> who speaks, by the groups of a pattern, or by all that matches it."""
    if pattern is None:
        return {}
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DataError(
            f"--speaker {pattern!r} is no regular expression ({error}); see docs/corpora.md"
        ) from None
    speakers = {}
    for wav in dict.fromkeys(line.wav for line in lines):
        match = compiled.search(wav)
        name = "".join(group or "" for group in match.groups() or match.group(0)) if match else ""
        if not name:
            raise DataError(
                f"--speaker {pattern!r} finds no speaker in {visible(wav)}; every path needs one"
            )
        speakers[wav] = name
    return speakers


def _unknown_speakers(corpus: str) -> str:
    remark = "EmoBox does not tell who speaks, so only its own folds are offered"
    if corpus in SPEAKER_PATTERNS:
        return f"{remark}; --speaker '{SPEAKER_PATTERNS[corpus]}' takes the speakers from the paths"
    return f"{remark}; --speaker PATTERN takes the speakers from the paths"
