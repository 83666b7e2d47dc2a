"""Puts entries into a store, and drops others for them.

Callers hold the store's lock.
"""
from typing import Any

from ..key import Key
from ..page import Page
from .bounds import Room
from .entries import Contents
from .entries import flatten
from .spare import Parts


#: Bytes that an entry takes besides its strings.
ENTRY_BYTES = 1024

#: Maximum number of entries that are evicted for one page: more would take
#: milliseconds, with the lock held.  If the page does not fit yet, the evicted
#: entries stay evicted, so a later attempt succeeds.  The same limit holds for
#: spare bytes.
MAX_EVICTIONS = 200

#: Maximum number of equally new entries of one variant of a page.  Beyond it
#: the entry that was stored first is evicted.
MAX_PER_SLOT = 1000


def entry_size(key: Key, page: Page) -> int:
    """Return the size of an entry in bytes.

    A character of a string counts as one byte.
    """
    return (
        ENTRY_BYTES + page.size
        + sum(map(len, page.varies)) + sum(map(len, page.absent_cookies))
        + sum(map(len, key[:3])) + sum(map(len, key[3]))
        + sum(map(len, key[4])))


class Places:
    """Puts entries into a store if there is room."""

    def __init__(self, room: Room) -> None:
        self._room = room
        #: Number of entries dropped because a newer version replaced them.
        self.superseded = 0

    def put(
            self, contents: Contents, key: Key, flat: list[Any], size: int,
            parts: Parts) -> bool:
        """Add an entry, or replace it; return whether it was kept.

        `flat` and `size` are results of `flatten` and `entry_size`, which
        need no lock.
        """
        record = contents.find(key)
        if record is None:
            number = contents.link(key, flat)
            if not number:
                return False
            # Before any eviction: that might overwrite the entry's ghost.
            queue = contents.queue.queue_for(contents.hashes[number])
            slot = contents.slots.of[number]
            if contents.slots.lengths[slot] > MAX_PER_SLOT:
                self._room.evict(contents, contents.slots.some(slot, 1)[0])
        else:
            # It leaves the queue meanwhile, so that it is not evicted.
            number = record[0]
            size_before = contents.queue.sizes[number]
            queue = contents.suspend(number)
            contents.forget_spare(number)
        self._supersede(contents, number, parts.kept.modified)
        has_room = self._room.make(contents, size, 1, MAX_EVICTIONS)
        if has_room:
            if record is not None:
                contents.write(number, flat)
            contents.resume(number, size, queue)
            self._room.keep_spare(contents, number, parts, MAX_EVICTIONS)
        elif record is None:
            contents.unlink(number)
        else:
            contents.resume(number, size_before, queue)
        return has_room

    def recode(
            self, contents: Contents, key: Key, number: int,
            parts: Parts) -> bool:
        """Add a coding to an entry; return whether it was kept."""
        size = entry_size(key, parts.kept)
        if not self._room.admits(size):
            return False
        more = size - contents.queue.sizes[number]
        if more > 0 and not self._room.make(contents, more, 0, MAX_EVICTIONS):
            return False
        if contents.find(key) is None:  # it was evicted itself
            return False
        contents.rewrite(number, flatten(key, parts.kept))
        contents.resize(number, size)
        self._room.keep_spare(contents, number, parts, MAX_EVICTIONS)
        return True

    def _supersede(
            self, contents: Contents, number: int, modified: float) -> None:
        """Remove the older versions of the page in entry `number`."""
        group = contents.slots.of[number]
        if modified <= contents.modified[group]:
            return
        contents.modified[group] = modified
        if contents.slots.lengths[group] == 1:
            return
        for other in contents.slots.some(group, MAX_PER_SLOT):
            if other != number:
                contents.drop(other)
                self.superseded += 1
