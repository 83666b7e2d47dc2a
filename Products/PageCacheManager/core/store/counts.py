"""Counters of a store."""
from typing import NamedTuple


class Counts(NamedTuple):
    """The contents of a store at one moment, and its counters."""

    entries: int
    #: All that is kept, what is spare too.
    bytes: int
    max_entries: int
    max_bytes: int
    hits: int
    misses: int
    #: Entries that went because room was needed.
    evictions: int
    #: Entries that went because they were too old.
    expirations: int
    #: Entries that went by `remove_page`, by `remove_path`, or because
    #: a newer page came.
    removals: int
    #: Pages that were not admitted.
    rejections: int
    #: Bytes of what is kept only while there is room: bodies of pages that
    #: are kept in a coding, and of two codings the better one.
    spare: int
