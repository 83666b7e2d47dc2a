"""The bounds of a store in force, and what goes so that they hold.

What is spare goes first, then entries.  Whoever uses it holds the store's
lock.
"""
from .contents import Contents
from .spare import Parts
from .spare import Spare


#: What is spare may take this part of the bytes.
SPARE_SHARE = 4


class Room:
    """How much there may be.  What goes is bounded at each call."""

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        #: How many entries went for lack of room.
        self.evictions = 0

    def make(
            self, contents: Contents, size: int, entries: int,
            limit: int) -> bool:
        """Let go what stands in the way of so many bytes and entries.

        Return whether there is room now; no more than `limit` things go.
        """
        queue = contents.queue
        for found in range(limit):
            if queue.entries + entries > self.max_entries:
                self._evict_next(contents, found)
            elif queue.bytes + contents.spare_bytes + size <= self.max_bytes:
                return True
            elif contents.spare_bytes:
                contents.shed()
            else:
                self._evict_next(contents, found)
        return False

    def keep_spare(
            self, contents: Contents, number: int, parts: Parts,
            limit: int) -> None:
        """Keep what is spare of an entry, unless it is kept already.

        For each, at most `limit` others go; if it does not fit then, it
        goes.
        """
        # The coding last: the body would be the first to go for it.
        for spare, data in (
                (contents.bodies, parts.body),
                (contents.codings, parts.coding)):
            if data and not spare.get(contents.hashes[number]):
                self._keep(contents, spare, number, data, limit)

    def _keep(
            self, contents: Contents, spare: Spare, number: int, data: bytes,
            limit: int) -> None:
        size = len(data)
        most = min(
            self.max_bytes // SPARE_SHARE,
            self.max_bytes - contents.queue.bytes)
        if size > most:
            return
        for _ in range(limit):
            if contents.spare_bytes + size <= most:
                spare.add(number, data)
                return
            contents.shed()

    def fit(
            self, contents: Contents, max_entries: int, max_bytes: int,
            limit: int) -> bool:
        """Take new bounds, once `limit` things at most had to go.

        Return whether they are in force.
        """
        queue = contents.queue
        wanted = Room(max_entries, max_bytes)
        for found in range(limit):
            used = queue.bytes + contents.spare_bytes
            if queue.entries > max_entries:
                self._evict_next(contents, found, wanted)
            elif contents.spare_bytes > (
                    0 if used > max_bytes else max_bytes // SPARE_SHARE):
                contents.shed()
            elif used > max_bytes:
                self._evict_next(contents, found, wanted)
            else:
                self.max_entries = max_entries
                self.max_bytes = max_bytes
                return True
        return False

    def evict(self, contents: Contents, number: int) -> None:
        contents.drop(number)
        self.evictions += 1

    def _evict_next(
            self, contents: Contents, found: int,
            wanted: 'Room | None' = None) -> None:
        bounds = wanted or self
        self.evict(contents, contents.queue.victim(
            bounds.max_entries, bounds.max_bytes, found))
