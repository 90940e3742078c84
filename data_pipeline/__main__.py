"""`python -m data_pipeline list | prepare | describe | verify` (installed as `ser-data`)."""

import sys
from collections.abc import Sequence

from data_pipeline.command_line import run_program
from data_pipeline.commands import describe, list_recordings, prepare, verify

COMMANDS = {
    "list": list_recordings,
    "prepare": prepare,
    "describe": describe,
    "verify": verify,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0 done, 1 a fault that the user can mend."""
    description = "Turn a corpus of emotional speech into records for training."
    return run_program("python -m data_pipeline", description, COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main())
