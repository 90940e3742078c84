"""A prepared folder as it is read: its rows, its settings and its records.

The folder holds TFRecord shards `records-00000-of-000NN.tfrecord`, the rows of each beside it
(`.jsonl`), `rejected.csv` and `metadata.json`. The last one is written last, so its presence says
that the folder is whole. In folders of format 2 the rows of all are in `metadata.json`.
Everybody reaches what a folder holds by the properties of `Prepared`. TensorFlow is imported where
records are read: the metadata does not need it.
"""

import json
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from data_pipeline.corpora.catalogue import options_of_older_folder
from data_pipeline.errors import DataError
from data_pipeline.records.folder.format_2 import FORMAT_2
from data_pipeline.records.folder.shard_rows import read_shard_head, read_shard_rows, rows_name
from data_pipeline.records.remarks import check_every_emotion
from data_pipeline.rows import UtteranceRow

METADATA_NAME = "metadata.json"
# Of the folder: where what lies. That of the records is `codec.RECORD_VERSION`.
FORMAT_VERSION = 3
# Corpora that bring folds, and whose these are.
FOLD_SOURCES = {
    "audformat": "the audformat database",
    "emobox": "EmoBox",
    "manifest": "the manifest",
}


@dataclass(frozen=True)
class FeatureSettings:
    """How the features of a prepared folder were computed.

    Attributes:
        sample_rate: Hz.
        mfcc: extractor of the MFCC, "opensmile" or "tensorflow".
        n_fft: FFT points of the narrow and the wide spectrogram.
        speed: that the recordings were played at.
    """

    sample_rate: int
    mfcc: str
    n_fft: tuple[int, int]
    speed: float = 1.0

    @property
    def n_mels(self) -> tuple[int, int]:
        """Mel bands (narrow, wide): a quarter of the FFT points each (paper, section 2.2)."""
        narrow, wide = self.n_fft
        return narrow // 4, wide // 4


@dataclass(frozen=True)
class Counts:
    """How many utterances of the corpus there are.

    Attributes:
        kept: in the records.
        rejected: whose file cannot be used; `rejected.csv` has the reasons.
        left_out: the corpus's own code, or a reason, -> utterances outside the label map.
        emotions: emotion -> utterances that are kept.
    """

    kept: int
    rejected: int
    left_out: dict[str, int]
    emotions: dict[str, int]


@dataclass(frozen=True)
class RecordFile:
    """What the metadata says of one shard: its checksum and its number of records."""

    sha256: str
    examples: int


@dataclass(frozen=True)
class Prepared:
    """A whole prepared folder, as `load_prepared` returns it, or several as one (`together`).

    Attributes:
        directory: the folder; of several, their names, for messages.
        metadata: the content of its `metadata.json`, for this class alone.
        parts: the folders that are one here, in the order of their records; none for one folder.
    """

    directory: Path
    metadata: dict[str, Any]
    parts: tuple["Prepared", ...] = ()

    @property
    def corpus(self) -> str:
        """What the corpus is called in results: the name that it was given, or its reader's."""
        return self.metadata.get("name", self.reader)

    @property
    def reader(self) -> str:
        """What read the corpus: `--corpus` of the command line."""
        return self.metadata["corpus"]

    @property
    def reader_options(self) -> dict[str, Any]:
        """What `read_corpus` was asked for: its keyword arguments that were not the default."""
        if "reader_options" in self.metadata:
            return dict(self.metadata["reader_options"])
        return options_of_older_folder(self.reader, self.subset, self.metadata["label_map"])

    @property
    def subset(self) -> str:
        """Part of the corpus that was taken: "all", "improvised" or "scripted"."""
        return self.metadata["subset"]

    @property
    def emotions(self) -> tuple[str, ...]:
        """Label i is emotions[i]."""
        return tuple(self.metadata["emotions"])

    @property
    def group_by(self) -> str:
        """What the protocol `speaker` keeps apart: "session" or "speaker"."""
        return self.metadata["group_by"]

    @property
    def folds_of(self) -> str:
        """Whose folds those of the protocol `given` are, for people."""
        if self.parts:
            return " and ".join(dict.fromkeys(part.folds_of for part in self.parts))
        return FOLD_SOURCES.get(self.reader, f"the corpus {self.reader}")

    @property
    def features(self) -> FeatureSettings:
        """How the features were computed."""
        features = self.metadata["features"]
        narrow, wide = features["n_fft"]
        speed = features.get("speed", 1.0)
        return FeatureSettings(features["sample_rate"], features["mfcc"], (narrow, wide), speed)

    @property
    def key(self) -> str:
        """Changes with everything that the records depend on."""
        return self.metadata["key"]

    @property
    def counts(self) -> Counts:
        """How many utterances were kept and how many were not."""
        known = self.metadata["counts"]
        if "emotions" in known:
            return Counts(**known)
        kept = Counter(row["emotion"] for row in self.metadata["utterances"])
        return Counts(**known, emotions={emotion: kept[emotion] for emotion in self.emotions})

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader of the corpus had to say, sentences for the user."""
        return tuple(self.metadata["notes"])

    @property
    def offsets(self) -> dict[str, float]:
        """Utterances with a constant offset that is worth a word, and its dBFS."""
        if self.is_format_2 or self.parts:
            return dict(self.metadata.get("offsets", {}))
        heads = (read_shard_head(self.directory, name) for name in self.record_files)
        return {name: dbfs for head in heads for name, dbfs in head.offsets.items()}

    @property
    def is_format_2(self) -> bool:
        """Whether an earlier version made it, with all rows in its metadata."""
        return "utterances" in self.metadata

    @property
    def record_files(self) -> dict[str, RecordFile]:
        """Name of each shard -> what it holds, in the order of the records."""
        shards = self.metadata["shards"]
        return {name: RecordFile(**shards[name]) for name in sorted(shards)}

    @property
    def missing_files(self) -> list[str]:
        """Names of the files of its records, and of their rows, that are not there."""
        rows = [] if self.is_format_2 else list(map(rows_name, self.record_files))
        return [
            name for name in (*self.record_files, *rows) if not (self.directory / name).is_file()
        ]

    @property
    def shards(self) -> list[RecordFile]:
        """What each shard holds, in the order of the records."""
        if self.parts:
            return [shard for part in self.parts for shard in part.shards]
        return list(self.record_files.values())

    @property
    def shard_paths(self) -> list[Path]:
        """Paths of the shards, in the order of the records."""
        if self.parts:
            return [path for part in self.parts for path in part.shard_paths]
        return [self.directory / name for name in self.record_files]

    @cached_property
    def utterances(self) -> tuple[UtteranceRow, ...]:
        """One row an utterance, in record order; of several folders, their names in the rows."""
        if self.parts:
            rows = (
                renamed(part, row, self.group_by) for part in self.parts for row in part.utterances
            )
            return tuple(rows)
        if self.is_format_2:
            return tuple(map(UtteranceRow.from_json, self.metadata["utterances"]))
        shards = (read_shard_rows(self.directory, name) for name in self.record_files)
        return tuple(chain.from_iterable(shards))

    @property
    def identity(self) -> dict[str, Any]:
        """What every result says of the data it is from, ready for JSON."""
        named = ("emotions", "label_map", "subset", "features", "group_by")
        known = {name: self.metadata[name] for name in named}
        return {"data_key": self.key, "corpus": self.corpus} | known


def renamed(part: Prepared, row: UtteranceRow, group_by: str) -> UtteranceRow:
    """A row of one of several folders: its names are unique among them.

    Args:
        part: its folder.
        row: of the folder.
        group_by: what the protocol `speaker` keeps apart in all of them. Where that is sessions, a
            voice of a corpus without sessions is one of its own.
    """
    names = {c: getattr(row, c) for c in ("utterance_id", "speaker", "session", "text")}
    unique: dict[str, Any] = {
        c: f"{part.corpus}/{name}" if name else "" for c, name in names.items()
    }
    if group_by == "session" and part.group_by == "speaker":
        unique["session"] = unique["speaker"]
    return replace(row, **unique, corpus=row.corpus or part.corpus)


def load_prepared(directory: str | Path) -> Prepared:
    """Open a prepared folder; its records are not read (`verify` does that).

    Args:
        directory: what `prepare --out` made.

    Returns:
        The folder, all of whose shards are there.

    Raises:
        DataError: the folder is missing or unfinished, has another format, lacks a shard, or
            has an emotion of which there is no utterance.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise DataError(
            f"{directory}: no such folder; make it with `python -m data_pipeline prepare "
            f"--out {directory} --corpus ...`"
        )
    prepared = Prepared(directory, _read_metadata(directory))
    kept = {emotion for emotion, count in prepared.counts.emotions.items() if count}
    check_every_emotion(directory, prepared.emotions, kept)
    missing = prepared.missing_files
    if missing:
        raise DataError(
            f"{directory}: {len(missing)} record file(s) missing, first {missing[0]}; run "
            "`python -m data_pipeline prepare` again with the same options to restore them"
        )
    return prepared


def _read_metadata(directory: Path) -> dict[str, Any]:
    path = directory / METADATA_NAME
    if not path.is_file():
        raise DataError(
            f"{directory}: preparation is unfinished (no {METADATA_NAME}); run "
            f"`python -m data_pipeline prepare --out {directory}` again with the same options"
        )
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
        version = metadata["format_version"]
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{path}: not the metadata of a prepared folder; prepare again") from None
    if version not in (FORMAT_2, FORMAT_VERSION):
        raise DataError(
            f"{path}: format version {version}, expected {FORMAT_2} or {FORMAT_VERSION}; "
            "prepare the corpus again into another folder"
        )
    return metadata
