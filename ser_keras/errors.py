"""The one exception of this package that is meant for users."""

from data_pipeline.errors import UserError


class SerError(UserError):
    """A fault in a run, a model or a request that the user can mend; the message is one line."""
