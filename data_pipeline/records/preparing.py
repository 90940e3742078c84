"""A corpus -> a prepared folder: the features of every utterance, in shards, and their metadata.

Every utterance of the corpus ends in the records or, with the reason, in `rejected.csv`. The
result does not depend on the number of workers, nor on how often preparation was interrupted.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import astuple
from functools import partial
from importlib.metadata import version
from itertools import chain, islice
from pathlib import Path

from tqdm import tqdm

from data_pipeline.audio.waveform import SAMPLE_RATE
from data_pipeline.corpora.corpus import Corpus
from data_pipeline.errors import DataError
from data_pipeline.files import csv_text, replace_file
from data_pipeline.records.extracting import (
    AHEAD,
    Extracted,
    Outcome,
    extract_opensmile,
    extract_tensorflow,
)
from data_pipeline.records.folder.finished import (
    begin,
    check_folder,
    current_key,
    finished_shards,
    locked_folder,
    remove_half_written,
    remove_outdated,
)
from data_pipeline.records.folder.shard_rows import ShardHead, read_shard_rows
from data_pipeline.records.folder.sources import MIN_TRUSTED, SourceMemory
from data_pipeline.records.plan import Shard, deciding, digest, keyed_ahead, plan_shards
from data_pipeline.records.prepared import (
    FORMAT_VERSION,
    METADATA_NAME,
    Prepared,
    load_prepared,
)
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
PACKAGES: dict[str, tuple[str, ...]] = {
    "opensmile": ("numpy", "librosa", "soundfile", "soxr", "opensmile"),
    "tensorflow": ("numpy", "librosa", "soundfile", "soxr", "tensorflow"),
}


def prepare(
    corpus: Corpus,
    out: str | Path,
    *,
    mfcc: str = "opensmile",
    n_fft: tuple[int, int] = (256, 512),
    speed: float = 1.0,
    name: str | None = None,
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
        speed: that recordings are played at: such a folder holds copies to be trained on beside
            the recordings themselves (`batches.copies`).
        name: what results call the corpus; None for the name of its reader. Another name changes
            the metadata alone.
        strict: stop at the first file that cannot be used.
        workers: processes (`tensorflow`: threads); None: one a core. It never changes the result.
        show_progress: a bar on stderr with utterances a second and the time left.

    Returns:
        The prepared folder, whole.

    Raises:
        DataError: the folder holds something else or was made with other settings, no utterance of
            an emotion is usable, one recording has two emotions, or (strict) a file is not usable.
    """
    out, workers = Path(out), workers or usable_cores()
    settings = _settings(corpus, mfcc, n_fft, speed)
    with locked_folder(out):
        check_folder(out, settings)
        remove_half_written(out)
        shards = plan_shards(corpus.utterances)
        memory = SourceMemory(out, trusted=len(corpus.utterances) >= MIN_TRUSTED)
        finished = finished_shards(out, shards, settings, memory)
        _refuse_rejected(finished.values(), strict)
        missing = [shard for shard in shards if shard.name not in finished]
        if not missing and _is_prepared(
            out, _key(corpus, settings, finished.values()), name or corpus.name
        ):
            _write_rejected(out, _rejected_of(finished.values()))
            if strict:
                _check_kept(out, corpus, list(finished.values()), strict)
            print(f"{out}: already prepared", file=sys.stderr)
            return load_prepared(out)
        begin(out, settings)
        (out / METADATA_NAME).unlink(missing_ok=True)
        remove_outdated(out, shards)
        key_of = partial(current_key, settings=settings, memory=memory)
        keyed = _begun(keyed_ahead(missing, key_of, AHEAD * workers))
        utterances = [utterance for shard in missing for utterance in shard.utterances]
        # One pool of workers for all shards: none of them waits for the last one of another.
        outcomes = EXTRACTORS[mfcc](utterances, n_fft, workers, speed)
        with closing(outcomes), _progress_bar(len(utterances), show_progress) as bar:
            watched = _watched(outcomes, bar, time.monotonic())
            for shard, key in keyed:
                share = islice(watched, len(shard.utterances))
                emotions = corpus.emotions
                head = write_shard(out, shard, key, share, emotions=emotions, strict=strict)
                memory.contents(shard.name, [out / shard.name], own=True)
                memory.remember(shard.name)
                finished[shard.name] = head
        heads = [finished[shard.name] for shard in shards]
        memory.tidy(finished)
        _write_rejected(out, _rejected_of(heads))
        kept = _check_kept(out, corpus, heads, strict)
        _write_metadata(out, corpus, settings | {"name": name or corpus.name}, heads, kept)
    return load_prepared(out)


def _is_prepared(directory: Path, key: str, name: str) -> bool:
    """Whether a folder is whole, of this format, this very key and this name; never raises."""
    try:
        metadata = json.loads((directory / METADATA_NAME).read_text(encoding="utf-8"))
        found = (metadata["format_version"], metadata["key"], metadata["name"])
        return found == (FORMAT_VERSION, key, name)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _begun(items: Iterator[tuple[Shard, str]]) -> Iterator[tuple[Shard, str]]:
    """The same, the first of them made at once."""
    return chain(list(islice(items, 1)), items)


def _settings(corpus: Corpus, mfcc: str, n_fft: tuple[int, int], speed: float) -> dict[str, object]:
    """Everything but the audio that decides what the records hold."""
    features = {"sample_rate": SAMPLE_RATE, "mfcc": mfcc, "n_fft": list(n_fft)}
    if speed != 1:  # settings of folders without it stay what they are
        features["speed"] = speed
    packages, told = PACKAGES[mfcc], {}
    if mfcc == "tensorflow":
        from data_pipeline.audio.parallel_decoding import TENSORFLOW_IO, decoder

        told = {"decoder": decoder()}
        packages += (TENSORFLOW_IO,) if told["decoder"] == TENSORFLOW_IO else ()
    return {
        "format_version": FORMAT_VERSION,
        "corpus": corpus.name,
        "emotions": list(corpus.emotions),
        "label_map": dict(corpus.label_map),
        "group_by": corpus.group_by,
        "subset": corpus.subset,
        "features": features,
        "versions": {package: version(package) for package in packages},
        **told,
    }


def _key(corpus: Corpus, settings: Mapping, heads: Iterable[ShardHead]) -> str:
    """Changes with everything that the records depend on."""
    keys = [head.key for head in heads]
    return digest([deciding(settings), corpus.left_out, corpus.notes, keys])


def _rejected_of(heads: Iterable[ShardHead]) -> list[RejectedFile]:
    return [row for head in heads for row in head.rejected]


def _refuse_rejected(heads: Iterable[ShardHead], strict: bool) -> None:
    """Under `strict`, what an earlier run rejected is an error, too."""
    for row in _rejected_of(heads):
        if strict:
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
    out: Path,
    corpus: Corpus,
    settings: Mapping,
    heads: Sequence[ShardHead],
    kept: Mapping[str, int],
) -> None:
    """Write `metadata.json`: the folder is whole."""
    metadata = {
        **settings,
        "reader_options": dict(corpus.options),
        "notes": list(corpus.notes),
        "key": _key(corpus, settings, heads),
        "counts": {
            "kept": sum(head.examples for head in heads),
            "rejected": len(_rejected_of(heads)),
            "left_out": dict(corpus.left_out),
            "emotions": {emotion: kept[emotion] for emotion in corpus.emotions},
        },
        "shards": {head.name: {"sha256": head.sha256, "examples": head.examples} for head in heads},
    }
    replace_file(out / METADATA_NAME, json.dumps(metadata, indent=1, ensure_ascii=False))


def _check_kept(
    out: Path, corpus: Corpus, heads: Sequence[ShardHead], strict: bool
) -> Mapping[str, int]:
    """Refuse a corpus of which nothing is left, or nothing of an emotion, and wrong copies.

    Returns:
        Emotion -> utterances that are kept.
    """
    rows = [row for head in heads for row in read_shard_rows(out, head.name)]
    rejected = _rejected_of(heads)
    if not rows:
        raise DataError(
            f"{out}: none of the {len(rejected)} utterances could be used "
            f"({causes_in_words(rejected)}), first {rejected[0].file}; "
            f"the reasons are in {out / REJECTED_NAME}"
        )
    emotion_of = {utterance.utterance_id: utterance.emotion for utterance in corpus.utterances}
    of_emotions = [(emotion_of[row.utterance_id], row) for row in rejected]
    kept = Counter(row.emotion for row in rows)
    check_every_emotion(out, corpus.emotions, kept, of_emotions)
    check_copies(rows, strict=strict)
    return kept


def _write_rejected(out: Path, rejected: Iterable[RejectedFile]) -> None:
    """Write `rejected.csv` where it does not say this already."""
    text = csv_text(("file", "utterance_id", "reason"), map(astuple, rejected))
    path = out / REJECTED_NAME
    if not path.is_file() or path.read_bytes() != text.encode():
        replace_file(path, text)
