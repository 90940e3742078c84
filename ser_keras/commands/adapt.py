"""`python -m ser_keras adapt`: the profile of a voice from recordings without labels."""

import argparse
import sys
from pathlib import Path

HELP = "make the profile of a voice from recordings without labels"
EXAMPLE = """\
  python -m ser_keras adapt --model saved_models/ser recordings_of_anna/ --out anna.json
  python -m ser_keras predict --model saved_models/ser --profile anna.json speech.wav
"""
# From this many files on, a progress bar says how far it is.
MANY_FILES = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `adapt`."""
    parser.description = (
        "Measure how a voice, a room or a telephone line differs from the training voices. The "
        "profile holds statistics, never audio. Give twenty recordings in many moods; what they "
        "express need not be known."
    )
    add = parser.add_argument
    add(
        "paths",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="audio file (WAV, FLAC, OGG or MP3), or a folder that is searched for them: all of "
        "one voice",
    )
    add(
        "--model",
        type=Path,
        metavar="DIR",
        help="folder of an exported model that takes profiles, as those of train.py --preset "
        "recommended do (default: the model that comes with this package)",
    )
    add("--out", required=True, type=Path, metavar="FILE", help="the profile to write, as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Make the profile, and say what it is made from; 1 if a file could not be used."""
    from ser_keras.engine import use_engine

    use_engine()
    from tqdm import tqdm

    from ser_keras.predict.adapting import make_profile, remarks
    from ser_keras.predict.searching import search
    from ser_keras.predict.served_model import ServedModel
    from ser_keras.predict.shipped import shipped_model
    from ser_keras.voices.profile_file import write_profile

    model = ServedModel(arguments.model or shipped_model())
    files, passed_over = search(arguments.paths)
    if note := passed_over.in_words():
        print(note, file=sys.stderr)
    quiet = True if len(files) < MANY_FILES else None
    with tqdm(files, unit="file", disable=quiet) as watched:
        profile, unusable = make_profile(model, watched)
    for one in unusable:
        print(f"{one.file}: {one.reason}", file=sys.stderr)
    for remark in remarks(profile):
        print(f"note: {remark}", file=sys.stderr)
    write_profile(profile, arguments.out)
    plural = "" if profile.recordings == 1 else "s"
    print(
        f"{arguments.out}: profile from {profile.recordings} recording{plural} "
        f"({profile.seconds:.0f} s)\n"
        f"next: python -m ser_keras predict {_named(arguments.model)}--profile {arguments.out} "
        "FILE..."
    )
    return 1 if unusable else 0


def _named(model: Path | None) -> str:
    return f"--model {model} " if model else ""
