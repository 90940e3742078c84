"""A trained model as a SavedModel that TensorFlow Serving reads.

`graph.signatures` makes the graph, `export.check` compares it with the model; here is the folder.
"""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ser_keras.errors import SerError
from ser_keras.export.check import check_saved_model
from ser_keras.export.model_card import model_card
from ser_keras.export.place import Maker, check_versions
from ser_keras.export.server_files import write_checksums, write_server_files
from ser_keras.export.warmup import write_warmup
from ser_keras.graph.layout import LABELS_FILE, MODEL_CARD_FILE, VOICES_FILE, saved_versions
from ser_keras.graph.plain_path import plain_path
from ser_keras.graph.signatures import emotion_server, signatures_of
from ser_keras.heard import HeardList, write_heard
from ser_keras.model_info import INFO_FILE, ModelInfo
from ser_keras.models.linear_part import head_of

# Where the SavedModel is in the folder in which it is made.
MODEL = "model"


def export_saved_model(
    model: keras.Model,
    info: ModelInfo,
    directory: Path | str,
    maker: Maker | None = None,
    heard: Sequence[HeardList] | None = None,
) -> Path:
    """Write `<directory>/<version>/`, the integer after the highest one that is there.

    The folder is written beside its place, compared with the model (`check_saved_model`) and
    then renamed, so that a server that watches `directory` never sees half a model or a wrong one.
    Beside the versions go the server's settings (`CONFIG_FILES`), where they are not there yet.

    Args:
        model: a model of `ser_keras.models.build_model`: a dict of named inputs to a dict with
            "logits" (batch, num_emotions).
        info: what the model knows of itself; stored with the graph.
        directory: the folder of all versions, such as `saved_models/ser`; made if missing.
        maker: who made the versions that may be there: all of them are of one model. None for
            what `info` says.
        heard: what the model has heard; None where it is not known.

    Returns:
        The version folder.

    Raises:
        SerError: another run's model is there, the folder cannot be written, or what was written
            does not equal the model.
    """
    directory = Path(directory)
    maker = maker or Maker.of_model(info)
    check_versions(directory, maker)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        # The name is no integer, so a server passes it by; it must share the file system.
        with (
            tempfile.TemporaryDirectory(dir=directory, prefix=".export-") as staging,
            plain_path(Path(staging)) as plain,
        ):
            check_saved_model(_write(model, info, heard, plain), model, info)
            write_server_files(directory)
            return _publish(Path(staging) / MODEL, directory, maker)
    except (OSError, tf.errors.OpError) as error:
        raise SerError(f"{directory}: cannot write a SavedModel there ({_reason(error)})") from None


def _reason(error: OSError | tf.errors.OpError) -> str:
    """What an error of Python or of TensorFlow says, on one line."""
    said = error.message if isinstance(error, tf.errors.OpError) else error.strerror
    return (said or str(error)).splitlines()[0]


def _write(
    model: keras.Model, info: ModelInfo, heard: Sequence[HeardList] | None, staging: Path
) -> Path:
    """Write the SavedModel and its assets inside `staging`; give its folder."""
    (staging / LABELS_FILE).write_text("\n".join(info.emotions) + "\n", encoding="utf-8")
    (staging / INFO_FILE).write_text(json.dumps(info.to_json(), indent=2) + "\n", encoding="utf-8")
    (staging / MODEL_CARD_FILE).write_text(model_card(info), encoding="utf-8")
    if heard is not None:
        write_heard(heard, staging)
    if info.takes_profile:
        arrays: dict[str, Any] = head_of(model).arrays()
        np.savez(staging / VOICES_FILE, **arrays)
    server = emotion_server(model, info, staging)
    # Not staging itself: a temporary folder is closed to other users, the server among them.
    written = staging / MODEL
    tf.saved_model.save(server, str(written), signatures=signatures_of(server))
    write_warmup(written, info)
    write_checksums(written)
    return written


def _publish(written: Path, directory: Path, maker: Maker) -> Path:
    """Rename a written SavedModel to the next version; another exporter may take it first."""
    while True:
        check_versions(directory, maker)
        version_dir = directory / str(max(saved_versions(directory), default=0) + 1)
        try:
            return written.rename(version_dir)
        except OSError:
            if not version_dir.exists():
                raise
