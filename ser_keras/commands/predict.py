"""`python -m ser_keras predict`: options, and answers as text, JSON lines or CSV."""

import argparse
import csv
import io
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

# TensorFlow is imported inside the command: --help answers at once.

EXAMPLE = "python -m ser_keras predict --model saved_models/ser speech.wav recordings/"

BAR_WIDTH = 30
# From this many files on, a progress bar says how far it is.
MANY_FILES = 10
# Shorter windows and hops than this many seconds say nothing more.
MIN_SECONDS = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `predict`."""
    add = parser.add_argument
    add(
        "paths",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="audio file (WAV, FLAC, OGG or MP3, 4 to 384 kHz), or a folder that is searched for "
        "them, folders within it too",
    )
    add(
        "--model",
        required=True,
        type=Path,
        metavar="DIR",
        help="folder of an exported model, such as saved_models/<name>; its highest version is "
        "taken, or name the version: saved_models/<name>/1",
    )
    add(
        "--format",
        choices=("text", "json", "csv"),
        default="text",
        help="text for people; json: an object a line; csv: a table with a header (default: text)",
    )
    timeline = parser.add_argument_group(
        "long recordings",
        "An utterance has one emotion; a conversation has many. --timeline judges a window\n"
        "at a time, and writes for each FILE its segments (FILE.csv), all windows too\n"
        "(FILE.json) and a picture of both (FILE.png).",
    )
    add = timeline.add_argument
    add("--timeline", action="store_true", help="slide a window over each file; needs --out")
    add("--out", type=Path, metavar="DIR", help="folder of the results; made if missing")
    add(
        "--window",
        type=_seconds,
        metavar="S",
        help="length of a window in seconds; the model is at its best with the length of its "
        "training recordings (default: their median)",
    )
    add(
        "--hop",
        type=_seconds,
        metavar="S",
        help="seconds from one window to the next: smaller follows changes more closely and takes "
        "longer (default: half a window)",
    )
    parser.set_defaults(usage_error=parser.error)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not MIN_SECONDS <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(
            f"received {text!r}, expected seconds, {MIN_SECONDS} or more"
        )
    return seconds


def run(args: argparse.Namespace) -> int:
    """Print what the model says of each file; 1 if any file had no answer."""
    _check_usage(args)
    from ser_keras.predict.files import find_audio_files
    from ser_keras.predict.served_model import ServedModel

    model = ServedModel(args.model)
    files = find_audio_files(args.paths)
    if args.timeline:
        results, forms = _timelines(args, model, files), timeline_forms(model.emotions)
    else:
        results, forms = _predictions(model, files), prediction_forms(model.emotions)
    return _print_all(results, len(files), *forms[args.format])


def _check_usage(args: argparse.Namespace) -> None:
    if args.timeline and args.out is None:
        args.usage_error("received --timeline without --out, expected the folder of the results")
    if not args.timeline and (args.out or args.window or args.hop):
        args.usage_error("received --out, --window or --hop, which expect --timeline beside them")


def _predictions(model, files: Sequence[Path]):
    from ser_keras.predict.files import predict_files

    return predict_files(model, files)


def _timelines(args: argparse.Namespace, model, files: Sequence[Path]):
    from ser_keras.graph.verdicts import MAX_SECONDS
    from ser_keras.predict.timeline.files import write_timelines
    from ser_keras.predict.timeline.judging import default_window_seconds

    window = args.window or default_window_seconds(model.info)
    hop = args.hop or window / 2
    if window > MAX_SECONDS:
        args.usage_error(f"received a window of {window:g} s, expected {MAX_SECONDS} s or less")
    if hop > window:
        args.usage_error(f"received a hop of {hop:g} s, expected the window's {window:g} s or less")
    return write_timelines(model, files, args.out, window, hop)


def _print_all(results: Iterable, total: int, header: str, form) -> int:
    if header:
        print(header)
    failed = 0
    # disable=None: no bar where stderr is not a terminal.
    quiet = True if total < MANY_FILES else None
    for result in tqdm(results, total=total, unit="file", disable=quiet):
        tqdm.write(form(result))
        sys.stdout.flush()  # whoever reads a pipe gets each result as it comes
        failed += bool(result.error)
    return 1 if failed else 0


def prediction_forms(emotions: Sequence[str]) -> dict:
    """For each format the header and the function of a Prediction to its text."""
    probabilities = [f"probability_{emotion}" for emotion in emotions]
    columns = ["file", "emotion", "unsure", *probabilities, "warnings", "error"]
    return {
        "text": ("", text_form),
        "json": ("", json_form),
        "csv": (csv_line(columns), lambda prediction: csv_form(prediction, emotions)),
    }


def text_form(prediction) -> str:
    """For people: the answer beside the file, a bar for each emotion, then the warnings."""
    warnings = [f"  warning: {warning}" for warning in prediction.warnings]
    if prediction.error:
        return "\n".join([f"{prediction.file}: error: {prediction.error}", *warnings])
    width = max(map(len, prediction.probabilities))
    bars = (
        f"  {emotion:{width}}  {probability:5.3f}  {'#' * round(BAR_WIDTH * probability)}".rstrip()
        for emotion, probability in prediction.probabilities.items()
    )
    return "\n".join([f"{prediction.file}: {in_words(prediction)}", *bars, *warnings])


def in_words(answer) -> str:
    """An answer in a few words: "sad", or "unsure (perhaps sad)"."""
    return f"unsure (perhaps {answer.emotion})" if answer.unsure else answer.emotion


def json_form(result) -> str:
    """One JSON object on one line, with the same keys for every file."""
    return json.dumps(asdict(result))


def csv_form(prediction, emotions: Sequence[str]) -> str:
    """One CSV row; the probabilities are empty where there is an error."""
    from ser_keras.predict.timeline.files import unsure_cell

    probabilities = [prediction.probabilities.get(emotion, "") for emotion in emotions]
    verdict = [prediction.emotion, unsure_cell(prediction.unsure)]
    warnings = "; ".join(prediction.warnings)
    return csv_line([prediction.file, *verdict, *probabilities, warnings, prediction.error])


def csv_line(values: Sequence) -> str:
    """`values` as one quoted CSV line, without its line end."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()


def timeline_forms(emotions: Sequence[str]) -> dict:
    """The same for a Timeline."""
    from ser_keras.predict.timeline.files import segment_columns, segment_rows

    def csv_lines(timeline) -> str:
        return "\n".join(csv_line(row) for row in segment_rows(timeline, emotions))

    return {
        "text": ("", timeline_text),
        "json": ("", json_form),
        "csv": (csv_line(segment_columns(emotions)), csv_lines),
    }


def timeline_text(timeline) -> str:
    """For people: a line for each segment, then the warnings."""
    if timeline.error:
        return f"{timeline.file}: error: {timeline.error}"
    head = (
        f"{timeline.file}: {timeline.duration_seconds:.1f} s, windows of "
        f"{timeline.window_seconds:g} s every {timeline.hop_seconds:g} s"
    )
    warnings = [f"  warning: {warning}" for warning in timeline.warnings]
    return "\n".join([head, *map(_segment_line, timeline.segments), *warnings])


def _segment_line(segment) -> str:
    times = f"  {segment.start_seconds:7.1f} - {segment.end_seconds:7.1f} s  "
    if segment.error:
        return f"{times}({segment.error})"
    return f"{times}{in_words(segment)}, {segment.probabilities[segment.emotion]:.2f}"
