"""The files of a timeline: segments as CSV, everything as JSON, and a picture."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from data_pipeline.audio.reading import Recording, load_recording
from data_pipeline.errors import DataError, shown
from data_pipeline.files import replacing, write_csv
from ser_keras.errors import SerError
from ser_keras.predict.files import failure_reason
from ser_keras.predict.served_model import ServedModel
from ser_keras.predict.timeline.figure import timeline_figure
from ser_keras.predict.timeline.forms import segment_columns, segment_rows
from ser_keras.predict.timeline.judging import Timeline, judge_recording
from ser_keras.runs.files import write_json


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
        out_dir: made if missing; what is there under the same names is replaced.
        window_seconds: length of a window.
        hop_seconds: from the start of a window to that of the next.

    Yields:
        One Timeline a path, when its files are there. A file that cannot be used has its reason
        in `error`, nothing is written for it, and the rest goes on.

    Raises:
        SerError: `out_dir` cannot be written.
    """
    for path, stem in zip(paths, output_stems(paths, out_dir), strict=True):
        try:
            recording = load_recording(path)
        except DataError as error:
            yield Timeline(file=str(path), error=failure_reason(path, error))
            continue
        timeline = judge_recording(model, str(path), recording, window_seconds, hop_seconds)
        try:
            _write(timeline, recording, model, stem)
        except OSError as error:
            raise SerError(
                f"{stem.parent}: cannot be written ({error.strerror}); choose another --out"
            ) from None
        yield timeline


def output_stems(paths: Sequence[Path], out_dir: Path) -> list[Path]:
    """Where the results of each file go, without suffix: their common folder becomes `out_dir`."""
    absolute = [Path(os.path.abspath(path)) for path in paths]
    common = os.path.commonpath([path.parent for path in absolute])
    return [out_dir / path.relative_to(common) for path in absolute]


def _write(timeline: Timeline, recording: Recording, model: ServedModel, stem: Path) -> None:
    # A file name may hold bytes that are no text, which neither UTF-8 nor a picture can hold.
    timeline = replace(timeline, file=shown(timeline.file))
    stem.parent.mkdir(parents=True, exist_ok=True)
    rows = segment_rows(timeline, model.emotions)
    write_csv(_with_suffix(stem, ".csv"), segment_columns(model.emotions), rows)
    write_json(_with_suffix(stem, ".json"), asdict(timeline))
    figure = timeline_figure(timeline, recording.waveform, model.emotions, model.unsure_below)
    with replacing(_with_suffix(stem, ".png")) as partial:
        figure.savefig(partial, format="png")


def _with_suffix(stem: Path, suffix: str) -> Path:
    # Added, not exchanged: a.wav and a.mp3 may lie side by side.
    return stem.with_name(stem.name + suffix)
