"""Tables that grow without pauses and that the garbage collector skips.

A full collection walks over every container it knows of: with a million
entries in ordinary ones it takes a tenth of a second, in the middle of
somebody's request.  It does not walk over arrays of numbers, nor over dicts
that hold nothing but numbers, strings and exact tuples of these.  So entries
are numbered, what changes stands in arrays by number, and what does not
change in one tuple an entry.
"""
import gc
from array import array
from typing import Any
from typing import Generic
from typing import TypeAlias
from typing import TypeVar


V = TypeVar('V')

Record: TypeAlias = tuple[Any, ...]

#: Entries and groups are numbered from 1; this is the number of none.
NONE = 0

#: A dict that is full moves all it holds.  At a million entries each of so
#: many dicts holds 8000, which takes 0.2 ms.
SHARDS = 128

#: So many new records wait outside of their shards at most.  Shards fill up
#: at about the same time, and the fewer are filled in one go the fewer move.
MAX_FRESH = 128


def grow(number: int, *columns: 'array[Any]') -> None:
    """Make `number` an index of columns that may be one too short for it."""
    for column in columns:
        if number == len(column):
            column.append(0)


class Numbers:
    """Gives out numbers from 1; those given back are used again."""

    def __init__(self) -> None:
        self._returned = array('I')
        self._highest = 0

    def take(self) -> int:
        if self._returned:
            return self._returned.pop()
        self._highest += 1
        return self._highest

    def give(self, number: int) -> None:
        self._returned.append(number)


class Shards(Generic[V]):
    """A table by hash, made of many small dicts."""

    def __init__(self) -> None:
        self.dicts: list[dict[int, V]] = [{} for _ in range(SHARDS)]

    def shard(self, hashed: int) -> dict[int, V]:
        """Return the dict for `hashed`.

        A dict goes by the lowest bits, so the choice goes by others.
        """
        return self.dicts[hashed >> 40 & SHARDS - 1]


class Records:
    """Tuples by hash; they hold no tuples.

    A new tuple counts as a container until a collection has looked at it,
    and a dict that it is put into counts as one from then on.  So new
    records wait in a small dict until they have been looked at.
    """

    def __init__(self) -> None:
        self.settled: Shards[Record] = Shards()
        self._fresh: dict[int, Record] = {}

    def find(self, hashed: int) -> Record | None:
        shard = self.settled.dicts[hashed >> 40 & SHARDS - 1]
        return shard.get(hashed) or self._fresh.get(hashed)

    def __getitem__(self, hashed: int) -> Record:
        record = self.find(hashed)
        if record is None:
            raise KeyError(hashed)
        return record

    def put(self, hashed: int, record: Record) -> None:
        self.settled.shard(hashed).pop(hashed, None)
        self._fresh[hashed] = record
        if len(self._fresh) >= MAX_FRESH:
            self._settle()

    def remove(self, hashed: int) -> None:
        if self._fresh.pop(hashed, None) is None:
            del self.settled.shard(hashed)[hashed]

    def _settle(self) -> None:
        # What survived an earlier collection has been looked at by it, so
        # the youngest generation is enough.
        if gc.isenabled():
            gc.collect(0)
        for hashed, record in self._fresh.items():
            self.settled.shard(hashed)[hashed] = record
        self._fresh.clear()


class Rings:
    """Circular lists of numbers, each known by its newest member."""

    def __init__(self) -> None:
        self._after = array('I', [NONE])
        self._before = array('I', [NONE])
        #: These have an item for each number.
        self.columns = self._after, self._before

    def add(self, number: int, newest: int) -> None:
        """Put `number` after `newest`, or into a ring of its own."""
        after, before = self._after, self._before
        if number == len(after):
            after.append(NONE)
            before.append(NONE)
        oldest = after[newest] if newest else number
        after[number] = oldest
        before[number] = newest or number
        before[oldest] = number
        if newest:
            after[newest] = number

    def remove(self, number: int) -> int:
        """Take `number` out; return the one before it, NONE if none is."""
        before = self._before[number]
        if before == number:
            return NONE
        after = self._after[number]
        self._after[before] = after
        self._before[after] = before
        return before

    def oldest(self, newest: int) -> int:
        return self._after[newest]

    def some(self, newest: int, limit: int) -> list[int]:
        """Return up to `limit` members, the oldest first."""
        found: list[int] = []
        number = newest
        while number and len(found) < limit:
            number = self._after[number]
            found.append(number)
            if number == newest:
                break
        return found


class Groups:
    """Entries that belong together: those of a page, those of a slot.

    A group is numbered while it has members.  It is found by the hash of
    what they share; that they do share it is for the caller to check.
    """

    def __init__(self) -> None:
        self.index: Shards[int] = Shards()
        #: By number of the entry: its group.
        self.of = array('I', [NONE])
        #: By number of the group.
        self.newest = array('I', [NONE])
        self.lengths = array('I', [0])
        self._hashes = array('q', [0])
        self._numbers = Numbers()
        self._rings = Rings()

    def find(self, hashed: int) -> int:
        shard = self.index.dicts[hashed >> 40 & SHARDS - 1]
        return shard.get(hashed, NONE)

    def join(self, number: int, hashed: int) -> int:
        """Make `number` the newest of its group; return the group."""
        shard = self.index.dicts[hashed >> 40 & SHARDS - 1]
        group = shard.get(hashed, NONE)
        if not group:
            group = shard[hashed] = self._begin(hashed)
        self._rings.add(number, self.newest[group])
        self.newest[group] = number
        self.lengths[group] += 1
        if number == len(self.of):
            self.of.append(group)
        self.of[number] = group
        return group

    def leave(self, number: int) -> None:
        group = self.of[number]
        before = self._rings.remove(number)
        if self.newest[group] == number:
            self.newest[group] = before
        self.lengths[group] -= 1
        if not before:
            self._end(group)

    def renew(self, number: int) -> None:
        """Make `number` the newest of the group that it is in."""
        group = self.of[number]
        if self.newest[group] != number:
            self._rings.remove(number)
            self._rings.add(number, self.newest[group])
            self.newest[group] = number

    def some(self, group: int, limit: int) -> list[int]:
        """Return up to `limit` members, the oldest first."""
        return self._rings.some(self.newest[group], limit)

    def _begin(self, hashed: int) -> int:
        group = self._numbers.take()
        grow(group, self.newest, self.lengths, self._hashes)
        self.newest[group] = NONE
        self.lengths[group] = 0
        self._hashes[group] = hashed
        return group

    def _end(self, group: int) -> None:
        hashed = self._hashes[group]
        del self.index.shard(hashed)[hashed]
        self._numbers.give(group)
