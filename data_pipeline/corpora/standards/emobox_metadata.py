r"""The files of EmoBox's metadata: lines, labels and folds of one corpus, in `data/<corpus>`.

    <corpus>.jsonl                                   a line an utterance
    label_map.json                                   label -> emotion
    fold_N/<corpus>_{train,valid,test}_fold_N.jsonl  lines of the parts of fold N

A line has, among others, `key`, `wav` (below `downloads/<corpus>`) and `emo`; a segment of a longer
recording has `start_time` and `end_time`.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from data_pipeline.corpora.emotions import emotion_name
from data_pipeline.errors import DataError
from data_pipeline.names import visible

# EmoBox's names of the parts -> ours.
PARTS = {"train": "train", "valid": "validation", "test": "test"}
REMEDY = "take EmoBox's metadata as it is published"


@dataclass(frozen=True, kw_only=True)
class Line:
    """What EmoBox says of an utterance.

    Attributes:
        key: its name there.
        wav: path of the recording below the folder of the corpus, with slashes.
        label: emotion as the corpus calls it.
        start_seconds, end_seconds: the segment; None: to the end of the recording.
    """

    key: str
    wav: str
    label: str
    start_seconds: float = 0.0
    end_seconds: float | None = None


def read_lines(folder: Path) -> tuple[str, list[Line]]:
    """Read the utterances of a corpus.

    Args:
        folder: of the corpus, with one `<corpus>.jsonl` in it.

    Returns:
        Name of the corpus, and its lines.

    Raises:
        DataError: no such folder or file, or not EmoBox's.
    """
    if not os.path.isdir(folder):
        raise DataError(
            f"{folder}: no such folder; give EmoBox's folder of a corpus, data/<corpus>"
        )
    found = sorted(path for path in folder.glob("*.jsonl") if not path.name.startswith("."))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise DataError(
            f"{folder}: expected one <corpus>.jsonl, found {names}; give EmoBox's folder of a "
            "corpus, data/<corpus>"
        )
    name = found[0].stem
    return name, [_line(values, where, name) for where, values in _json_lines(found[0])]


def _json_lines(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Where each line stands, and what it says."""
    for number, line in enumerate(_text(path).splitlines(), start=1):
        where = f"{path} line {number}"
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except ValueError:
            values = None
        if not isinstance(values, dict) or not isinstance(values.get("key"), str):
            raise DataError(f"{where}: not a line of EmoBox's metadata; {REMEDY}")
        yield where, values


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; {REMEDY}") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8; {REMEDY}") from None


def _line(values: Mapping[str, Any], where: str, corpus: str) -> Line:
    wav, label = values.get("wav"), values.get("emo")
    if not isinstance(wav, str) or not isinstance(label, str):
        raise DataError(f"{where}: has no wav or no emo; {REMEDY}")
    path = PurePosixPath(wav)
    if path.parts[:2] == ("downloads", corpus):
        path = type(path)(*path.parts[2:])
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise DataError(f"{where}: {visible(wav)} leads out of the folder of the corpus; {REMEDY}")
    start, end = values.get("start_time"), values.get("end_time")
    try:
        return Line(
            key=values["key"],
            wav=str(path),
            label=label,
            start_seconds=0.0 if start is None else float(start),
            end_seconds=None if end is None else float(end),
        )
    except (TypeError, ValueError):
        raise DataError(f"{where}: start_time or end_time is no number; {REMEDY}") from None


# --- Labels ---


def read_labels(folder: Path, lines: Sequence[Line]) -> tuple[dict[str, str], list[str]]:
    """Read what the labels of a corpus mean.

    Args:
        folder: of the corpus, with `label_map.json`.
        lines: of the corpus.

    Returns:
        Each label of the lines -> emotion by our names, and a note about labels that
        `label_map.json` does not have, compared without case.

    Raises:
        DataError: no such file, or not EmoBox's.
    """
    path = folder / "label_map.json"
    try:
        named = json.loads(_text(path))
    except ValueError:
        named = None
    if not isinstance(named, dict) or not all(isinstance(name, str) for name in named.values()):
        raise DataError(f"{path}: not a map from labels to emotions; {REMEDY}")
    without_case = {label.casefold(): name for label, name in named.items()} | named
    labels, unknown = {}, []
    for label in sorted({line.label for line in lines}):
        name = without_case.get(label, without_case.get(label.casefold()))
        if name is None:
            unknown.append(visible(label))
        else:
            labels[label] = emotion_name(name)
    notes = [f"labels that {path.name} does not have, left out: {', '.join(unknown)}"]
    return labels, notes if unknown else []


# --- Folds ---


def read_folds(folder: Path, corpus: str, keys: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Read the folds of a corpus.

    Args:
        folder: of the corpus, with `fold_1` and so on.
        corpus: its name.
        keys: of all its utterances.

    Returns:
        Each key -> the number of the fold that tests it, or where there is one fold its part; and
        a note about what is wrong with them, with no folds then.

    Raises:
        DataError: a list that is not EmoBox's.
    """
    numbers = sorted(
        int(match[1])
        for path in folder.glob("fold_*")
        if (match := re.fullmatch(r"fold_(\d+)", path.name))
    )
    parts = {number: _parts(folder, corpus, number) for number in numbers}
    faults = [fault for number in numbers for fault in _faults(number, parts[number], set(keys))]
    if len(numbers) > 1:
        tested = Counter(key for number in numbers for key in parts[number]["test"])
        faults += _said("are tested by several folds", {k for k, n in tested.items() if n > 1})
        faults += _said("are tested by no fold", set(keys) - set(tested))
        folds = {key: str(number) for number in numbers for key in parts[number]["test"]}
    else:
        of_one = parts[numbers[0]] if numbers else {}
        folds = {key: PARTS[part] for part, members in of_one.items() for key in members}
    if faults:
        return {}, [f"EmoBox's folds are not used: {'; '.join(faults)}; {REMEDY}"]
    return folds, []


def _parts(folder: Path, corpus: str, number: int) -> dict[str, list[str]]:
    """Keys of each part of a fold; a validation part need not be there."""
    parts = {}
    for part in PARTS:
        path = folder / f"fold_{number}" / f"{corpus}_{part}_fold_{number}.jsonl"
        if part != "valid" or path.exists():
            parts[part] = [values["key"] for _, values in _json_lines(path)]
    return parts


def _faults(number: int, parts: Mapping[str, Sequence[str]], keys: set[str]) -> list[str]:
    counts = Counter(key for members in parts.values() for key in members)
    return [
        *_said(f"are twice in fold {number}", {key for key, count in counts.items() if count > 1}),
        *_said(f"are in no part of fold {number}", keys - set(counts)),
        *_said(f"of fold {number} are not in the corpus", set(counts) - keys),
    ]


def _said(what: str, keys: set[str]) -> list[str]:
    if not keys:
        return []
    return [f"{len(keys)} utterances {what} (such as {visible(min(keys))})"]
