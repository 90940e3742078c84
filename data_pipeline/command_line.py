"""What the programs `ser`, `ser-data` and `train.py` have in common.

A command is a module of one shape: `HELP` (what it does, a line), `EXAMPLE` (how it is called),
`add_arguments(parser)` and `run(arguments)`, which returns the exit code. It imports nothing heavy
before `run`: help and usage errors answer at once.
"""

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from data_pipeline.faults import broken_stream, in_one_line, silence
from data_pipeline.runtime import quiet_joblib, quiet_tensorflow

ALL = "all"
T = TypeVar("T")
# As `pip` knows it.
DISTRIBUTION = "dual-sequence-ser"


class Command(Protocol):
    """A module of `commands`."""

    HELP: str
    EXAMPLE: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options. `parser.set_defaults(when_stopped=...)` says what Ctrl-C leaves."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; the exit code."""


# --- The one entry ---


def run_program(
    program: str, description: str, commands: Mapping[str, Command], argv: Sequence[str] | None
) -> int:
    """Run one of several commands.

    Args:
        program: how the program is called, for the help.
        description: what it does.
        commands: name -> module.
        argv: the arguments; None for those of the process.

    Returns:
        The exit code: 0; 1 for a fault that the user can mend, which is one line on stderr.
        argparse itself exits with 2 where the program is used wrongly.
    """
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--version", action=_Version, help="tell the version")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in commands.items():
        subparser = subparsers.add_parser(name, help=command.HELP, **_words(command))
        _prepare_parser(subparser, command)
    return _run(parser, argv)


def run_command(program: str, command: Command, argv: Sequence[str] | None) -> int:
    """Run a program that is a single command; see `run_program`."""
    parser = argparse.ArgumentParser(prog=program, **_words(command))
    _prepare_parser(parser, command)
    return _run(parser, argv)


def _words(command: Command) -> dict[str, Any]:
    """What a command's help says above and below the options."""
    return {
        "description": f"{command.HELP[0].upper()}{command.HELP[1:]}.",
        "epilog": f"examples:\n{command.EXAMPLE}",
        "formatter_class": argparse.RawDescriptionHelpFormatter,  # examples keep their line breaks
    }


def _prepare_parser(parser: argparse.ArgumentParser, command: Command) -> None:
    parser.set_defaults(run=command.run, usage_error=parser.error, when_stopped="")
    command.add_arguments(parser)


class _Version(argparse.Action):
    """Tells the version of what is installed, and of nothing that is not asked about."""

    def __init__(self, option_strings: Sequence[str], dest: str, **told: Any):
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **told)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"{DISTRIBUTION} {version(DISTRIBUTION)}")
        parser.exit()


def _run(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    quiet_tensorflow()
    quiet_joblib()
    _prepare_streams()
    arguments = argparse.Namespace()
    try:
        try:
            parser.parse_args(argv, arguments)
            return arguments.run(arguments)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where a full disk is still told in one line
    except KeyboardInterrupt:
        _say(f"\nstopped{getattr(arguments, 'when_stopped', '')}")
    except Exception as error:
        if not _told(error):
            raise
    return 1


def _prepare_streams() -> None:
    # Whoever was started without them would have a data file in the place of a stream, and
    # libraries print to streams by number.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    # A file name may hold bytes that are no text; it is printed with escapes, not refused.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _told(error: Exception) -> bool:
    """Say a fault that the user can mend in one line; whether it is one."""
    line = in_one_line(error)
    stream = broken_stream(error)
    if stream is not None:
        silence(stream)
        if isinstance(error, BrokenPipeError):
            return True  # the reader (such as `head`) has left
        name = "standard output" if stream is sys.stdout else "standard error"
        line = f"{name}: {line}"
    if line is not None:
        _say(f"error: {line}")
    return line is not None


def _say(line: str) -> None:
    """Print a last line; where it cannot be printed, the exit code has to do."""
    with suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


def chosen_names(given: Sequence[str], names: Iterable[str]) -> list[str]:
    """The names that a list on the command line means: each once, `all` for every one."""
    return list(names) if ALL in given else list(dict.fromkeys(given))


# --- Types of arguments: text -> value, refused where it is read ---


def _refused(text: str, expected: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"received {text!r}, expected {expected}")


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """The type of a whole number from `least` on, up to `most` where it is given."""
    end = " or more" if most is None else f" to {most}"

    def read(text: str) -> int:
        value = int(text) if text.isdecimal() else -1
        if value < least or (most is not None and value > most):
            raise _refused(text, f"a whole number, {least}{end}")
        return value

    return read


# What every generator of random numbers takes, with some to spare.
seed = whole_number(0, 2**31 - 1)


def fold_number(text: str) -> int | str:
    """A number from 0, or `all`."""
    if text == ALL:
        return text
    if not text.isdecimal():
        raise _refused(text, f"a number from 0 or `{ALL}`")
    return int(text)


def corpus_name(text: str) -> str:
    """A name of a corpus: it becomes part of the names of runs and of utterances."""
    if not re.fullmatch(r"[^\s/+]+", text):
        raise _refused(text, "a name without blanks, / and +")
    return text


def true_or_false(text: str) -> bool:
    """The word `true` or the word `false`."""
    return one_of(("true", "false"))(text) == "true"


def fft_points(text: str) -> int:
    """A power of two from 64 to 4096."""
    value = int(text) if text.isdecimal() else 0
    if not 64 <= value <= 4096 or value & (value - 1):
        raise _refused(text, "a power of two from 64 to 4096")
    return value


def seconds(least: float) -> Callable[[str], float]:
    """The type of a duration of `least` seconds or more."""

    def read(text: str) -> float:
        value = _number(text)
        if not least <= value < float("inf"):
            raise _refused(text, f"seconds, {least} or more")
        return value

    return read


def between(low: float, high: float) -> Callable[[str], float]:
    """The type of a number between two others, both left out."""

    def read(text: str) -> float:
        value = _number(text)
        if not low < value < high:
            raise _refused(text, f"a number in ({low:g}, {high:g})")
        return value

    return read


def zero_or_below(high: float) -> Callable[[str], float]:
    """The type of a number from 0 on, below another one."""

    def read(text: str) -> float:
        value = _number(text)
        if not 0 <= value < high:
            raise _refused(text, f"a number from 0 on, below {high:g}")
        return value

    return read


def one_of(names: Sequence[str]) -> Callable[[str], str]:
    """The type of a word out of a few."""

    def read(text: str) -> str:
        if text not in names:
            raise _refused(text, f"one of {', '.join(names)}")
        return text

    return read


def several(read: Callable[[str], T], count: int | None = None) -> Callable[[str], tuple[T, ...]]:
    """The type of values with commas between them, such as "32,16".

    Args:
        read: the type of each.
        count: how many there are to be; any number where it is not given, "" for none.
    """

    def read_all(text: str) -> tuple[T, ...]:
        parts = text.split(",") if text else []
        if count is not None and len(parts) != count:
            raise _refused(text, f"{count} values with commas between them")
        return tuple(map(read, parts))

    return read_all


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")  # which is within no bounds
