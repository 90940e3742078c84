"""What a prepared folder holds, in words: counts, lengths, folds, and what their parts share."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from data_pipeline.contract import PROTOCOLS
from data_pipeline.errors import DataError
from data_pipeline.records.prepared import Prepared
from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.folds import assign_folds
from data_pipeline.splits.leakage import audit, audit_in_words

# The seed only decides which utterances are drawn; the sizes stay.
SEED = 0


def describe(prepared: Prepared) -> str:
    """Text about a prepared folder, ready to print.

    Args:
        prepared: from `load_prepared`.

    Returns:
        Several lines, without the last line break.
    """
    sections = [_overview(prepared), _emotions(prepared)]
    sections += [_protocol(prepared, protocol) for protocol in PROTOCOLS]
    return "\n\n".join("\n".join(lines) for lines in sections)


def _overview(prepared: Prepared) -> list[str]:
    features, counts = prepared.features, prepared.counts
    left_out = ", ".join(f"{code} {count}" for code, count in counts.left_out.items())
    narrow, wide = features.n_fft
    subset = "" if prepared.subset == "all" else f", {prepared.subset} only"
    return [
        f"{prepared.directory}: corpus {prepared.corpus}{subset}",
        f"features     MFCC by {features.mfcc}; mel spectrograms of {narrow} and {wide} points",
        f"utterances   {counts.kept} kept, {counts.rejected} rejected (see rejected.csv)",
        f"left out     {left_out or 'none'}",
        f"duration     {_duration(prepared.utterances)}",
        f"frames       {_median_frames(prepared.utterances)}",
        *(f"note         {note}" for note in prepared.notes),
    ]


def _duration(rows: Sequence[UtteranceRow]) -> str:
    seconds = np.array([row.duration_seconds for row in rows])
    return (
        f"{seconds.sum() / 60:.1f} minutes; {seconds.min():.1f} to {seconds.max():.1f} s, "
        f"median {np.median(seconds):.1f} s"
    )


def _median_frames(rows: Sequence[UtteranceRow]) -> str:
    def median(column: str) -> str:
        return f"{np.median([getattr(row, column) for row in rows]):.0f}"

    return (
        f"median {median('num_mfcc_frames')} of MFCC, {median('num_frames_narrow')} narrow, "
        f"{median('num_frames_wide')} wide"
    )


def _emotions(prepared: Prepared) -> list[str]:
    """Table of utterances by emotion: all, each session where there are any, each speaker."""
    rows, emotions = prepared.utterances, prepared.emotions
    groups: list[tuple[str, Sequence[UtteranceRow]]] = [("all", rows)]
    for column in ("session", "speaker"):
        for value in sorted({getattr(row, column) for row in rows} - {""}):
            members = [row for row in rows if getattr(row, column) == value]
            groups.append((f"{column} {value}", members))
    width = max(len(name) for name, _ in groups)
    table = [f"{'':{width}}" + "".join(f"{emotion:>9}" for emotion in (*emotions, "total"))]
    for name, of_group in groups:
        counts = Counter(row.emotion for row in of_group)
        cells = [*(counts[emotion] for emotion in emotions), len(of_group)]
        table.append(f"{name:{width}}" + "".join(f"{cell:9d}" for cell in cells))
    return table


def _protocol(prepared: Prepared, protocol: str) -> list[str]:
    """One line a fold, and what training and test have in common."""
    rows = prepared.utterances
    try:
        folds = assign_folds(rows, protocol, prepared.group_by, SEED, source=prepared.folds_of)
        audited = audit(rows, folds, protocol)
    except DataError as error:
        return [f"protocol {protocol}: not possible here: {error}"]
    lines = [
        f"  fold {fold.number}  train {len(fold.train)}, validation {len(fold.validation)}, "
        f"test {len(fold.test)} ({fold.held_out})"
        for fold in folds
    ]
    return [f"protocol {protocol}: {len(folds)} folds", *lines, audit_in_words(audited)]
