"""nEMO: nine actors, ninety Polish sentences, six emotions.

Christop, "nEMO: Dataset of Emotional Speech in Polish", LREC-COLING 2024. On disk
`samples/SM0_anger_23.wav` (speaker, emotion, sentence; 24 kHz, mono) and `data.tsv`: a line a file,
with tabs between its columns, `speaker_id` padded with blanks.

Emotions left out are fear and surprised.
"""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from data_pipeline.corpora.corpus import Corpus, Utterance
from data_pipeline.corpora.emotions import NO_CHOICE, Choice
from data_pipeline.corpora.published import Published, compare_speakers
from data_pipeline.corpora.reading import build_corpus
from data_pipeline.errors import DataError

LABEL_MAP = {"anger": "angry", "happiness": "happy", "neutral": "neutral", "sadness": "sad"}
LABELS = LABEL_MAP | {"fear": "fearful", "surprised": "surprised"}
COLUMNS = ("file_id", "emotion", "speaker_id")

_NINETY = {"anger": 90, "happiness": 90, "neutral": 90, "sadness": 90}
# Of three speakers we know the neutral ones only, of nobody how often fear and surprise are there:
# 4,481 files in all.
PUBLISHED = Published(
    whole={
        "anger": 749,
        "fear": 736,
        "happiness": 749,
        "neutral": 809,
        "sadness": 769,
        "surprised": 669,
    },
    speakers={
        "EB0": _NINETY,
        "IC0": {"neutral": 90},
        "KD0": _NINETY,
        "KS0": {"neutral": 90},
        "MK0": _NINETY,
        "MP0": {"neutral": 90},
        "SM0": _NINETY | {"happiness": 89},
        "TP0": _NINETY,
        "WR0": _NINETY | {"neutral": 89},
    },
)


def read_nemo(
    root: Path,
    *,
    strict: bool = False,
    choice: Choice = NO_CHOICE,
    expected: Published = PUBLISHED,
) -> Corpus:
    """Read the table of nEMO, whole or a part of it.

    A recording that is missing is not noticed here: preparing the corpus rejects it by name.

    Args:
        root: the folder that holds `data.tsv` and `samples`.
        strict: counts of a speaker that are not as published, and emotions that nEMO does not
            have, are an error and not a note; whole speakers or emotions may be missing.
        choice: which emotions are used; by itself angry, happy, neutral and sad.
        expected: files of each speaker and emotion.

    Raises:
        DataError: no table, one that is not as published, no utterance used, or under `strict` any
            note.
    """
    folder = Path(root).absolute()
    rows = _read_table(folder / "data.tsv")
    label_map = choice.label_map(LABELS, LABEL_MAP)
    notes, remarks = compare_speakers(
        Counter((row["speaker_id"], row["emotion"]) for row in rows), expected
    )
    return build_corpus(
        "nemo",
        folder,
        label_map,
        [_utterance(row, folder, label_map) for row in rows if row["emotion"] in label_map],
        Counter(row["emotion"] for row in rows if row["emotion"] not in label_map),
        group_by="speaker",
        notes=[*_unknown_labels(rows), *notes],
        remarks=remarks,
        strict=strict,
    )


def _read_table(path: Path) -> list[dict[str, str]]:
    """Cells of every line by their columns, without the blanks around them."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            # A quotation mark in a sentence is a letter like others.
            lines = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            columns = [name.strip() for name in next(lines, [])]
            _check_columns(path, columns)
            return [_row(path, lines.line_num, columns, cells) for cells in lines if cells]
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror}; give the folder that holds data.tsv and samples"
        ) from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8; take the file as it is published") from None
    except csv.Error as error:
        raise DataError(f"{path}: not a table: {error}; take the file as published") from None


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise DataError(
            f"{path}: has no column {', '.join(missing)}, found {', '.join(columns) or '(none)'}; "
            "take the file as it is published, with tabs between its columns"
        )


def _row(path: Path, line: int, columns: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    row = dict(zip(columns, (cell.strip() for cell in cells), strict=False))
    empty = [name for name in COLUMNS if not row.get(name)]
    if empty:
        raise DataError(
            f"{path} line {line}: {', '.join(empty)} is empty; take the file as it is published"
        )
    return row


def _utterance(row: Mapping[str, str], folder: Path, label_map: Mapping[str, str]) -> Utterance:
    name = Path(row["file_id"]).stem
    return Utterance(
        utterance_id=name,
        path=folder / "samples" / row["file_id"],
        emotion=label_map[row["emotion"]],
        speaker=row["speaker_id"],
        # SM0_anger_23: the sentence has the same number with every speaker and emotion.
        text=name.rpartition("_")[2],
        # Not in every copy of the table.
        sex=row.get("gender", ""),
        age=row.get("age", ""),
        language="Polish",
    )


def _unknown_labels(rows: Sequence[Mapping[str, str]]) -> list[str]:
    unknown = sorted({row["emotion"] for row in rows} - set(LABELS))
    return [f"emotions that the corpus does not have: {', '.join(unknown)}"] if unknown else []
