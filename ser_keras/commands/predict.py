"""`python -m ser_keras predict`: name the emotion in audio files."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_pipeline.command_line import seconds

if TYPE_CHECKING:
    from ser_keras.predict.answer_forms import Form
    from ser_keras.predict.served_model import ServedModel

HELP = "name the emotion in audio files"
EXAMPLE = """\
  python -m ser_keras predict speech.wav
  python -m ser_keras predict --model saved_models/ser speech.wav recordings/
"""

# From this many files on, a progress bar says how far it is.
MANY_FILES = 10
# Shorter windows and hops than this many seconds say nothing more.
MIN_SECONDS = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `predict`."""
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
        type=Path,
        metavar="DIR",
        help="folder of an exported model, such as saved_models/<name>; its highest version is "
        "taken, or name the version: saved_models/<name>/1 (default: the model that comes with "
        "this package)",
    )
    add(
        "--profile",
        type=Path,
        metavar="FILE",
        help="profile of the voice that speaks, as `python -m ser_keras adapt` makes it from "
        "recordings without labels",
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
        type=seconds(MIN_SECONDS),
        metavar="S",
        help="length of a window in seconds; the model is at its best with the length of its "
        "training recordings (default: their median)",
    )
    add(
        "--hop",
        type=seconds(MIN_SECONDS),
        metavar="S",
        help="seconds from one window to the next: smaller follows changes more closely and takes "
        "longer (default: half a window)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print what the model says of each file; 1 if any file had no answer."""
    _check_usage(arguments)
    from ser_keras.engine import use_engine

    use_engine()
    from ser_keras.predict.searching import search
    from ser_keras.predict.served_model import ServedModel
    from ser_keras.predict.shipped import shipped_model
    from ser_keras.voices.profile_file import read_profile

    profile = read_profile(arguments.profile) if arguments.profile else None
    model = ServedModel(arguments.model or shipped_model(), profile)
    files, passed_over = search(arguments.paths)
    if note := passed_over.in_words():
        print(note, file=sys.stderr)
    answer = _timelines if arguments.timeline else _predictions
    results, forms = answer(arguments, model, files)
    return _print_all(results, len(files), forms[arguments.format])


def _check_usage(arguments: argparse.Namespace) -> None:
    refuse = arguments.usage_error
    if arguments.timeline and arguments.out is None:
        refuse("received --timeline without --out, expected the folder of the results")
    if not arguments.timeline and (arguments.out or arguments.window or arguments.hop):
        refuse("received --out, --window or --hop, which expect --timeline beside them")


Results = tuple[Iterator[Any], "dict[str, Form]"]


def _predictions(
    arguments: argparse.Namespace, model: "ServedModel", files: Sequence[Path]
) -> Results:
    from ser_keras.predict.answer_forms import prediction_forms
    from ser_keras.predict.files import predict_files

    return predict_files(model, files), prediction_forms(model.emotions)


def _timelines(
    arguments: argparse.Namespace, model: "ServedModel", files: Sequence[Path]
) -> Results:
    from data_pipeline.contract import MAX_SECONDS
    from ser_keras.predict.timeline.files import write_timelines
    from ser_keras.predict.timeline.forms import timeline_forms
    from ser_keras.predict.timeline.judging import default_window_seconds

    window = arguments.window or default_window_seconds(model.info)
    hop = arguments.hop or window / 2
    refuse = arguments.usage_error
    if window > MAX_SECONDS:
        refuse(f"received a window of {window:g} s, expected {MAX_SECONDS} s or less")
    if hop > window:
        refuse(f"received a hop of {hop:g} s, expected the window's {window:g} s or less")
    return write_timelines(model, files, arguments.out, window, hop), timeline_forms(model.emotions)


def _print_all(results: Iterator[Any], total: int, form: "Form") -> int:
    from tqdm import tqdm

    if form.header:
        print(form.header)
    failed = 0
    # disable=None: no bar where stderr is not a terminal.
    quiet = True if total < MANY_FILES else None
    for result in tqdm(results, total=total, unit="file", disable=quiet):
        tqdm.write(form.text_of(result))
        sys.stdout.flush()  # whoever reads a pipe gets each result as it comes
        failed += bool(result.error)
    return 1 if failed else 0
