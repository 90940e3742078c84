"""`python -m ser_keras COMMAND` (installed as `ser`)."""

import sys
from collections.abc import Sequence

from data_pipeline.command_line import run_program
from ser_keras.commands import (
    adapt,
    classical,
    evaluate,
    export,
    final,
    pack,
    predict,
    report,
    train,
)

COMMANDS = {
    "train": train,
    "predict": predict,
    "adapt": adapt,
    "export": export,
    "final": final,
    "classical": classical,
    "evaluate": evaluate,
    "report": report,
    "pack": pack,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit code: 0, or 1 for a failure (argparse exits with 2)."""
    return run_program(
        "python -m ser_keras",
        "Train the dual-sequence LSTM on emotional speech, judge it, export it and use it.",
        COMMANDS,
        argv,
    )


if __name__ == "__main__":
    sys.exit(main())
