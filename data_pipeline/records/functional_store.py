"""The functionals of a prepared corpus, kept beside its records.

The prepared folder holds no audio, so the recordings are read again and checked against it.
"""

import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import numpy as np
from tqdm import tqdm

from data_pipeline.audio.reading import Segment, load_segment
from data_pipeline.audio.waveform import audio_sha256
from data_pipeline.errors import DataError, shown
from data_pipeline.features.functionals import opensmile_functionals
from data_pipeline.files import DAMAGED_NPZ, replacing
from data_pipeline.records.extracting import segment_of
from data_pipeline.records.prepared import Prepared
from data_pipeline.records.rereading import read_again
from data_pipeline.rows import UtteranceRow


def load_functionals(
    prepared: Prepared, feature_set: str, roots: Mapping[Path, Path]
) -> np.ndarray:
    """Read the functionals of every utterance of prepared folders, computed once and kept there.

    Args:
        prepared: from `load_prepared`.
        feature_set: a key of `contract.FUNCTIONALS`.
        roots: folder -> where its corpus lies, as `prepare --root` was told; needed only where
            the vectors are not kept yet.

    Returns:
        float32 (num_utterances, num_functionals), finite, in the order of the metadata.

    Raises:
        DataError: no root where one is needed, a recording that is missing or is not the one
            that was prepared, or one that openSMILE has no numbers for.
    """
    if prepared.parts:
        return np.concatenate([load_functionals(p, feature_set, roots) for p in prepared.parts])
    root = roots.get(prepared.directory)
    path = prepared.directory / f"functionals-{feature_set}.npz"
    # What the numbers depend on: other recordings or another openSMILE are computed anew.
    key = f"{prepared.key} {feature_set} opensmile {version('opensmile')}"
    functionals = _read_kept(path, key)
    if functionals is None:
        functionals = _compute(prepared, feature_set, root)
        _keep(path, key, functionals)
    return functionals


def _read_kept(path: Path, key: str) -> np.ndarray | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            return kept["functionals"] if kept["key"] == key else None
    except DAMAGED_NPZ:
        return None  # not there, or damaged: made anew


def _keep(path: Path, key: str, functionals: np.ndarray) -> None:
    """Keep them for the next time; where that cannot be, they are good for this one."""
    try:
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez(file, key=key, functionals=functionals)
    except OSError as error:
        print(
            f"note: {shown(path)}: cannot be written ({error.strerror or error}), so the next run "
            "computes these functionals again; make room or check the rights of the folder",
            file=sys.stderr,
        )


def _compute(prepared: Prepared, feature_set: str, root: Path | None) -> np.ndarray:
    segments = _segments(prepared, root)
    # disable=None: no bar where stderr is not a terminal.
    rows = tqdm(prepared.utterances, feature_set, unit="utt", disable=None)
    return np.stack([_functionals(feature_set, row, segments[row.utterance_id]) for row in rows])


def _segments(prepared: Prepared, root: Path | None) -> dict[str, Segment]:
    if root is None and prepared.reader != "demo":
        raise DataError(
            f"{prepared.directory}: its functionals are not computed yet, and the audio is not in "
            f"it; give --root, the place of the corpus {prepared.corpus}"
        )
    segments = {u.utterance_id: segment_of(u) for u in read_again(prepared, root).utterances}
    missing = [row.utterance_id for row in prepared.utterances if row.utterance_id not in segments]
    if missing:
        raise DataError(
            f"{root}: {len(missing)} utterance(s) of {prepared.directory} are not there, first "
            f"{missing[0]!r}; give the --root that it was prepared from"
        )
    return segments


def _functionals(feature_set: str, row: UtteranceRow, segment: Segment) -> np.ndarray:
    path, waveform = segment.path, load_segment(segment)
    if audio_sha256(waveform) != row.audio_sha256:
        raise DataError(
            f"{path}: is not the recording that was prepared as {row.utterance_id!r} (checksum "
            "differs); give the --root that the folder was prepared from, or prepare again"
        )
    functionals = opensmile_functionals(waveform, feature_set)
    if not np.isfinite(functionals).all():
        raise DataError(
            f"{path}: openSMILE has no finite functionals for it, expected a recording with some "
            "voiced speech; leave it out of the corpus and prepare again"
        )
    return functionals
