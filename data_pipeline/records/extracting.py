"""Utterances -> features, in parallel and in order: what `prepare` writes.

Two ways, one kind of result. `extract_opensmile` is the paper's extraction, openSMILE and librosa,
in worker processes that never import TensorFlow (some seconds and 400 MB each).
`extract_tensorflow` computes MFCC and mels by the functions of the exported graph, inside tf.data
in one process. Matrix products take one thread each: the workers fill the cores already, and the
last bit of a product depends on how many threads share it.
"""

import sys
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from data_pipeline.audio.offset import constant_offset
from data_pipeline.audio.reading import Segment, load_segment
from data_pipeline.audio.refusals import AudioError
from data_pipeline.audio.waveform import SAMPLE_RATE, audio_sha256
from data_pipeline.contract import MAX_SECONDS
from data_pipeline.corpora.corpus import Utterance
from data_pipeline.errors import DataError, shown
from data_pipeline.features.mel import mel_spectrogram, tensorflow_mel_spectrogram
from data_pipeline.features.mfcc import opensmile_mfcc, tensorflow_mfcc
from data_pipeline.records.codec import PackedFeatures, pack_features
from data_pipeline.records.remarks import NOT_PROCESSED
from data_pipeline.runtime import give_numba_a_cache
from data_pipeline.workers import interrupt_deferred, new_pool

if TYPE_CHECKING:
    import tensorflow as tf

# A worker gets this many utterances at a time: enough to hide the cost of handing them over
# (measured under 1 ms a task), few enough that the last worker does not work alone for long.
CHUNK_SIZE = 8
# Tasks a worker may be ahead of the writer: bounds the memory whatever the size of the corpus.
TASKS_AHEAD = 3
# Utterances for each worker that are read, at most, before those in front of them are given: more
# than either way of extraction has under way.
AHEAD = 2 * TASKS_AHEAD * CHUNK_SIZE
# So many utterances may end their process, of those that were under way together.
MAX_ENDED = 3
MAX_SAMPLES = MAX_SECONDS * SAMPLE_RATE


@dataclass(frozen=True)
class Extracted:
    """Features of one utterance.

    Attributes:
        utterance: the row of the corpus.
        num_samples: length at 16 kHz.
        audio_sha256: of the decoded float32 samples, so that the same recording under two names,
            or in two containers without loss, is recognised.
        features: what the record holds.
        offset: its constant part, from -1 to 1; 0.0 where it is too small for a word.
    """

    utterance: Utterance
    num_samples: int
    audio_sha256: str
    features: PackedFeatures
    offset: float = 0.0


@dataclass(frozen=True)
class Rejected:
    """An utterance whose file cannot be used, and why (one line)."""

    utterance: Utterance
    reason: str


Outcome = Extracted | Rejected


def extract_opensmile(
    utterances: Sequence[Utterance], n_fft: tuple[int, int], workers: int, speed: float = 1.0
) -> Generator[Outcome, None, None]:
    """One outcome an utterance, in the order given, whatever the number of workers.

    Args:
        utterances: rows of the corpus.
        n_fft: FFT points of the narrow and the wide spectrogram.
        workers: number of processes, at least 1.
        speed: that recordings are played at.

    Returns:
        A generator of outcomes; to close it is to stop the workers.

    Raises:
        DataError: worker processes die again and again.
    """
    give_numba_a_cache()  # one for all workers
    how = How(n_fft, speed)
    try:
        # Submitted here and not on first use: workers start while the caller imports TensorFlow.
        started = _started(utterances, how, workers)
    except (OSError, RuntimeError, ImportError) as error:
        reason = getattr(error, "strerror", None) or error
        print(
            f"note: worker processes cannot be started ({reason}; is there a /dev/shm?), so one "
            "process does all the work: the same result, later",
            file=sys.stderr,
        )
        return _outcomes_of_one_process(utterances, how)
    return _outcomes_whoever_dies(started, utterances, how, workers)


class How(NamedTuple):
    """How a worker extracts: FFT points of both spectrograms, and the speed of recordings."""

    n_fft: tuple[int, int]
    speed: float


# The workers, what they are asked next, and what they were asked already.
Started = tuple[ProcessPoolExecutor, Iterator[Future], deque[Future]]


def _started(utterances: Sequence[Utterance], how: How, workers: int) -> Started:
    with interrupt_deferred():
        pool = new_pool(workers)
        tasks = (pool.submit(_extract_chunk, chunk, how) for chunk in _chunks(utterances))
        try:
            return pool, tasks, deque(islice(tasks, TASKS_AHEAD * workers))
        except (OSError, RuntimeError):  # the system allows no more processes or threads
            pool.shutdown(cancel_futures=True)
            raise


def _outcomes_whoever_dies(
    started: Started, utterances: Sequence[Utterance], how: How, workers: int
) -> Generator[Outcome, None, None]:
    """Go on where a worker was ended: what was under way then is done again, one by one."""
    num_done = 0
    while True:
        try:
            for outcome in _outcomes_in_order(*started):
                num_done += 1
                yield outcome
            return
        except BrokenProcessPool:
            under_way = utterances[num_done:][: TASKS_AHEAD * workers * CHUNK_SIZE]
        yield from _one_by_one(under_way, how)
        num_done += len(under_way)
        started = _started(utterances[num_done:], how, workers)


def _one_by_one(utterances: Sequence[Utterance], how: How) -> Generator[Outcome, None, None]:
    """One worker does one utterance at a time, so that it is known which one ends it."""
    pool, num_ended = new_pool(1), 0
    try:
        for utterance in utterances:
            try:
                outcome = pool.submit(_extract_utterance, utterance, how).result()
            except BrokenProcessPool:
                pool, num_ended = new_pool(1), num_ended + 1
                outcome = Rejected(utterance, _ended(utterance, num_ended))
            yield outcome
    finally:
        pool.shutdown(cancel_futures=True)


def _ended(utterance: Utterance, num_ended: int) -> str:
    """Why an utterance is rejected that ended its process; ever more of them lie in the machine."""
    if num_ended > MAX_ENDED:
        raise DataError(
            f"{shown(utterance.path)}: a worker process ended unexpectedly at it, and at "
            f"{MAX_ENDED} before (out of memory?); run the same command again with fewer "
            "--workers: finished record files are kept"
        )
    return (
        f"{utterance.path}: {NOT_PROCESSED} (its process ended: not enough memory, or a fault in "
        "a library); cut it into utterances, or convert it again"
    )


def _outcomes_of_one_process(
    utterances: Sequence[Utterance], how: How
) -> Generator[Outcome, None, None]:
    with threadpool_limits(1):
        for utterance in utterances:
            yield _extract_utterance(utterance, how)


def _outcomes_in_order(
    pool: ProcessPoolExecutor, tasks: Iterator[Future], pending: deque[Future]
) -> Generator[Outcome, None, None]:
    """Outcomes in the order of the tasks; never more tasks under way than at the start."""
    try:
        while pending:
            outcomes = pending.popleft().result()
            pending.extend(islice(tasks, 1))
            yield from outcomes
    finally:
        pool.shutdown(cancel_futures=True)


def _chunks(utterances: Sequence[Utterance]) -> Iterator[Sequence[Utterance]]:
    for start in range(0, len(utterances), CHUNK_SIZE):
        yield utterances[start : start + CHUNK_SIZE]


def _extract_chunk(utterances: Sequence[Utterance], how: How) -> list[Outcome]:
    return [_extract_utterance(utterance, how) for utterance in utterances]


def _extract_utterance(utterance: Utterance, how: How) -> Outcome:
    try:
        waveform = load_segment(segment_of(utterance, how.speed))
        if reason := too_long(len(waveform), str(utterance.path)):
            return Rejected(utterance, reason)
        mels = (mel_spectrogram(waveform, size) for size in how.n_fft)
        return _extracted(utterance, waveform, (opensmile_mfcc(waveform), *mels))
    except AudioError as error:
        return Rejected(utterance, str(error))
    except Exception as error:
        return Rejected(utterance, _not_processed(utterance, error))


def segment_of(utterance: Utterance, speed: float = 1.0) -> Segment:
    """What is meant of the recording."""
    return Segment(utterance.path, utterance.start_seconds, utterance.end_seconds, speed)


def too_long(num_samples: int, name: str) -> str | None:
    """Why a recording is too long to train on; None where it is not."""
    if num_samples <= MAX_SAMPLES:
        return None
    return (
        f"{name}: {num_samples / SAMPLE_RATE:.1f} s long, expected {MAX_SECONDS} s or less, "
        "the longest that a model answers: cut it into utterances"
    )


def _not_processed(utterance: Utterance, error: Exception) -> str:
    """One file does not end the work, whatever goes wrong with it."""
    if isinstance(error, MemoryError):
        cause = "not enough memory: cut it into utterances, or give fewer --workers"
    else:
        cause = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{utterance.path}: {NOT_PROCESSED} ({cause})"


def _extracted(
    utterance: Utterance, waveform: np.ndarray, features: tuple[np.ndarray, ...]
) -> Extracted:
    return Extracted(
        utterance=utterance,
        num_samples=len(waveform),
        audio_sha256=audio_sha256(waveform),
        offset=constant_offset(waveform),
        features=pack_features(*features),
    )


def extract_tensorflow(
    utterances: Sequence[Utterance], n_fft: tuple[int, int], workers: int, speed: float = 1.0
) -> Generator[Outcome, None, None]:
    """The same as `extract_opensmile` with our own features, in threads.

    Args:
        utterances: rows of the corpus.
        n_fft: FFT points of the narrow and the wide spectrogram.
        workers: number of threads, at least 1.
        speed: that recordings are played at.

    Yields:
        One outcome an utterance, in the order given.
    """
    from data_pipeline.audio.parallel_decoding import decode_in_order

    features = partial(_tensorflow_features, n_fft=n_fft)
    decoded = decode_in_order([segment_of(u, speed) for u in utterances], features, workers)
    with ThreadPoolExecutor(workers) as threads:
        items = zip(utterances, decoded, strict=True)
        while batch := list(islice(items, CHUNK_SIZE)):
            yield from threads.map(_packed, *zip(*batch, strict=True))


def _tensorflow_features(waveform: "tf.Tensor", n_fft: tuple[int, int]) -> tuple["tf.Tensor", ...]:
    """MFCC and both mel spectrograms of one waveform (num_samples,)."""
    import tensorflow as tf

    waveform = waveform[:MAX_SAMPLES]  # a longer one is rejected, and would take gigabytes here
    one, num_samples = waveform[None], tf.shape(waveform)[:1]
    mels = [tensorflow_mel_spectrogram(one, num_samples, size)[0] for size in n_fft]
    return tensorflow_mfcc(one, num_samples)[0], *mels


def _packed(
    utterance: Utterance, decoded: tuple[np.ndarray, tuple[np.ndarray, ...]] | AudioError
) -> Outcome:
    if isinstance(decoded, AudioError):
        return Rejected(utterance, str(decoded))
    waveform, features = decoded
    if reason := too_long(len(waveform), str(utterance.path)):
        return Rejected(utterance, reason)
    return _extracted(utterance, waveform, features)
