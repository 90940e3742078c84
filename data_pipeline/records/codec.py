"""The record: one typed schema of a prepared utterance, written and read here and nowhere else.

A prepared folder holds TFRecord shards `records-00000-of-000NN.tfrecord`, `rejected.csv` and
`metadata.json`. The last one is written last, so its presence says that the folder is whole.
TensorFlow is imported where it is used: neither packing features nor reading the metadata needs it.

Each feature matrix is compressed by itself: its float32 bytes are put into four planes (all first
bytes, all second bytes, ...). The lower three hold the mantissa, which no code shortens, and are
stored; the last one, sign and exponent, zlib packs by run lengths and Huffman codes. Without loss
this leaves 0.85 of the bytes, at 240 MB a second of one core to write and 700 to read; with all
four planes packed it would be 0.87, 80 and 450, by whole-file GZIP at level 1 0.95, 32 and 200.
And it is done by the process that computed the features, and undone only for the utterances and
the matrices that are asked for.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from data_pipeline.contract import NUM_MFCC
from data_pipeline.errors import DataError

# Raise it whenever the records, or the code that computes what they hold, change: folders of
# another version are neither read nor gone on with.
FORMAT_VERSION = 2
METADATA_NAME = "metadata.json"

# Feature matrix -> the integer field that holds its number of rows (frames).
FRAME_COUNTS = {
    "mfcc": "num_mfcc_frames",
    "mel_narrow": "num_frames_narrow",
    "mel_wide": "num_frames_wide",
}


@dataclass(frozen=True)
class PackedFeatures:
    """The three feature matrices of an utterance, compressed, and their numbers of frames."""

    mfcc: bytes
    mel_narrow: bytes
    mel_wide: bytes
    num_mfcc_frames: int
    num_frames_narrow: int
    num_frames_wide: int


@dataclass(frozen=True)
class Example:
    """One utterance as it is stored; `label` is the index into the emotions of the corpus."""

    utterance_id: str
    label: int
    features: PackedFeatures


def pack_features(mfcc: np.ndarray, mel_narrow: np.ndarray, mel_wide: np.ndarray) -> PackedFeatures:
    """Compress the features of one utterance, without loss.

    Args:
        mfcc: float32 (num_mfcc_frames, 39).
        mel_narrow: float32 mel power (num_frames_narrow, n_fft narrow // 4), not resized, no log.
        mel_wide: float32 mel power (num_frames_wide, n_fft wide // 4).
    """
    packed = (_pack_matrix(matrix) for matrix in (mfcc, mel_narrow, mel_wide))
    return PackedFeatures(*packed, len(mfcc), len(mel_narrow), len(mel_wide))


def _pack_matrix(matrix: np.ndarray) -> bytes:
    """One zlib stream of the four planes: three in stored blocks, the last one compressed."""
    columns = np.ascontiguousarray(matrix, dtype="<f4").view(np.uint8).reshape(-1, 4).T
    planes = np.empty(columns.shape, np.uint8)
    for plane, column in zip(planes, columns, strict=True):
        plane[:] = column  # one by one: twice as fast as copying the transposed matrix
    stored = zlib.compressobj(level=0)
    packed = zlib.compressobj(level=1, wbits=-zlib.MAX_WBITS, strategy=zlib.Z_RLE)
    parts = [stored.compress(planes[:3]), stored.flush(zlib.Z_FULL_FLUSH)]
    parts += [packed.compress(planes[3]), packed.flush()]
    return b"".join([*parts, zlib.adler32(planes).to_bytes(4, "big")])


def _unpack_matrix(packed, num_frames, columns: int):
    """float32 tensor (num_frames, columns) from the bytes of `_pack_matrix`, inside tf.data."""
    import tensorflow as tf

    planes = tf.io.decode_raw(tf.io.decode_compressed(packed, "ZLIB"), tf.uint8)
    # The stored count, not -1: a record whose bytes and count disagree must fail.
    planes = tf.reshape(planes, (4, num_frames * columns))
    values = tf.bitcast(tf.transpose(planes), tf.float32)
    return tf.reshape(values, (num_frames, columns))


@dataclass(frozen=True)
class Prepared:
    """A whole prepared folder, as `load_prepared` returns it."""

    directory: Path
    metadata: dict

    @property
    def corpus(self) -> str:
        return self.metadata["corpus"]

    @property
    def emotions(self) -> tuple[str, ...]:
        """Label i is emotions[i]."""
        return tuple(self.metadata["emotions"])

    @property
    def group_by(self) -> str:
        """What the protocol `speaker` keeps apart: "session" or "speaker"."""
        return self.metadata["group_by"]

    @property
    def utterances(self) -> list[dict]:
        """One row an utterance, in record order."""
        return self.metadata["utterances"]

    @property
    def shard_paths(self) -> list[Path]:
        return [self.directory / name for name in sorted(self.metadata["shards"])]

    @property
    def features(self) -> dict:
        """Settings of the features: sample_rate (Hz), mfcc (extractor), n_fft [narrow, wide]."""
        return self.metadata["features"]

    @property
    def identity(self) -> dict:
        """What every result says of the data it is from."""
        metadata = self.metadata
        named = ("corpus", "emotions", "label_map", "subset", "features", "group_by")
        return {"data_key": metadata["key"]} | {name: metadata[name] for name in named}


def load_prepared(directory: str | Path) -> Prepared:
    """Open a prepared folder; its records are not read (`verify` does that).

    Raises:
        DataError: the folder is missing or unfinished, has another format or lacks a shard.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise DataError(
            f"{directory}: no such folder; make it with `python -m data_pipeline prepare "
            f"--out {directory} --corpus ...`"
        )
    prepared = Prepared(directory, _read_metadata(directory))
    missing = [path.name for path in prepared.shard_paths if not path.is_file()]
    if missing:
        raise DataError(
            f"{directory}: {len(missing)} record file(s) missing, first {missing[0]}; run "
            "`python -m data_pipeline prepare` again with the same options to restore them"
        )
    return prepared


def _read_metadata(directory: Path) -> dict:
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
    if version != FORMAT_VERSION:
        raise DataError(
            f"{path}: format version {version}, expected {FORMAT_VERSION}; "
            "prepare the corpus again into another folder"
        )
    return metadata


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_shard(path: Path, examples: Iterable[Example]) -> None:
    """Write one shard under a temporary name and renames it, so that a shard is always whole.

    Raises:
        DataError: the disk is full or does not allow it.
    """
    import tensorflow as tf

    partial = path.with_suffix(".partial")
    try:
        with tf.io.TFRecordWriter(str(partial)) as writer:
            for example in examples:
                writer.write(_serialize(example))
    except tf.errors.OpError as error:
        raise DataError(
            f"{path}: cannot be written ({error.message}); make room, or give another --out"
        ) from None
    partial.rename(path)


def _serialize(example: Example) -> bytes:
    """`tf.train.Example` with one field for each of `parse_example`'s."""
    import tensorflow as tf

    fields = {"utterance_id": example.utterance_id.encode(), "label": example.label}
    feature = {}
    for name, value in (fields | asdict(example.features)).items():
        if isinstance(value, bytes):
            feature[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        else:
            feature[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
    proto = tf.train.Example(features=tf.train.Features(feature=feature))
    return proto.SerializeToString(deterministic=True)


def parse_example(record, matrices: Iterable[str], n_mels: tuple[int, int]) -> dict:
    """Parse one serialised record inside tf.data; matrices not named are not unpacked.

    Args:
        record: scalar string tensor.
        matrices: names among "mfcc", "mel_narrow", "mel_wide".
        n_mels: mel bands of the narrow and the wide spectrogram.

    Returns:
        dict of tensors: `utterance_id` string, `label` int32, the three frame counts int32, and
        each named matrix as float32 (num_frames, columns).
    """
    import tensorflow as tf

    matrices = tuple(matrices)
    columns = matrix_columns(n_mels)
    schema = {name: tf.io.FixedLenFeature([], tf.string) for name in ("utterance_id", *matrices)}
    integers = ("label", *FRAME_COUNTS.values())
    schema |= {name: tf.io.FixedLenFeature([], tf.int64) for name in integers}
    parsed = tf.io.parse_single_example(record, schema)
    parsed |= {name: tf.cast(parsed[name], tf.int32) for name in integers}
    for name in matrices:
        parsed[name] = _unpack_matrix(parsed[name], parsed[FRAME_COUNTS[name]], columns[name])
    return parsed


def matrix_columns(n_mels: tuple[int, int]) -> dict[str, int]:
    """Number of columns of each feature matrix."""
    return {"mfcc": NUM_MFCC, "mel_narrow": n_mels[0], "mel_wide": n_mels[1]}


def num_mel_bands(features: Mapping) -> tuple[int, int]:
    """Mel bands (narrow, wide): a quarter of the FFT points each (paper, section 2.2)."""
    narrow, wide = features["n_fft"]
    return narrow // 4, wide // 4


def record_dataset(prepared: Prepared):
    """tf.data.Dataset of serialised records (string scalars), in the order of the metadata."""
    import tensorflow as tf

    paths = [str(path) for path in prepared.shard_paths]
    return tf.data.TFRecordDataset(paths, buffer_size=1 << 20)
