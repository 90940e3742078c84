"""Faults that end a program, as the one line that its user reads.

A fault of the machine (a full disk, a folder without rights) reaches a program as an `OSError`, or
as TensorFlow's own kind of it. The line says which file it was, what happened and what to do.
"""

import errno
import os
import sys
from typing import TextIO

from data_pipeline.errors import UserError, shown

# What to do about an error of the system.
REMEDIES = {
    errno.ENOSPC: "make room there, then run the same command again",
    errno.EDQUOT: "your quota is used up: make room there, then run the same command again",
    errno.EFBIG: "the size of files is limited here (`ulimit -f`): raise the limit",
    errno.EROFS: "choose a place that may be written",
    errno.EACCES: "check the rights, or choose another place",
    errno.EPERM: "check the rights, or choose another place",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path: a part of it is a file",
    errno.EISDIR: "check the path: it is a folder",
    errno.EEXIST: "choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "check the links in the path",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`)",
    errno.EAGAIN: "close other programs, or raise the limit of processes (`ulimit -u`)",
    errno.ENOMEM: "close other programs, or use a machine with more memory",
    errno.EIO: "check the disk",
    errno.ESTALE: "mount the network drive again",
}
NO_MEMORY = "not enough memory; close other programs, or use a machine with more"


def in_one_line(error: BaseException) -> str | None:
    """The line for a fault that the user can mend; None for any other, which is a bug."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError):
        return _of_system(error)
    if isinstance(error, MemoryError):
        return NO_MEMORY
    return _of_tensorflow(error)


def broken_stream(error: BaseException) -> TextIO | None:
    """The standard stream that an error is about, if it is about one: it takes no more text."""
    if not isinstance(error, OSError) or error.filename is not None:
        return None
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                print(file=stream, flush=True)
        except OSError:
            return stream
    return None


def silence(stream: TextIO) -> None:
    """Let what is still in a stream go nowhere: at exit Python would fail at it once more."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def _of_system(error: OSError) -> str:
    reason = _one_line(error.strerror or str(error) or type(error).__name__)
    remedy = REMEDIES.get(error.errno or 0)
    if "temporary directory" in reason:  # Python's words where it finds none
        remedy = "set TMPDIR to a folder that may be written"
    place = "" if error.filename is None else f"{_place(error.filename)}: "
    return f"{place}{reason}" + (f"; {remedy}" if remedy else "")


def _place(filename: object) -> str:
    return shown(os.fsdecode(filename) if isinstance(filename, bytes) else filename)


def _of_tensorflow(error: BaseException) -> str | None:
    """TensorFlow writes files by itself, and has its own errors for a full disk and for rights."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        return None
    errors = tensorflow.errors
    if not isinstance(error, errors.ResourceExhaustedError | errors.PermissionDeniedError):
        return None
    return f"{_one_line(error.message.splitlines()[0])}; {_remedy_of_text(error.message)}"


def _remedy_of_text(message: str) -> str:
    for number, remedy in REMEDIES.items():
        if os.strerror(number) in message:
            return remedy
    return REMEDIES[errno.ENOMEM]


def _one_line(text: str) -> str:
    return " ".join(line.strip() for line in text.splitlines())
