"""`python -m data_pipeline prepare | describe | verify` (installed as `ser-data`)."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from data_pipeline.errors import DataError

CORPUS_NAMES = ("demo", "iemocap", "emodb", "ravdess", "crema_d", "manifest")

PREPARE_EPILOG = """\
examples:
  python -m data_pipeline prepare --corpus demo --out build/demo
      Synthesises a small corpus and prepares it; needs nothing but this package.
  python -m data_pipeline prepare --corpus emodb --root ~/corpora/emodb --out build/emodb
  python -m data_pipeline prepare --corpus manifest --root recordings.csv --out build/mine
      Your own recordings: a CSV with the columns path, emotion, speaker and, optionally, session.

Files that cannot be used are listed with the reason in OUT/rejected.csv; the rest goes on. Started
again, the command makes only what is missing or has changed. A new emotion, as any other setting,
wants a new --out. Next: python train.py --data OUT
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 a fault that the user can mend."""
    arguments = parse_args(argv)
    # TensorFlow's start-up notices would bury the one line that matters.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        arguments.run(arguments)
    except (DataError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nerror: stopped; the same command goes on from here", file=sys.stderr)
        return 1
    return 0


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; argparse exits with 2 where it is used wrongly."""
    parser = argparse.ArgumentParser(
        prog="python -m data_pipeline",
        description="Turn a corpus of emotional speech into records for training.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_prepare(commands)
    _add_folder_command(
        commands, "describe", run_describe, "show what a prepared folder holds and how it splits"
    )
    _add_folder_command(
        commands, "verify", run_verify, "read a prepared folder through and check every record"
    )
    arguments = parser.parse_args(argv)
    if arguments.run is run_prepare:
        _check_prepare(parser, arguments)
    return arguments


def _add_prepare(commands) -> None:
    command = commands.add_parser(
        "prepare",
        help="extract the features of a corpus into a folder",
        description="Extract MFCCs and two mel spectrograms of every utterance into records.",
        epilog=PREPARE_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = command.add_argument
    add("--corpus", required=True, choices=CORPUS_NAMES, help="layout that the corpus comes in")
    add(
        "--root",
        type=Path,
        metavar="DIR_OR_CSV",
        help="folder of the corpus; for manifest, the CSV file; demo needs none",
    )
    add("--out", required=True, type=Path, metavar="DIR", help="prepared folder to make")
    add("--workers", type=_positive, metavar="N", help="processes at work (default: one a core)")
    add(
        "--mfcc",
        choices=("opensmile", "tensorflow"),
        default="opensmile",
        help="who computes the MFCCs: openSMILE, as in the paper (default; licensed for research "
        "only), or our own TensorFlow code, equal within 1e-3",
    )
    add(
        "--n-fft",
        type=_fft_points,
        nargs=2,
        default=(256, 512),
        metavar=("N", "W"),
        help="FFT points of the narrow and the wide spectrogram, the wide twice the narrow "
        "(default: 256 512, the paper's)",
    )
    add(
        "--subset",
        choices=("all", "improvised", "scripted"),
        default="all",
        help="part of IEMOCAP to take (default: all)",
    )
    add(
        "--happy-without-excited",
        action="store_true",
        help="IEMOCAP: leave excited utterances out instead of counting them as happy",
    )
    add(
        "--strict",
        action="store_true",
        help="stop at the first unusable file, and where counts differ from the published ones",
    )
    command.set_defaults(run=run_prepare)


def _add_folder_command(commands, name: str, run, help_text: str) -> None:
    command = commands.add_parser(name, help=help_text, description=help_text.capitalize() + ".")
    command.add_argument("folder", type=Path, metavar="DIR", help="what `prepare --out` made")
    command.set_defaults(run=run)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}, expected a whole number, 1 or more")
    return int(text)


def _fft_points(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if not 64 <= value <= 4096 or value & (value - 1):
        raise argparse.ArgumentTypeError(f"{text}, expected a power of two from 64 to 4096")
    return value


def _check_prepare(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    if arguments.root is None and arguments.corpus != "demo":
        parser.error(f"--corpus {arguments.corpus} needs --root, the place where you keep it")
    narrow, wide = arguments.n_fft
    # The two sequences of the DS-LSTM are to be of the same moments.
    if wide != 2 * narrow:
        parser.error(
            f"argument --n-fft: {narrow} {wide}, the wide window must be twice the narrow one: "
            "256 512"
        )


def run_prepare(arguments: argparse.Namespace) -> None:
    """`prepare`: reads the corpus, extracts, and says what came of it."""
    from data_pipeline.corpora import read_corpus
    from data_pipeline.records.preparing import prepare

    corpus = read_corpus(
        arguments.corpus,
        arguments.root,
        strict=arguments.strict,
        subset=arguments.subset,
        excited_as_happy=not arguments.happy_without_excited,
    )
    for note in corpus.notes:
        print(f"note: {note}", file=sys.stderr)
    started = time.monotonic()
    prepared = prepare(
        corpus,
        arguments.out,
        mfcc=arguments.mfcc,
        n_fft=tuple(arguments.n_fft),
        subset=arguments.subset,
        strict=arguments.strict,
        workers=arguments.workers,
    )
    print(_summary(prepared, time.monotonic() - started))


def _summary(prepared, elapsed_seconds: float) -> str:
    counts = prepared.metadata["counts"]
    left_out = sum(counts["left_out"].values())
    seconds = sum(row["duration_seconds"] for row in prepared.utterances)
    return (
        f"{prepared.directory}: {counts['kept']} utterances ({seconds / 60:.1f} minutes) kept, "
        f"{counts['rejected']} rejected, {left_out} outside the label map; "
        f"{elapsed_seconds:.1f} s\n"
        f"next: python train.py --data {prepared.directory}"
    )


def run_describe(arguments: argparse.Namespace) -> None:
    """`describe`: prints counts, durations, folds and what they share."""
    from data_pipeline.records.codec import load_prepared
    from data_pipeline.records.describing import describe

    print(describe(load_prepared(arguments.folder)))


def run_verify(arguments: argparse.Namespace) -> None:
    """`verify`: checks checksums and every record."""
    from data_pipeline.records.codec import load_prepared
    from data_pipeline.records.verifying import verify

    count = verify(load_prepared(arguments.folder))
    print(f"{arguments.folder}: {count} records, all as the metadata says")


if __name__ == "__main__":
    sys.exit(main())
