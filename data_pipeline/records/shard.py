"""One shard: the outcomes of its utterances -> a record file, and its rows beside it.

Nothing here touches anything but these two files, so a shard can be made by any process, in any
order: what is shared (the plan, the metadata) is the caller's.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from data_pipeline.audio.offset import offset_dbfs
from data_pipeline.audio.waveform import SAMPLE_RATE
from data_pipeline.errors import DataError, shown
from data_pipeline.files import file_sha256, replacing
from data_pipeline.records.codec import Example, serialize_example
from data_pipeline.records.extracting import Extracted, Outcome, Rejected
from data_pipeline.records.folder.shard_rows import ShardHead, write_shard_rows
from data_pipeline.records.plan import Shard, voices_key
from data_pipeline.records.remarks import RejectedFile
from data_pipeline.rows import UtteranceRow


def write_shard(
    folder: Path,
    shard: Shard,
    key: str,
    outcomes: Iterable[Outcome],
    *,
    emotions: Sequence[str],
    strict: bool = False,
) -> ShardHead:
    """Write the records of a shard, and then its rows; each file is there whole, or not at all.

    Args:
        folder: where the files go.
        shard: what belongs into it.
        key: what it is made from.
        outcomes: of its utterances, in its order. They are taken one by one: one is in memory.
        emotions: of the corpus; a label is an index into them.
        strict: stop at the first utterance that is rejected.

    Returns:
        The rejected utterances and the checksum of the records.

    Raises:
        DataError: the file cannot be written, or (strict) an utterance is rejected.
    """
    rows: list[UtteranceRow] = []
    rejected: list[RejectedFile] = []
    offsets: dict[str, float] = {}
    path = folder / shard.name
    watched = _noting_offsets(outcomes, offsets)
    write_records(path, _examples(watched, emotions, rows, rejected, strict))
    if len(rows) + len(rejected) != len(shard.utterances):
        raise RuntimeError(f"{shard.name}: utterances were lost between extraction and records")
    head = ShardHead(
        name=shard.name,
        key=key,
        sha256=file_sha256(path),
        examples=len(rows),
        rejected=tuple(rejected),
        voices_key=voices_key(shard.utterances),
        offsets=offsets,
    )
    write_shard_rows(folder, head, rows)
    return head


def write_records(path: Path, examples: Iterable[Example]) -> None:
    """Write one record file in one step.

    Args:
        path: the file, made or replaced.
        examples: what to write, in order.

    Raises:
        DataError: the disk is full or does not allow it.
    """
    import tensorflow as tf

    try:
        # As bytes: a folder's name need not be UTF-8.
        with replacing(path) as partial, tf.io.TFRecordWriter(os.fsencode(partial)) as writer:
            for example in examples:
                writer.write(serialize_example(example))
    except tf.errors.OpError as error:
        raise DataError(
            f"{shown(path)}: cannot be written ({_reason(error.message)}); make room, or give "
            "another --out"
        ) from None


def _reason(message: str) -> str:
    """TensorFlow's words without the name of the file, which it puts first."""
    return message.splitlines()[0].rpartition("; ")[2]


def _noting_offsets(outcomes: Iterable[Outcome], offsets: dict[str, float]) -> Iterator[Outcome]:
    for outcome in outcomes:
        if isinstance(outcome, Extracted) and outcome.offset:
            offsets[outcome.utterance.utterance_id] = offset_dbfs(outcome.offset)
        yield outcome


def _examples(
    outcomes: Iterable[Outcome],
    emotions: Sequence[str],
    rows: list[UtteranceRow],
    rejected: list[RejectedFile],
    strict: bool,
) -> Iterator[Example]:
    """Examples to write; `rows` and `rejected` grow as they pass, so only one is in memory."""
    for outcome in outcomes:
        if isinstance(outcome, Extracted):
            rows.append(_row(outcome))
            utterance = outcome.utterance
            label = emotions.index(utterance.emotion)
            yield Example(utterance.utterance_id, label, outcome.features)
        elif strict:
            raise strict_error(outcome.reason)
        else:
            rejected.append(_rejected_file(outcome))


def strict_error(reason: str) -> DataError:
    """What `--strict` ends with, at the first file that cannot be used."""
    return DataError(f"{reason} (--strict stops at the first such file)")


def _rejected_file(outcome: Rejected) -> RejectedFile:
    utterance = outcome.utterance
    return RejectedFile(shown(utterance.path), utterance.utterance_id, shown(outcome.reason))


def _row(outcome: Extracted) -> UtteranceRow:
    """What the metadata tells of an utterance."""
    utterance, features = outcome.utterance, outcome.features
    return UtteranceRow(
        utterance_id=utterance.utterance_id,
        speaker=utterance.speaker,
        session=utterance.session,
        scenario=utterance.scenario,
        text=utterance.text,
        emotion=utterance.emotion,
        duration_seconds=outcome.num_samples / SAMPLE_RATE,
        audio_sha256=outcome.audio_sha256,
        num_mfcc_frames=features.num_mfcc_frames,
        num_frames_narrow=features.num_frames_narrow,
        num_frames_wide=features.num_frames_wide,
        corpus=utterance.corpus,
        fold=utterance.fold,
        sex=utterance.sex,
        age=utterance.age,
        language=utterance.language,
    )
