"""The files of a timeline: segments as CSV, everything as JSON, and a picture."""

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from data_pipeline.audio.reading import load_recording
from data_pipeline.errors import DataError, shown
from ser_keras.errors import SerError
from ser_keras.predict.files import failure_reason
from ser_keras.predict.served_model import ServedModel
from ser_keras.predict.timeline.figure import timeline_figure
from ser_keras.predict.timeline.judging import Timeline, judge_recording
from ser_keras.runs.files import write_json


def write_timelines(
    model: ServedModel,
    paths: Sequence[Path],
    out_dir: Path,
    window_seconds: float,
    hop_seconds: float,
) -> Iterator[Timeline]:
    """Judge each file and writes `<file name>.csv`, `.json` and `.png` of it.

    Files of several folders keep their folders below `out_dir`, so that no two results meet.

    Args:
        model: the loaded model.
        paths: audio files.
        out_dir: made if missing; what is there under the same names is replaced.
        window_seconds, hop_seconds: as for `judge_recording`.

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
            yield Timeline(str(path), error=failure_reason(path, error))
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


def _write(timeline: Timeline, recording, model: ServedModel, stem: Path) -> None:
    # A file name may hold bytes that are no text, which neither UTF-8 nor a picture can hold.
    timeline = replace(timeline, file=shown(timeline.file))
    stem.parent.mkdir(parents=True, exist_ok=True)
    with _with_suffix(stem, ".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(segment_columns(model.emotions))
        writer.writerows(segment_rows(timeline, model.emotions))
    write_json(_with_suffix(stem, ".json"), asdict(timeline))
    figure = timeline_figure(timeline, recording.waveform, model.emotions, model.unsure_below)
    figure.savefig(_with_suffix(stem, ".png"))


def _with_suffix(stem: Path, suffix: str) -> Path:
    # Added, not exchanged: a.wav and a.mp3 may lie side by side.
    return stem.with_name(stem.name + suffix)


def segment_columns(emotions: Iterable[str]) -> list[str]:
    """Header of a table of segments."""
    probabilities = [f"probability_{emotion}" for emotion in emotions]
    return ["file", "start_seconds", "end_seconds", "emotion", "unsure", *probabilities, "error"]


def segment_rows(timeline: Timeline, emotions: Sequence[str]) -> Iterator[list]:
    """A row for each segment; a file that could not be used is one row with its error."""
    if timeline.error:
        yield [timeline.file, "", "", "", "", *[""] * len(emotions), timeline.error]
    for segment in timeline.segments:
        probabilities = [segment.probabilities.get(emotion, "") for emotion in emotions]
        times = [f"{segment.start_seconds:.3f}", f"{segment.end_seconds:.3f}"]
        verdict = [segment.emotion, unsure_cell(segment.unsure)]
        yield [timeline.file, *times, *verdict, *probabilities, segment.error]


def unsure_cell(unsure: bool) -> str:
    """How CSV says that an answer is a guess."""
    return "unsure" if unsure else ""
