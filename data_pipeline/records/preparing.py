"""A corpus -> a prepared folder: the features of every utterance, in shards, and their metadata.

Every utterance of the corpus ends in the records or, with the reason, in `rejected.csv`. The
result does not depend on the number of workers, nor on how often preparation was interrupted.
"""

import csv
import io
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from importlib.metadata import version
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from data_pipeline.audio.waveform import SAMPLE_RATE
from data_pipeline.corpora.corpus import Corpus
from data_pipeline.errors import DataError, shown
from data_pipeline.records.codec import (
    FORMAT_VERSION,
    METADATA_NAME,
    Example,
    Prepared,
    file_sha256,
    load_prepared,
    write_shard,
)
from data_pipeline.records.extracting import (
    Extracted,
    Outcome,
    extract_opensmile,
    extract_tensorflow,
)
from data_pipeline.records.plan import (
    Shard,
    add_finished,
    begin_progress,
    digest,
    finished_shards,
    locked_folder,
    plan_shards,
    replace_text,
)

REJECTED_NAME = "rejected.csv"
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
    subset: str = "all",
    strict: bool = False,
    workers: int | None = None,
    show_progress: bool = True,
) -> Prepared:
    """Prepare a corpus; makes only what is missing or was made from other files.

    Args:
        corpus: what `data_pipeline.corpora.read_corpus` returned.
        out: the prepared folder; made when it is not there.
        mfcc: "opensmile" (the paper's extractor) or "tensorflow" (our own).
        n_fft: FFT points of the narrow and the wide spectrogram; a quarter as many mel bands.
        subset: what `read_corpus` was asked for; kept with the settings.
        strict: stop at the first file that cannot be used.
        workers: processes (`tensorflow`: threads); None: one a core. It never changes the result.
        show_progress: a bar on stderr with utterances a second and the time left.

    Returns:
        The prepared folder, whole.

    Raises:
        DataError: the folder holds something else or was made with other settings, no utterance is
            usable, or (strict) a file is not.
    """
    out = Path(out)
    settings = _settings(corpus, mfcc, n_fft, subset)
    with locked_folder(out):
        shards = plan_shards(corpus.utterances, settings)
        entries = finished_shards(out, settings, shards)
        finished = {s.name: _at_present(entries[s.name], s) for s in shards if s.name in entries}
        if strict:
            _refuse_rejected(finished.values())
        missing = [shard for shard in shards if shard.name not in finished]
        key = digest([settings, corpus.left_out, corpus.notes, [shard.key for shard in shards]])
        if not missing and _is_finished(out, key):
            _write_rejected(out, _rejected_of(finished[shard.name] for shard in shards))
            print(f"{out}: already prepared", file=sys.stderr)
            return load_prepared(out)
        begin_progress(out, settings)
        _remove_outdated(out, shards)
        utterances = [utterance for shard in missing for utterance in shard.utterances]
        outcomes = EXTRACTORS[mfcc](utterances, n_fft, workers or os.cpu_count() or 1)
        with closing(outcomes), _progress_bar(len(utterances), show_progress) as bar:
            watched = _watched(outcomes, bar, time.monotonic())
            for shard in missing:
                finished[shard.name] = _make_shard(out, shard, watched, corpus.emotions, strict)
        _finish(out, corpus, settings, key, [finished[shard.name] for shard in shards])
    return load_prepared(out)


def _settings(corpus: Corpus, mfcc: str, n_fft: tuple[int, int], subset: str) -> dict:
    """Everything but the audio that decides what the records hold."""
    return {
        "format_version": FORMAT_VERSION,
        "corpus": corpus.name,
        "emotions": list(corpus.emotions),
        "label_map": dict(corpus.label_map),
        "group_by": corpus.group_by,
        "subset": subset,
        "features": {"sample_rate": SAMPLE_RATE, "mfcc": mfcc, "n_fft": list(n_fft)},
        "versions": {package: version(package) for package in PACKAGES[mfcc]},
    }


def _is_finished(out: Path, key: str) -> bool:
    """Whether the metadata is there, readable, and of this very state."""
    try:
        return json.loads((out / METADATA_NAME).read_text(encoding="utf-8"))["key"] == key
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _remove_outdated(out: Path, shards: Iterable[Shard]) -> None:
    """Make the folder unfinished; removes shards of another plan and half-written ones."""
    (out / METADATA_NAME).unlink(missing_ok=True)
    wanted = {shard.name for shard in shards}
    for path in out.glob("records-*"):
        if path.name not in wanted:
            path.unlink()


def _at_present(entry: Mapping, shard: Shard) -> dict:
    """What an earlier run noted of a shard, with the paths of now: the corpus may have moved."""
    files = {u.utterance_id: shown(u.path) for u in shard.utterances}
    rejected = []
    for row in entry["rejected"]:
        file = files[row["utterance_id"]]
        rejected.append(row | {"file": file, "reason": row["reason"].replace(row["file"], file, 1)})
    return {**entry, "rejected": rejected}


def _rejected_of(entries: Iterable[Mapping]) -> list[dict]:
    return [row for entry in entries for row in entry["rejected"]]


def _refuse_rejected(entries: Iterable[Mapping]) -> None:
    """Under `strict`, what an earlier run rejected is an error, too."""
    for row in _rejected_of(entries):
        raise _strict_error(row["reason"])


def _strict_error(reason: str) -> DataError:
    return DataError(f"{reason} (--strict stops at the first such file)")


def _progress_bar(total: int, show: bool) -> tqdm:
    return tqdm(total=total, unit="utt", desc="preparing", disable=not show)


def _watched(outcomes: Iterable[Outcome], bar: tqdm, started: float) -> Iterator[Outcome]:
    """Pass the outcomes on and moves the bar; its end tells how many times real time.

    `started` is when extraction began: the first outcomes are ready before anybody asks for them.
    """
    seconds = 0.0
    for outcome in outcomes:
        if isinstance(outcome, Extracted):
            seconds += outcome.num_samples / SAMPLE_RATE
        elapsed = time.monotonic() - started
        bar.set_postfix_str(f"{seconds / elapsed:.0f}x real time", refresh=False)
        bar.update()
        yield outcome


def _make_shard(
    out: Path, shard: Shard, outcomes: Iterator[Outcome], emotions: Sequence[str], strict: bool
) -> dict:
    """Take the shard's share of the outcomes, writes its records and notes it as finished."""
    rows: list[dict] = []
    rejected: list[dict] = []
    share = islice(outcomes, len(shard.utterances))
    write_shard(out / shard.name, _examples(share, emotions, rows, rejected, strict))
    if len(rows) + len(rejected) != len(shard.utterances):
        raise RuntimeError(f"{shard.name}: utterances were lost between extraction and records")
    entry = {
        "name": shard.name,
        "key": shard.key,
        "sha256": file_sha256(out / shard.name),
        "utterances": rows,
        "rejected": rejected,
    }
    add_finished(out, entry)
    return entry


def _examples(
    outcomes: Iterable[Outcome],
    emotions: Sequence[str],
    rows: list[dict],
    rejected: list[dict],
    strict: bool,
) -> Iterator[Example]:
    """Examples to write; `rows` and `rejected` grow as they pass, so only one is in memory."""
    for outcome in outcomes:
        utterance = outcome.utterance
        if isinstance(outcome, Extracted):
            rows.append(_row(outcome))
            label = emotions.index(utterance.emotion)
            yield Example(utterance.utterance_id, label, outcome.features)
        elif strict:
            raise _strict_error(outcome.reason)
        else:
            identity = {"file": shown(utterance.path), "utterance_id": utterance.utterance_id}
            rejected.append(identity | {"reason": shown(outcome.reason)})


def _row(outcome: Extracted) -> dict:
    """What the metadata tells of an utterance."""
    utterance = outcome.utterance
    features = outcome.features
    return {
        "utterance_id": utterance.utterance_id,
        "speaker": utterance.speaker,
        "session": utterance.session,
        "scenario": utterance.scenario,
        "text": utterance.text,
        "emotion": utterance.emotion,
        "duration_seconds": outcome.num_samples / SAMPLE_RATE,
        "audio_sha256": outcome.audio_sha256,
        "num_mfcc_frames": features.num_mfcc_frames,
        "num_frames_narrow": features.num_frames_narrow,
        "num_frames_wide": features.num_frames_wide,
    }


def _finish(
    out: Path, corpus: Corpus, settings: Mapping, key: str, entries: Sequence[Mapping]
) -> None:
    """Write `rejected.csv`, then `metadata.json`."""
    rows = [row for entry in entries for row in entry["utterances"]]
    rejected = _rejected_of(entries)
    _write_rejected(out, rejected)
    if not rows:
        raise DataError(
            f"{out}: none of the {len(rejected)} utterances could be used; "
            f"the reasons are in {out / REJECTED_NAME}"
        )
    counts = {"kept": len(rows), "rejected": len(rejected), "left_out": dict(corpus.left_out)}
    shards = {e["name"]: {"sha256": e["sha256"], "examples": len(e["utterances"])} for e in entries}
    metadata = {
        **settings,
        "notes": list(corpus.notes),
        "key": key,
        "counts": counts,
        "shards": shards,
        "utterances": rows,
    }
    replace_text(out / METADATA_NAME, json.dumps(metadata, indent=1, ensure_ascii=False))


def _write_rejected(out: Path, rejected: Iterable[Mapping]) -> None:
    """Write `rejected.csv` where it does not say this already."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["file", "utterance_id", "reason"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rejected)
    path = out / REJECTED_NAME
    if not path.is_file() or path.read_bytes() != text.getvalue().encode():
        replace_text(path, text.getvalue())
