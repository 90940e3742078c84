"""The files of a timeline: segments as CSV, everything as JSON, and a picture."""

import errno
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import tensorflow as tf

from data_pipeline.audio.reading import Recording, load_recording
from data_pipeline.errors import UserError, shown
from data_pipeline.files import replacing, write_csv
from ser_keras.errors import SerError
from ser_keras.predict.files import failure_reason
from ser_keras.predict.served_model import ServedModel
from ser_keras.predict.timeline.figure import timeline_figure
from ser_keras.predict.timeline.forms import segment_columns, segment_rows
from ser_keras.predict.timeline.judging import Timeline, judge_recording
from ser_keras.runs.files import write_json

# What stops one file stops the next one, too.
NO_MORE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


def write_timelines(
    model: ServedModel,
    paths: Sequence[Path],
    out_dir: Path,
    window_seconds: float,
    hop_seconds: float,
) -> Iterator[Timeline]:
    """Judge each file and write `<file name>.csv`, `.json` and `.png` of it.

    Files of several folders keep their folders below `out_dir`, so that no two results meet.

    Args:
        model: the loaded model.
        paths: audio files.
        out_dir: made if missing; earlier results under the same names are replaced, other files
            are not.
        window_seconds: length of a window.
        hop_seconds: from the start of a window to that of the next.

    Yields:
        One Timeline a path, when its files are there. A file that cannot be used, or whose results
        cannot be written, has its reason in `error`, and the rest goes on.

    Raises:
        SerError: `out_dir` cannot be written, or its disk is full.
    """
    _make(out_dir)
    for path, stem in zip(paths, output_stems(paths, out_dir), strict=True):
        try:
            check_free(stem)
            recording = load_recording(path)
            timeline = judge_recording(model, str(path), recording, window_seconds, hop_seconds)
            _write(timeline, recording, model, stem)
            yield timeline
        except (UserError, MemoryError, tf.errors.ResourceExhaustedError) as error:
            yield Timeline(file=str(path), error=failure_reason(path, error))
        except OSError as error:
            if error.errno in NO_MORE:
                raise _unwritable(stem.parent, error) from None
            reason = f"its results cannot be written ({error.strerror})"
            remedy = "rename it" if error.errno == errno.ENAMETOOLONG else "choose another --out"
            yield Timeline(file=str(path), error=f"{reason}; {remedy}")


def _make(out_dir: Path) -> None:
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(out_dir, error) from None


def _unwritable(folder: Path, error: OSError) -> SerError:
    return SerError(f"{folder}: cannot be written ({error.strerror}); choose another --out")


def check_free(stem: Path) -> None:
    """Refuse names under which somebody's files lie: earlier results alone are replaced.

    Args:
        stem: where the results go, without suffix.

    Raises:
        SerError: there is a file that no timeline is.
    """
    for suffix, is_ours in IS_OURS.items():
        path = with_suffix(stem, suffix)
        if os.path.lexists(path) and not (os.path.isfile(path) and is_ours(path.read_bytes())):
            raise SerError(
                f"{shown(path)} is there and was not written by --timeline; choose another --out"
            )


def _is_our_json(content: bytes) -> bool:
    try:
        found = json.loads(content)
    except ValueError:
        return False
    return isinstance(found, dict) and found.keys() >= {"file", "segments", "windows"}


IS_OURS: dict[str, Callable[[bytes], bool]] = {
    ".json": _is_our_json,
    ".csv": lambda content: content.startswith(",".join(segment_columns(())[:-1]).encode()),
    ".png": lambda content: b"Software\x00Matplotlib" in content[:512],
}


def output_stems(paths: Sequence[Path], out_dir: Path) -> list[Path]:
    """Where the results of each file go, without suffix: their common folder becomes `out_dir`."""
    absolute = [Path(os.path.abspath(path)) for path in paths]
    common = os.path.commonpath([path.parent for path in absolute])
    return [out_dir / path.relative_to(common) for path in absolute]


def _write(timeline: Timeline, recording: Recording, model: ServedModel, stem: Path) -> None:
    # A file name may hold bytes that are no text, which neither UTF-8 nor a picture can hold.
    timeline = replace(timeline, file=shown(timeline.file))
    stem.parent.mkdir(parents=True, exist_ok=True)
    # The longest name first: where it cannot be written, the others are not.
    write_json(with_suffix(stem, ".json"), asdict(timeline))
    rows = segment_rows(timeline, model.emotions)
    write_csv(with_suffix(stem, ".csv"), segment_columns(model.emotions), rows)
    figure = timeline_figure(timeline, recording.waveform, model.emotions, model.unsure_below)
    with replacing(with_suffix(stem, ".png")) as partial:
        figure.savefig(partial, format="png")


def with_suffix(stem: Path, suffix: str) -> Path:
    """A name with a suffix added, not exchanged: a.wav and a.mp3 may lie side by side."""
    return stem.with_name(stem.name + suffix)
