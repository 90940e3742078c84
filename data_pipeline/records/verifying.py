"""Every record of a prepared folder, held against its metadata."""

import os
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf

from data_pipeline.contract import FRAME_COUNTS
from data_pipeline.errors import DataError
from data_pipeline.files import file_sha256
from data_pipeline.records.codec import parse_example
from data_pipeline.records.folder.shard_rows import check_shard_rows
from data_pipeline.records.prepared import METADATA_NAME, Prepared

# What stands in the place of a row where there are more records than rows.
NO_ROW = {"utterance_id": "none", "emotion": "none"}


def verify(prepared: Prepared) -> int:
    """Read a prepared folder through and compare it with its metadata.

    Args:
        prepared: from `load_prepared`.

    Returns:
        The number of records, all of which are good.

    Raises:
        DataError: naming the first shard or record that is not what the metadata says.
    """
    for name, expected in prepared.record_files.items():
        path = prepared.directory / name
        if file_sha256(path) != expected.sha256:
            raise DataError(
                f"{path}: the checksum differs from {METADATA_NAME}; the file was damaged or "
                "exchanged: remove it and prepare again with the same options"
            )
        if not prepared.is_format_2:
            check_shard_rows(prepared.directory, name)
    count = 0
    for count, parsed in enumerate(_parsed_records(prepared), start=1):
        _verify_record(prepared, count - 1, parsed)
    if count != len(prepared.utterances):
        raise DataError(
            f"{prepared.directory}: {count} records, but {len(prepared.utterances)} utterances in "
            f"{METADATA_NAME}; remove the folder and prepare again"
        )
    return count


def _parsed_records(prepared: Prepared) -> Iterator[Mapping]:
    n_mels = prepared.features.n_mels
    records = record_dataset(prepared)
    iterator = records.map(lambda r: parse_example(r, FRAME_COUNTS, n_mels)).as_numpy_iterator()
    while True:
        try:
            yield next(iterator)
        except StopIteration:
            return
        except (tf.errors.InvalidArgumentError, tf.errors.DataLossError) as error:
            reason = error.message.splitlines()[0]
            raise DataError(
                f"{prepared.directory}: a record does not parse ({reason}); "
                "remove the folder and prepare again"
            ) from None


def _verify_record(prepared: Prepared, position: int, parsed: Mapping) -> None:
    """Compare one parsed record with its row of the metadata."""
    rows = prepared.utterances
    row = rows[position].to_json() if position < len(rows) else NO_ROW
    found: dict[str, object] = {count: int(parsed[count]) for count in FRAME_COUNTS.values()}
    found["utterance_id"] = parsed["utterance_id"].decode()
    found["emotion"] = prepared.emotions[parsed["label"]]
    for field, value in found.items():
        if value != row.get(field):
            raise DataError(
                f"{prepared.directory}: record {position} has {field} {value}, {METADATA_NAME} "
                f"says {row.get(field)}; remove the folder and prepare again"
            )
    for name in FRAME_COUNTS:
        if not np.isfinite(parsed[name]).all():
            raise DataError(
                f"{prepared.directory}: {name} of {row['utterance_id']} has NaN or infinite "
                "values; remove the folder and prepare again"
            )


def record_dataset(prepared: Prepared) -> tf.data.Dataset:
    """tf.data.Dataset of serialised records (string scalars), in the order of the metadata."""
    # As bytes: a folder's name need not be UTF-8.
    paths = [os.fsencode(path) for path in prepared.shard_paths]
    return tf.data.TFRecordDataset(paths, buffer_size=1 << 20)
