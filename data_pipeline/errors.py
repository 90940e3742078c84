"""The exceptions that are meant for users: one line each, printed without a traceback."""


class UserError(Exception):
    """A fault that the user can mend; the base of both packages' errors.

    The message is one line: what was received, what is expected, what to do. Command lines print
    it and exit with 1.
    """


class DataError(UserError):
    """A fault in the recordings, a corpus or a prepared folder."""


def shown(name: object) -> str:
    """A file name as text that can be written: names on disk need not be UTF-8."""
    return str(name).encode(errors="backslashreplace").decode()
