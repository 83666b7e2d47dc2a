"""Errors of those who call the command."""


class UsageError(Exception):
    """The command can not be run so; the text says why."""


class Failure(Exception):
    """A request brought no answer of use; the text says why."""
