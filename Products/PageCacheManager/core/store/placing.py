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


#: What an entry takes beside its strings, in bytes.
ENTRY_BYTES = 1024

#: No page takes the place of more entries than this at once: it would take
#: milliseconds, with the lock held.  What was evicted for a page that did not
#: fit yet stays evicted, so the page fits one of the next times.  The same for
#: what is spare.
MAX_EVICTIONS = 200

#: Entries of one variant of a page that are equally new; beyond, the one
#: stored first goes.
MAX_PER_SLOT = 1000


def entry_size(key: Key, page: Page) -> int:
    """Return the bytes that an entry counts for.

    A character of a string counts as one.
    """
    return (
        ENTRY_BYTES + page.size
        + sum(map(len, page.varies)) + sum(map(len, page.absent_cookies))
        + sum(map(len, key[:3])) + sum(map(len, key[3]))
        + sum(map(len, key[4])))


class Places:
    """Gives entries their places, as far as there is room."""

    def __init__(self, room: Room) -> None:
        self._room = room
        #: How many entries went because nobody will ask for them again.
        self.superseded = 0

    def put(
            self, contents: Contents, key: Key, flat: list[Any], size: int,
            parts: Parts) -> bool:
        """Add an entry, or replace it; return whether it was kept.

        `flat` and `size` are what `flatten` and `entry_size` give, which
        need no lock.
        """
        record = contents.find(key)
        if record is None:
            number = contents.link(key, flat)
            if not number:
                return False
            # What is evicted now may take its place among the ghosts.
            queue = contents.queue.queue_for(contents.hashes[number])
            slot = contents.slots.of[number]
            if contents.slots.lengths[slot] > MAX_PER_SLOT:
                self._room.evict(contents, contents.slots.some(slot, 1)[0])
        else:
            # It leaves the queue meanwhile, so that it is nobody's victim.
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
        """Give an entry one coding more than it had."""
        size = entry_size(key, parts.kept)
        if not self._room.admits(size):
            return False
        more = size - contents.queue.sizes[number]
        if more > 0 and not self._room.make(contents, more, 0, MAX_EVICTIONS):
            return False
        if contents.find(key) is None:  # it was a victim itself
            return False
        contents.rewrite(number, flatten(key, parts.kept))
        contents.resize(number, size)
        self._room.keep_spare(contents, number, parts, MAX_EVICTIONS)
        return True

    def _supersede(
            self, contents: Contents, number: int, modified: float) -> None:
        """Remove older versions of the page that `number` is a version of."""
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
