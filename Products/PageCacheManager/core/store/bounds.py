"""The bounds of a store, and the evictions that keep them.

Spare bytes are dropped first, then entries.  Callers hold the store's lock.
"""
from typing import NamedTuple

from .entries import Contents
from .spare import Parts
from .spare import Spare


#: Spare bytes may take this part of the bytes: 4 means a quarter.
SPARE_SHARE = 4

#: A page that would take more than this part of the store is not stored: 4
#: means a quarter.
MAX_PAGE_SHARE = 4


class Bounds(NamedTuple):
    """The arguments of `PageStore.configure`."""

    max_entries: int
    max_bytes: int
    max_age_secs: int
    cleanup_interval_secs: int


class Counts(NamedTuple):
    """The contents of a store at one moment, and its counters."""

    entries: int
    #: Bytes of all entries, with the spare bytes.
    bytes: int
    max_entries: int
    max_bytes: int
    hits: int
    misses: int
    #: Entries that were dropped for lack of room.
    evictions: int
    #: Entries that were dropped because they were too old.
    expirations: int
    #: Entries that were dropped by `remove_page`, `remove_path` or
    #: `drop_stale`, or because a newer version came.
    removals: int
    #: Pages that were not admitted.
    rejections: int
    #: Bytes that are kept only while there is room: plain bodies of pages with
    #: a coding, and the better one of two codings.
    spare: int


class Room:
    """The room in a store.  Each call drops a bounded number of entries."""

    def __init__(self, bounds: Bounds) -> None:
        #: The bounds in force.
        self.bounds = bounds
        #: Number of entries that were dropped for lack of room.
        self.evictions = 0

    def admits(self, size: int) -> bool:
        """Return whether an entry of `size` bytes is small enough."""
        return size * MAX_PAGE_SHARE <= self.bounds.max_bytes

    def make(
            self, contents: Contents, size: int, entries: int,
            limit: int) -> bool:
        """Make room for `size` bytes and `entries` entries.

        Return whether there is room now.  At most `limit` entries or spare
        parts are dropped.
        """
        queue, bounds = contents.queue, self.bounds
        for found in range(limit):
            used = queue.bytes + contents.spare_bytes
            if queue.entries + entries > bounds.max_entries:
                self._evict_next(contents, found, bounds)
            elif used + size <= bounds.max_bytes:
                return True
            elif contents.spare_bytes:
                contents.shed()
            else:
                self._evict_next(contents, found, bounds)
        return False

    def keep_spare(
            self, contents: Contents, number: int, parts: Parts,
            limit: int) -> None:
        """Keep the spare bytes of an entry, unless they are kept already.

        For each spare part, at most `limit` older ones are dropped.  A part
        that does not fit then is not kept.
        """
        # The coding last, because bodies are dropped for it.
        for spare, data in (
                (contents.bodies, parts.body),
                (contents.codings, parts.coding)):
            if data and not spare.get(contents.hashes[number]):
                self._keep(contents, spare, number, data, limit)

    def _keep(
            self, contents: Contents, spare: Spare, number: int, data: bytes,
            limit: int) -> None:
        size = len(data)
        max_bytes = self.bounds.max_bytes
        most = min(
            max_bytes // SPARE_SHARE, max_bytes - contents.queue.bytes)
        if size > most:
            return
        for _ in range(limit):
            if contents.spare_bytes + size <= most:
                spare.add(number, data)
                return
            contents.shed()

    def fit(self, contents: Contents, bounds: Bounds, limit: int) -> bool:
        """Drop up to `limit` entries or spare parts, to fit new bounds.

        Return whether the bounds are in force now.
        """
        queue, max_bytes = contents.queue, bounds.max_bytes
        for found in range(limit):
            used = queue.bytes + contents.spare_bytes
            if queue.entries > bounds.max_entries:
                self._evict_next(contents, found, bounds)
            elif contents.spare_bytes > (
                    0 if used > max_bytes else max_bytes // SPARE_SHARE):
                contents.shed()
            elif used > max_bytes:
                self._evict_next(contents, found, bounds)
            else:
                self.bounds = bounds
                return True
        return False

    def evict(self, contents: Contents, number: int) -> None:
        contents.drop(number)
        self.evictions += 1

    def _evict_next(
            self, contents: Contents, found: int, bounds: Bounds) -> None:
        self.evict(contents, contents.queue.victim(
            bounds.max_entries, bounds.max_bytes, found))
