"""Tables that grow without pauses and that the garbage collector skips.

A full collection visits every container that it tracks.  With a million
entries in ordinary containers it takes a tenth of a second, during some
visitor's request.  It does not visit arrays of numbers, nor dicts that hold
only numbers, strings and exact tuples of these.  So entries are numbered.
Data that changes is in arrays, by number.  Data that does not change is in one
tuple for each entry.
"""
import gc
from array import array
from typing import Any
from typing import Generic
from typing import TypeAlias
from typing import TypeVar


V = TypeVar('V')

Record: TypeAlias = tuple[Any, ...]

#: Entries and groups are numbered from 1; 0 means no entry or no group.
NONE = 0

#: Number of dicts in a table.  A dict that is full moves all its items.  With
#: a million entries each dict has 8000 items, and moves them in 0.2 ms.
SHARDS = 128

#: Maximum number of new records that wait outside of their shards.  Shards
#: become full at about the same time.  If fewer records are added at once,
#: fewer shards move at once.
MAX_FRESH = 128


class Numbers:
    """Gives out numbers from 1; numbers given back are used again.

    Each of the `columns` gets an item for each number.
    """

    def __init__(self, *columns: 'array[Any]') -> None:
        self._columns = columns
        self._returned = array('I')

    def take(self) -> int:
        if self._returned:
            return self._returned.pop()
        for column in self._columns:
            column.append(0)
        return len(self._columns[0]) - 1

    def give(self, number: int) -> None:
        self._returned.append(number)


class Shards(Generic[V]):
    """A table by hash, made of many small dicts."""

    def __init__(self) -> None:
        self.dicts: list[dict[int, V]] = [{} for _ in range(SHARDS)]

    def shard(self, hashed: int) -> dict[int, V]:
        """Return the dict for `hashed`.

        Other bits than the lowest decide: a dict itself uses the lowest bits.
        """
        return self.dicts[hashed >> 40 & SHARDS - 1]


class Records:
    """Tuples by hash; the tuples contain no tuples.

    The garbage collector tracks a new tuple until its first visit.  A dict
    that gets such a tuple is tracked from then on.  So new records wait in a
    small dict until a collection has visited them.
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
        self.settled.dicts[hashed >> 40 & SHARDS - 1].pop(hashed, None)
        self._fresh[hashed] = record
        if len(self._fresh) >= MAX_FRESH:
            self._settle()

    def remove(self, hashed: int) -> None:
        if self._fresh.pop(hashed, None) is None:
            del self.settled.shard(hashed)[hashed]

    def _settle(self) -> None:
        # An earlier collection has visited the records that survived it, so
        # a collection of the youngest generation is enough.
        if gc.isenabled():
            gc.collect(0)
        for hashed, record in self._fresh.items():
            self.settled.shard(hashed)[hashed] = record
        self._fresh.clear()


class Rings:
    """`count` circular lists of numbers; the lists are numbered from 0.

    A number is in at most one list.
    """

    def __init__(self, count: int = 1) -> None:
        self._after = array('I', [NONE])
        self._before = array('I', [NONE])
        #: They have an item for each number; `Numbers` extends them.
        self.columns: tuple[array[Any], ...] = self._after, self._before
        #: By number of the ring: its newest member, and its length.
        self.newest = array('I', [NONE] * count)
        self.lengths = array('I', [0] * count)

    def add(self, number: int, ring: int) -> None:
        """Make `number` the newest of a ring."""
        after, before, newest = self._after, self._before, self.newest[ring]
        oldest = after[newest] if newest else number
        after[number] = oldest
        before[number] = newest or number
        before[oldest] = number
        if newest:
            after[newest] = number
        self.newest[ring] = number
        self.lengths[ring] += 1

    def remove(self, number: int, ring: int) -> None:
        """Take `number` out of the ring that it is in."""
        before, after = self._before[number], self._after[number]
        self._after[before] = after
        self._before[after] = before
        if self.newest[ring] == number:
            self.newest[ring] = NONE if before == number else before
        self.lengths[ring] -= 1

    def oldest(self, ring: int) -> int:
        """Return the oldest member, NONE if there is none."""
        newest = self.newest[ring]
        return self._after[newest] if newest else NONE

    def some(self, ring: int, limit: int) -> list[int]:
        """Return up to `limit` members, the oldest first."""
        found: list[int] = []
        number = newest = self.newest[ring]
        while number and len(found) < limit:
            number = self._after[number]
            found.append(number)
            if number == newest:
                break
        return found


class Groups(Rings):
    """Groups of entries, such as all entries of a page or of a slot.

    A group has a number while it has members.  It is found by the hash of the
    common value of its members.  The caller must check that the values are
    equal.  Each array in `more` gets an item for each group.
    """

    def __init__(self, *more: 'array[Any]') -> None:
        super().__init__()
        self.index: Shards[int] = Shards()
        #: By number of the entry: its group.
        self.of = array('I', [NONE])
        self.columns = *self.columns, self.of
        #: By number of the group.
        self._hashes = array('q', [0])
        self.numbers = Numbers(
            self._hashes, self.newest, self.lengths, *more)

    def find(self, hashed: int) -> int:
        shard = self.index.dicts[hashed >> 40 & SHARDS - 1]
        return shard.get(hashed, NONE)

    def join(self, number: int, hashed: int) -> int:
        """Make `number` the newest of its group; return the group."""
        shard = self.index.dicts[hashed >> 40 & SHARDS - 1]
        group = shard.get(hashed, NONE)
        if not group:
            group = shard[hashed] = self.numbers.take()
            self._hashes[group] = hashed
        self.add(number, group)
        self.of[number] = group
        return group

    def leave(self, number: int) -> None:
        group = self.of[number]
        self.remove(number, group)
        if not self.lengths[group]:
            hashed = self._hashes[group]
            del self.index.shard(hashed)[hashed]
            self.numbers.give(group)

    def renew(self, number: int) -> None:
        """Make `number` the newest of the group that it is in."""
        group = self.of[number]
        self.remove(number, group)
        self.add(number, group)
