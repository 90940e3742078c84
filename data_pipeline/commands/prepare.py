"""`python -m data_pipeline prepare`: extract the features of a corpus into a folder."""

import argparse
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from data_pipeline.command_line import between, corpus_name, fft_points, whole_number
from data_pipeline.contract import EMOTIONS
from data_pipeline.corpora.catalogue import CORPORA, STANDARDS, read_corpus
from data_pipeline.corpora.emotions import UnknownEmotionError, read_mapping
from data_pipeline.corpora.iemocap import SUBSETS
from data_pipeline.names import visible

if TYPE_CHECKING:
    from data_pipeline.corpora.corpus import Corpus
    from data_pipeline.records.prepared import Prepared

HELP = "extract the features of a corpus into a folder"
EXAMPLE = """\
  python -m data_pipeline prepare --corpus demo --out build/demo
      Synthesises a small corpus and prepares it; needs nothing but this package.
  python -m data_pipeline prepare --corpus emodb --root ~/corpora/emodb --out build/emodb
  python -m data_pipeline prepare --corpus manifest --root recordings.csv --out build/mine
      Your own recordings: a CSV with the columns path, emotion, speaker and, optionally, others;
      `python -m data_pipeline list` writes one.
  python -m data_pipeline prepare --corpus ravdess --root ~/corpora/ravdess --emotions all --out D
  python -m data_pipeline prepare --corpus emobox --root EmoBox/data/ravdess --audio ~/ravdess \\
      --speaker '(\\d\\d)\\.wav$' --out build/ravdess

Files that cannot be used are listed with the reason in OUT/rejected.csv; the rest goes on. Started
again, the command makes only what is missing or has changed. A new emotion, as any other setting,
wants a new --out. Next: python train.py --data OUT
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = "Extract MFCCs and two mel spectrograms of every utterance into records."
    parser.set_defaults(when_stopped="; the same command goes on from here")
    add = parser.add_argument
    add("--corpus", required=True, choices=CORPORA, help="layout that the corpus comes in")
    add(
        "--root",
        type=Path,
        metavar="DIR_OR_CSV",
        help="folder of the corpus; for manifest, the CSV file; demo needs none",
    )
    add("--out", required=True, type=Path, metavar="DIR", help="prepared folder to make")
    add(
        "--name",
        type=corpus_name,
        metavar="NAME",
        help="what results and reports call the corpus (default: that of --corpus; of manifest, "
        "emobox and audformat, the name of --root)",
    )
    add(
        "--workers",
        type=whole_number(1),
        metavar="N",
        help="processes at work (default: one a core)",
    )
    add(
        "--mfcc",
        choices=("opensmile", "tensorflow"),
        default="opensmile",
        help="who computes the MFCCs: openSMILE, as in the paper (default; licensed for research "
        "only), or our own TensorFlow code, equal within 1e-3",
    )
    add(
        "--n-fft",
        type=fft_points,
        nargs=2,
        default=(256, 512),
        metavar=("N", "W"),
        help="FFT points of the narrow and the wide spectrogram, the wide twice the narrow "
        "(default: 256 512, the paper's)",
    )
    add(
        "--speed",
        type=between(0.5, 2),
        default=1.0,
        metavar="X",
        help="play every recording at X of its speed, lower and slower or higher and faster: "
        "copies for `train.py --copies`, as of other voices (default: 1)",
    )
    add(
        "--subset",
        choices=SUBSETS,
        default="all",
        help="part of IEMOCAP to take (default: all)",
    )
    add(
        "--happy-without-excited",
        action="store_true",
        help="IEMOCAP: leave excited utterances out instead of counting them as happy",
    )
    add(
        "--emotions",
        nargs="+",
        default=[],
        metavar="NAME",
        help=f"emotions to use: {', '.join(EMOTIONS)}, or others that the corpus has, or `all` "
        "(default: angry, happy, neutral, sad; manifest, emobox and audformat: all)",
    )
    add(
        "--map",
        nargs="+",
        default=[],
        metavar="NAME=NAME",
        help="count an emotion as another, such as excited=happy calm=neutral",
    )
    add(
        "--audio",
        metavar="DIR",
        help="EmoBox: folder of the recordings (default: downloads/<corpus> of EmoBox)",
    )
    add(
        "--speaker",
        metavar="PATTERN_OR_COLUMN",
        help="EmoBox: regular expression that finds the speaker in the path of a recording; "
        "docs/corpora.md has one for each corpus we know. audformat: column that says who speaks",
    )
    add("--table", nargs="+", metavar="NAME", help="audformat: tables with the labels")
    add("--emotion", metavar="COLUMN", help="audformat: column with the labels")
    add(
        "--strict",
        action="store_true",
        help="stop at the first unusable file, and where counts differ from the published ones",
    )


def run(arguments: argparse.Namespace) -> int:
    """Read the corpus, extract, and say what came of it; the exit code."""
    _check_together(arguments)

    from data_pipeline.records.preparing import prepare
    from data_pipeline.records.remarks import notes_on_lengths, notes_on_offsets
    from data_pipeline.splits.copies import check_copies

    corpus = _read_corpus(arguments)
    for note in corpus.notes:
        print(f"note: {note}", file=sys.stderr)
    started = time.monotonic()
    prepared = prepare(
        corpus,
        arguments.out,
        mfcc=arguments.mfcc,
        n_fft=tuple(arguments.n_fft),
        speed=arguments.speed,
        name=arguments.name or _default_name(arguments),
        strict=arguments.strict,
        workers=arguments.workers,
    )
    notes = [check_copies(prepared.utterances), *notes_on_lengths(prepared.utterances)]
    for note in filter(None, [*notes, *notes_on_offsets(prepared.offsets)]):
        print(f"note: {note}", file=sys.stderr)
    print(_summary(prepared, time.monotonic() - started))
    return 0


def _read_corpus(arguments: argparse.Namespace) -> "Corpus":
    """The corpus as the options ask for it; an emotion that it does not know is a usage error."""
    try:
        return read_corpus(
            arguments.corpus,
            arguments.root,
            strict=arguments.strict,
            subset=arguments.subset,
            excited_as_happy=not arguments.happy_without_excited,
            emotions=arguments.emotions,
            mapped=read_mapping(arguments.map),
            audio=arguments.audio,
            speaker=arguments.speaker,
            table=arguments.table,
            emotion=arguments.emotion,
        )
    except UnknownEmotionError as error:
        arguments.usage_error(f"argument --emotions or --map: {error}")
        raise


def _default_name(arguments: argparse.Namespace) -> str:
    """What a corpus is called that was given no name: one standard has many corpora."""
    if arguments.corpus not in STANDARDS:
        return arguments.corpus
    root = arguments.root.resolve()
    stem = root.stem if arguments.corpus == "manifest" else root.name
    return re.sub(r"[+/\s]+", "_", visible(stem)) or arguments.corpus


def _check_together(arguments: argparse.Namespace) -> None:
    """End with a usage error where options that are right alone do not go together."""
    if arguments.root is None and arguments.corpus != "demo":
        arguments.usage_error(
            f"--corpus {arguments.corpus} needs --root, the place where you keep it"
        )
    try:
        read_mapping(arguments.map)
    except ValueError as error:
        arguments.usage_error(f"argument --map: {error}")
    narrow, wide = arguments.n_fft
    # The two sequences of the DS-LSTM are to be of the same moments.
    if wide != 2 * narrow:
        arguments.usage_error(
            f"argument --n-fft: {narrow} {wide}, the wide window must be twice the narrow one: "
            "256 512"
        )


def _next_step(prepared: "Prepared") -> str:
    if prepared.features.speed == 1:
        return f"python train.py --data {prepared.directory}"
    return (
        f"python train.py --data DIR --copies {prepared.directory}, where DIR has the recordings "
        "at their own speed"
    )


def _summary(prepared: "Prepared", elapsed_seconds: float) -> str:
    from data_pipeline.records.remarks import cause_lines, read_rejected

    rejected_files = read_rejected(prepared.directory)
    counts = prepared.counts
    left_out = sum(counts.left_out.values())
    seconds = sum(row.duration_seconds for row in prepared.utterances)
    rejected = "".join(f"\n  rejected {line}" for line in cause_lines(rejected_files))
    return (
        f"{prepared.directory}: {counts.kept} utterances ({seconds / 60:.1f} minutes) kept, "
        f"{counts.rejected} rejected, {left_out} outside the label map; "
        f"{elapsed_seconds:.1f} s{rejected}\n"
        f"next: {_next_step(prepared)}"
    )
