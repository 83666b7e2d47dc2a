"""Reasons for an unknown read set or an unknown change."""
from enum import StrEnum
from typing import NamedTuple


class Why(StrEnum):
    """Reasons for an unknown read set, or unknown freshness."""

    EVICTED = 'Objects left the cache of the connection during the render.'
    MARKER = 'The mark in the cache of the connection is gone.'
    CLOSED = 'A database or connection of the request is closed.'
    SNAPSHOT = 'The transaction ended during the render.'
    CHANGES = 'The request changed objects.'
    OPENED = 'A connection to a database was opened meanwhile.'
    TOO_MANY = 'The page was made from too many objects.'
    NO_SNAPSHOT = 'A connection is closed, or shows the past.'
    BEHIND = 'Commits that the request knows were not heard of in time.'
    LOST = 'It is not known what was committed.'
    ANSWER = 'The answer of a search can not be compared with later ones.'
    COMMITTED = 'An object of the page was committed during the render.'
    CLOCK = 'The clock may change a search that can not be asked again.'
    TABLE_FULL = 'The pages that are kept were made from too many objects.'


class Unknown(NamedTuple):
    """The reason for an unknown result."""

    why: Why


class Changed(NamedTuple):
    """An object that a page was made from, and that was committed later.

    The commit was during the render of the page, or after it.
    """

    #: The number of its database, see :class:`.table.Table`.
    source: int
    oid: bytes


#: Replaces a read set, and the result that a page is current.
NotKept = Unknown | Changed
