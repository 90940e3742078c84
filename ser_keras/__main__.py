"""`python -m ser_keras predict | export | classical | report` (installed as `ser`)."""

import argparse
import csv
import io
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from data_pipeline.errors import DataError
from ser_keras.errors import SerError

# TensorFlow is imported inside the commands: --help answers at once, and this comes first.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

BAR_WIDTH = 30
# From this many files on, a progress bar says how far it is.
MANY_FILES = 10


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, or 1 for a failure (argparse exits with 2)."""
    args = parse_args(argv)
    # A file name may hold bytes that are no text; it is printed with escapes, not refused.
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return args.command(args)
    except (SerError, DataError) as error:
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
    except BrokenPipeError:
        # The reader (such as `head`) has left; nothing more can be printed, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The parsed command line, with the command's function under `command`."""
    parser = argparse.ArgumentParser(prog="python -m ser_keras", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_predict(commands)
    _add_export(commands)
    _add_classical(commands)
    _add_report(commands)
    return parser.parse_args(argv)


def _add_command(commands, name: str, command, help_text: str, example: str):
    parser = commands.add_parser(
        name,
        help=help_text,
        description=f"{help_text[0].upper()}{help_text[1:]}.",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=command)
    return parser


def _add_predict(commands) -> None:
    parser = _add_command(
        commands,
        "predict",
        predict,
        "name the emotion in audio files",
        "python -m ser_keras predict --model saved_models/ser speech.wav recordings/",
    )
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="audio file (WAV, FLAC, OGG, MP3), or a folder that is searched for them",
    )
    parser.add_argument(
        "--model",
        required=True,
        type=Path,
        metavar="DIR",
        help="folder of an exported model; its highest version is taken",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="text for people; json: an object a line; csv: with a header (default: text)",
    )


def _add_export(commands) -> None:
    parser = _add_command(
        commands,
        "export",
        export,
        "write the model of a finished fold as a SavedModel, and compare it with the model",
        "python -m ser_keras export runs/demo --fold 0 --out saved_models/ser",
    )
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR", help="a run, or a fold in it")
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="DIR",
        help="folder of the model's versions; the next one is written there",
    )
    parser.add_argument(
        "--fold",
        type=int,
        metavar="K",
        help="which fold of the run; needed where it has several",
    )
    parser.add_argument(
        "--onnx",
        type=Path,
        metavar="FILE",
        help="also write the network as an ONNX file: it takes features, not recordings; its "
        "answers are compared with the SavedModel's (extra onnx; see docs/serving.md)",
    )


def _add_classical(commands) -> None:
    from ser_keras import classical_command

    parser = _add_command(
        commands,
        "classical",
        classical_command.run,
        "train and test a linear SVM on openSMILE functionals, on the folds of train.py",
        classical_command.EXAMPLE,
    )
    classical_command.add_arguments(parser)


def _add_report(commands) -> None:
    from ser_keras import report_command

    parser = _add_command(
        commands,
        "report",
        report_command.run,
        "write report.md and report.html about one or more runs",
        report_command.EXAMPLE,
    )
    report_command.add_arguments(parser)


# --- predict --------------------------------------------------------------------------------


def predict(args: argparse.Namespace) -> int:
    """Print a prediction for each file; 1 if any file had none."""
    from ser_keras.predict import find_audio_files, predict_files, read_info

    emotions = read_info(args.model)["emotions"]
    files = find_audio_files(args.paths)
    if args.format == "csv":
        print(csv_line(["file", "emotion", *(f"probability_{e}" for e in emotions), "error"]))
    failed = 0
    # disable=None: no bar where stderr is not a terminal.
    quiet = True if len(files) < MANY_FILES else None
    for prediction in tqdm(predict_files(args.model, files), total=len(files), disable=quiet):
        tqdm.write(FORMATS[args.format](prediction, emotions))
        sys.stdout.flush()  # whoever reads a pipe gets each result as it comes
        failed += bool(prediction.error)
    return 1 if failed else 0


def text_form(prediction, emotions: Sequence[str]) -> str:
    """For people: the emotion beside the file, then a bar for each emotion."""
    if prediction.error:
        return f"{prediction.file}: error: {prediction.error}"
    width = max(map(len, emotions))
    bars = (
        f"  {emotion:{width}}  {probability:5.3f}  {'#' * round(BAR_WIDTH * probability)}".rstrip()
        for emotion, probability in prediction.probabilities.items()
    )
    return "\n".join([f"{prediction.file}: {prediction.emotion}", *bars])


def json_form(prediction, emotions: Sequence[str]) -> str:
    """One JSON object on one line, with the same keys for every file."""
    return json.dumps(vars(prediction))


def csv_form(prediction, emotions: Sequence[str]) -> str:
    """One CSV row; the probabilities are empty where there is an error."""
    probabilities = [prediction.probabilities.get(emotion, "") for emotion in emotions]
    return csv_line([prediction.file, prediction.emotion, *probabilities, prediction.error])


def csv_line(values: Sequence) -> str:
    """`values` as one quoted CSV line, without its line end."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()


FORMATS = {"text": text_form, "json": json_form, "csv": csv_form}


# --- export ---------------------------------------------------------------------------------


def export(args: argparse.Namespace) -> int:
    """Export the model of one fold and say where it is."""
    from ser_keras.export import export_saved_model
    from ser_keras.export_check import TOLERANCE
    from ser_keras.onnx_export import export_onnx
    from ser_keras.training import load_model
    from ser_keras.warmup import HOW_TO_GET_IT, WARMUP_FILE

    model, info = load_model(find_fold(args.run_dir, args.fold) / "model")
    version_dir = export_saved_model(model, info, args.out)
    print(f"{version_dir}: written; reloaded, it equals the model within {TOLERANCE:g}")
    if not (version_dir / WARMUP_FILE).exists():
        print(f"{version_dir}: {HOW_TO_GET_IT}")
    if args.onnx:
        difference = export_onnx(version_dir, args.onnx)
        print(f"{args.onnx}: written; ONNX Runtime differs by {difference:.1e} at most")
    return 0


def find_fold(run_dir: Path, fold: int | None) -> Path:
    """The folder of the fold that a command line means.

    Args:
        run_dir: a run folder, or a fold folder itself.
        fold: number of the fold; None where only one can be meant.

    Raises:
        SerError: there is no such finished fold, or there are several and none is named.
    """
    finished = _finished_folds(run_dir)
    if fold is None and len(finished) == 1:
        return next(iter(finished.values()))
    if fold in finished:
        return finished[fold]
    if not finished:
        raise SerError(
            f"{run_dir}: no finished fold there; expected a folder that train.py wrote, such as "
            "runs/<name> or runs/<name>/fold_0"
        )
    asked = "no --fold given" if fold is None else f"no finished fold {fold}"
    numbers = ", ".join(map(str, finished))
    raise SerError(f"{run_dir}: {asked}; choose one with --fold: {numbers}")


def _finished_folds(run_dir: Path) -> dict[int, Path]:
    """The finished folds by number: run_dir itself, or those in it."""
    from ser_keras.runs import is_finished

    named = {}
    for path in [run_dir.resolve(), *run_dir.glob("fold_*")]:
        if match := re.fullmatch(r"fold_(\d+)", path.name):
            named[int(match[1])] = path
    return {
        number: path for number, path in sorted(named.items()) if is_finished(path.parent, number)
    }


if __name__ == "__main__":
    sys.exit(main())
