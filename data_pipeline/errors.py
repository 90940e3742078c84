"""The one exception of this package that is meant for users."""


class DataError(Exception):
    """A fault in the input that the user can mend.

    The message is one line: what was received, what is expected, what to do.
    Command lines print it without a traceback and exit with 1.
    """


def shown(name: object) -> str:
    """A file name as text that can be written: names on disk need not be UTF-8."""
    return str(name).encode(errors="backslashreplace").decode()
