"""Several prepared folders as one: what they must agree in, and what all of them are."""

from collections.abc import Callable, Sequence
from pathlib import Path

from data_pipeline.errors import DataError
from data_pipeline.names import visible
from data_pipeline.records.plan import digest
from data_pipeline.records.prepared import Prepared, load_prepared
from data_pipeline.rows import corpora_of

# What joins the names of corpora to the name of all.
JOIN = "+"


def load_together(directories: Sequence[str | Path]) -> Prepared:
    """Open one or several prepared folders, as one.

    The folders are in the order of their names, whatever the order on the command line was: the
    same folders are the same data.

    Args:
        directories: what `prepare --out` made, one or more, each once.

    Returns:
        The folder; or, of several, one `Prepared` with all of them as its `parts`. Utterances,
        speakers, sessions and sentences are then called `<corpus>/<name>`, and each row names its
        corpus.

    Raises:
        DataError: what `load_prepared` raises; folders disagree in emotions or features, or two
            corpora have one name.
    """
    parts = sorted(map(load_prepared, directories), key=lambda part: part.corpus)
    if len(parts) == 1:
        return parts[0]
    for part in parts[1:]:
        _check_agree(parts[0], part)
    _check_names(parts)
    names = [part.corpus for part in parts]
    metadata = {
        "corpus": JOIN.join(names),
        "emotions": list(parts[0].emotions),
        "label_map": {part.corpus: part.metadata["label_map"] for part in parts},
        "subset": JOIN.join(sorted({part.subset for part in parts})),
        "features": parts[0].metadata["features"],
        "group_by": "speaker" if all(p.group_by == "speaker" for p in parts) else "session",
        "key": digest([[part.corpus, part.key] for part in parts]),
        "counts": _counts(parts),
        "notes": [f"{part.corpus}: {note}" for part in parts for note in part.notes],
        "offsets": {
            f"{part.corpus}/{name}": dbfs for part in parts for name, dbfs in part.offsets.items()
        },
    }
    return Prepared(Path(" + ".join(str(part.directory) for part in parts)), metadata, tuple(parts))


def _counts(parts: Sequence[Prepared]) -> dict[str, object]:
    counts = [part.counts for part in parts]
    emotions = parts[0].emotions
    return {
        "kept": sum(count.kept for count in counts),
        "rejected": sum(count.rejected for count in counts),
        "left_out": {
            f"{part.corpus}/{code}": number
            for part, count in zip(parts, counts, strict=True)
            for code, number in count.left_out.items()
        },
        "emotions": {e: sum(count.emotions[e] for count in counts) for e in emotions},
    }


def _check_agree(first: Prepared, other: Prepared) -> None:
    """Refuse folders that no model can be trained on together."""
    common = [visible(emotion) for emotion in first.emotions if emotion in other.emotions]
    wanted: dict[str, tuple[Callable[[Prepared], str], str]] = {
        "emotions": (_emotions, f"--emotions {' '.join(common) or 'that both have'}"),
        "MFCC": (lambda part: part.features.mfcc, f"--mfcc {first.features.mfcc}"),
        "FFT points": (_n_fft, f"--n-fft {_n_fft(first)}"),
    }
    for what, (of, option) in wanted.items():
        if of(first) != of(other):
            raise DataError(
                f"received prepared folders that do not go together: {what} {of(first)} in "
                f"{first.directory}, {of(other)} in {other.directory}; expected the same: prepare "
                f"them anew, into other folders, with {option}"
            )


def _emotions(part: Prepared) -> str:
    return " ".join(map(visible, part.emotions))


def _n_fft(part: Prepared) -> str:
    return " ".join(map(str, part.features.n_fft))


def _check_names(parts: Sequence[Prepared]) -> None:
    directory_of: dict[str, Path] = {}
    for part in parts:
        for name in {part.corpus, *corpora_of(part.utterances, part.corpus)}:
            if name in directory_of:
                raise DataError(
                    f"received two corpora called {visible(name)}, in {directory_of[name]} and "
                    f"{part.directory}, expected a name for each: run `prepare` of one of them "
                    "again with --name, which computes nothing anew"
                )
            directory_of[name] = part.directory
