"""A corpus -> a prepared folder: the features of every utterance, in shards, and their metadata.

Every utterance of the corpus ends in the records or, with the reason, in `rejected.csv`. The
result does not depend on the number of workers, nor on how often preparation was interrupted.
"""

import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import astuple, replace
from importlib.metadata import version
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from data_pipeline.audio.waveform import SAMPLE_RATE
from data_pipeline.corpora.corpus import Corpus
from data_pipeline.errors import DataError, shown
from data_pipeline.files import csv_text, replace_file
from data_pipeline.records.codec import FORMAT_VERSION
from data_pipeline.records.extracting import (
    Extracted,
    Outcome,
    extract_opensmile,
    extract_tensorflow,
)
from data_pipeline.records.finished import (
    HALF_WRITTEN,
    FinishedShard,
    add_finished,
    begin_progress,
    finished_shards,
    locked_folder,
)
from data_pipeline.records.plan import SHARD_NAME, Shard, digest, plan_shards
from data_pipeline.records.prepared import METADATA_NAME, Prepared, is_prepared, load_prepared
from data_pipeline.records.remarks import (
    REJECTED_NAME,
    RejectedFile,
    causes_in_words,
    check_every_emotion,
)
from data_pipeline.records.shard import strict_error, write_shard
from data_pipeline.runtime import usable_cores
from data_pipeline.splits.copies import check_copies

EXTRACTORS = {"opensmile": extract_opensmile, "tensorflow": extract_tensorflow}
# Packages whose version may change the numbers, by extractor.
PACKAGES = {
    "opensmile": ("numpy", "librosa", "soundfile", "soxr", "opensmile"),
    "tensorflow": ("numpy", "librosa", "soundfile", "soxr", "tensorflow", "tensorflow-io"),
}


def prepare(
    corpus: Corpus,
    out: str | Path,
    *,
    mfcc: str = "opensmile",
    n_fft: tuple[int, int] = (256, 512),
    strict: bool = False,
    workers: int | None = None,
    show_progress: bool = True,
) -> Prepared:
    """Prepare a corpus; make only what is missing or was made from other files.

    Args:
        corpus: what `data_pipeline.corpora.read_corpus` returned.
        out: the prepared folder; made when it is not there.
        mfcc: "opensmile" (the paper's extractor) or "tensorflow" (our own).
        n_fft: FFT points of the narrow and the wide spectrogram; a quarter as many mel bands.
        strict: stop at the first file that cannot be used.
        workers: processes (`tensorflow`: threads); None: one a core. It never changes the result.
        show_progress: a bar on stderr with utterances a second and the time left.

    Returns:
        The prepared folder, whole.

    Raises:
        DataError: the folder holds something else or was made with other settings, no utterance of
            an emotion is usable, one recording has two emotions, or (strict) a file is not usable.
    """
    out = Path(out)
    settings = _settings(corpus, mfcc, n_fft)
    with locked_folder(out):
        shards = plan_shards(corpus.utterances, settings)
        finished = _finished_before(out, settings, shards, strict)
        missing = [shard for shard in shards if shard.name not in finished]
        key = digest([settings, corpus.left_out, corpus.notes, [shard.key for shard in shards]])
        if not missing and is_prepared(out, key):
            _write_rejected(out, _rejected_of(finished[shard.name] for shard in shards))
            _check_kept(out, corpus, [finished[shard.name] for shard in shards], strict)
            print(f"{out}: already prepared", file=sys.stderr)
            return load_prepared(out)
        begin_progress(out, settings)
        _remove_outdated(out, shards)
        utterances = [utterance for shard in missing for utterance in shard.utterances]
        # One pool of workers for all shards: none of them waits for the last one of another.
        outcomes = EXTRACTORS[mfcc](utterances, n_fft, workers or usable_cores())
        with closing(outcomes), _progress_bar(len(utterances), show_progress) as bar:
            watched = _watched(outcomes, bar, time.monotonic())
            for shard in missing:
                share = islice(watched, len(shard.utterances))
                made = write_shard(out, shard, share, emotions=corpus.emotions, strict=strict)
                add_finished(out, made)
                finished[shard.name] = made
        whole = [finished[shard.name] for shard in shards]
        _write_rejected(out, _rejected_of(whole))
        _check_kept(out, corpus, whole, strict)
        _write_metadata(out, corpus, settings, key, whole)
    return load_prepared(out)


def _settings(corpus: Corpus, mfcc: str, n_fft: tuple[int, int]) -> dict[str, object]:
    """Everything but the audio that decides what the records hold."""
    return {
        "format_version": FORMAT_VERSION,
        "corpus": corpus.name,
        "emotions": list(corpus.emotions),
        "label_map": dict(corpus.label_map),
        "group_by": corpus.group_by,
        "subset": corpus.subset,
        "features": {"sample_rate": SAMPLE_RATE, "mfcc": mfcc, "n_fft": list(n_fft)},
        "versions": {package: version(package) for package in PACKAGES[mfcc]},
    }


def _finished_before(
    out: Path, settings: Mapping, shards: Sequence[Shard], strict: bool
) -> dict[str, FinishedShard]:
    """Shards that earlier runs made, by name; what those runs were writing when killed goes."""
    entries = finished_shards(out, settings, shards)
    _remove_half_written(out)
    finished = {s.name: _at_present(entries[s.name], s) for s in shards if s.name in entries}
    if strict:
        _refuse_rejected(finished.values())
    return finished


def _remove_half_written(out: Path) -> None:
    """Remove what killed preparations left; other programs keep files of their own beside it."""
    for path in list(out.iterdir()):
        if HALF_WRITTEN.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def _remove_outdated(out: Path, shards: Iterable[Shard]) -> None:
    """Make the folder unfinished; remove the shards of another plan."""
    (out / METADATA_NAME).unlink(missing_ok=True)
    wanted = {shard.name for shard in shards}
    for path in list(out.iterdir()):
        if re.fullmatch(SHARD_NAME, path.name) and path.name not in wanted and path.is_file():
            path.unlink()


def _at_present(finished: FinishedShard, shard: Shard) -> FinishedShard:
    """What an earlier run noted of a shard, with the paths of now: the corpus may have moved."""
    files = {u.utterance_id: shown(u.path) for u in shard.utterances}
    rejected = []
    for row in finished.rejected:
        file = files[row.utterance_id]
        rejected.append(replace(row, file=file, reason=row.reason.replace(row.file, file, 1)))
    return replace(finished, rejected=tuple(rejected))


def _rejected_of(finished: Iterable[FinishedShard]) -> list[RejectedFile]:
    return [row for shard in finished for row in shard.rejected]


def _refuse_rejected(finished: Iterable[FinishedShard]) -> None:
    """Under `strict`, what an earlier run rejected is an error, too."""
    for row in _rejected_of(finished):
        raise strict_error(row.reason)


def _progress_bar(total: int, show: bool) -> tqdm:
    try:
        return tqdm(total=total, unit="utt", desc="preparing", disable=not show)
    except OSError:  # a bar that cannot be shown does not stop the work
        return tqdm(total=total, disable=True)


def _watched(outcomes: Iterable[Outcome], bar: tqdm, started: float) -> Iterator[Outcome]:
    """Pass the outcomes on and move the bar; its end tells how many times real time.

    `started` is when extraction began: the first outcomes are ready before anybody asks for them.
    """
    seconds = 0.0
    for outcome in outcomes:
        if isinstance(outcome, Extracted):
            seconds += outcome.num_samples / SAMPLE_RATE
        elapsed = time.monotonic() - started
        try:
            bar.set_postfix_str(f"{seconds / elapsed:.0f}x real time", refresh=False)
            bar.update()
        except OSError:
            bar.disable = True
        yield outcome


def _write_metadata(
    out: Path, corpus: Corpus, settings: Mapping, key: str, shards: Sequence[FinishedShard]
) -> None:
    """Write `metadata.json`: the folder is whole."""
    rows = [row.to_json() for shard in shards for row in shard.utterances]
    rejected = _rejected_of(shards)
    offsets = {name: value for shard in shards for name, value in shard.offsets.items()}
    metadata = {
        **settings,
        "reader_options": dict(corpus.options),
        "notes": list(corpus.notes),
        "key": key,
        "counts": {
            "kept": len(rows),
            "rejected": len(rejected),
            "left_out": dict(corpus.left_out),
        },
        "shards": {s.name: {"sha256": s.sha256, "examples": len(s.utterances)} for s in shards},
        **({"offsets": offsets} if offsets else {}),
        "utterances": rows,
    }
    replace_file(out / METADATA_NAME, json.dumps(metadata, indent=1, ensure_ascii=False))


def _check_kept(out: Path, corpus: Corpus, shards: Sequence[FinishedShard], strict: bool) -> None:
    """Refuse a corpus of which nothing is left, or nothing of an emotion, and wrong copies."""
    rows, rejected = [row for shard in shards for row in shard.utterances], _rejected_of(shards)
    if not rows:
        raise DataError(
            f"{out}: none of the {len(rejected)} utterances could be used "
            f"({causes_in_words(rejected)}), first {rejected[0].file}; "
            f"the reasons are in {out / REJECTED_NAME}"
        )
    emotion_of = {utterance.utterance_id: utterance.emotion for utterance in corpus.utterances}
    of_emotions = [(emotion_of[row.utterance_id], row) for row in rejected]
    check_every_emotion(out, corpus.emotions, {row.emotion for row in rows}, of_emotions)
    check_copies(rows, strict=strict)


def _write_rejected(out: Path, rejected: Iterable[RejectedFile]) -> None:
    """Write `rejected.csv` where it does not say this already."""
    text = csv_text(("file", "utterance_id", "reason"), map(astuple, rejected))
    path = out / REJECTED_NAME
    if not path.is_file() or path.read_bytes() != text.encode():
        replace_file(path, text)
