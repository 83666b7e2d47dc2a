"""Errors that the command reports to its user."""


class UsageError(Exception):
    """The arguments are wrong; the message gives the reason."""


class Failure(Exception):
    """A request got no usable answer; the message gives the reason."""
