"""The one exception of this package that is meant for users."""


class DataError(Exception):
    """A fault in the input that the user can mend.

    The message is one line: what was received, what is expected, what to do.
    Command lines print it without a traceback and exit with 1.
    """
