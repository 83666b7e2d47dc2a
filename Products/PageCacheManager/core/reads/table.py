"""All objects that pages were made from, and the last change of each."""
from array import array
from collections import deque
from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from itertools import chain

from .groups import Groups
from .read_set import Gone
from .read_set import Group
from .read_set import ReadSet
from .unknown import Changed


#: Bytes of an object in the table, with its oid and its places in dicts and
#: lists.
SLOT_BYTES = 160

#: Maximum number of slots in use.  A page that needs more is not stored.
MAX_SLOTS = 500_000

#: Each operation frees the slots of at most this number of read sets that no
#: longer exist.
MAX_FREED = 16


class Table:
    """Slots for the objects of numbered databases.

    A slot belongs to one object while any read set has it.  `sequence`
    counts the commits that changed an object of the table; a slot has the
    sequence of its object's last change, 0 for none.

    Callers of `add` and `note` hold a lock.  Any thread may call the other
    methods at any time: a read set that is in use keeps its slots, and the
    slots get a new sequence before `sequence` does.
    """

    def __init__(self, max_slots: int = MAX_SLOTS) -> None:
        self.sequence = 1
        self._max_slots = max_slots
        #: By number of the database: its slots by oid.
        self._slots: dict[int, dict[bytes, int]] = {}
        #: These four have an item for each slot.
        self._last: list[int] = []
        self._oids: list[bytes] = []
        self._sources: array[int] = array('I')
        self._holders: array[int] = array('I')
        self._free: list[int] = []
        self._gone: Gone = deque()
        self._groups = Groups(self._make_group)
        #: The sources of the last page.  Most pages have the same sources, and
        #: share this tuple.
        self._last_sources: tuple[int, ...] = ()

    def __len__(self) -> int:
        """Return the number of slots in use."""
        return len(self._last) - len(self._free)

    def add(self, reads: Mapping[int, Collection[bytes]]) -> ReadSet | None:
        """Return a read set of oids by database, None if the table is full.
        """
        self._let_go()
        if len(self) + sum(map(len, reads.values())) > self._max_slots:
            return None
        slots = frozenset(chain.from_iterable(
            map(self._slots_of, reads.keys(), reads.values())))
        group, rest = self._groups.split(slots)
        sources = tuple(reads)
        if sources != self._last_sources:
            self._last_sources = sources
        made = ReadSet(
            self._last_sources, group, self._hold(array('I', sorted(rest))),
            self.sequence, self._gone)
        made.size += self._share(made)
        return made

    def of_pages(self, source: int, oids: Collection[bytes]) -> set[bytes]:
        """Return the oids among `oids` that pages were made from."""
        return self._slots.get(source, {}).keys() & oids

    def note(self, source: int, oids: Collection[bytes]) -> None:
        """Note a commit of `oids`.  Cost: proportional to their number."""
        self._let_go()
        changed = self.of_pages(source, oids)
        if changed:
            slots = self._slots[source]
            sequence = self.sequence + 1
            for oid in changed:
                self._last[slots[oid]] = sequence
            self.sequence = sequence

    def changed_since(
            self, read_set: ReadSet, sequence: int) -> Changed | None:
        """Return an object that changed after `sequence`, or None.

        Cost: constant if `sequence` is the current one, else one pass over the
        slots outside of the group.  A group is checked once for each sequence.
        """
        now = self.sequence
        if sequence == now:
            return None
        group = read_set.group
        if group is not None:
            at, last = group.checked
            if at != now:
                last = self._last_of(group.slots)
                group.checked = now, last
            if last > sequence:
                return self._first_after(sequence, group.slots)
        if self._last_of(read_set.slots) > sequence:
            return self._first_after(sequence, read_set.slots)
        return None

    def objects(self, read_set: ReadSet) -> Iterator[Changed]:
        """Yield all objects of a read set, in no order."""
        group = read_set.group
        for slot in (*(group.slots if group else ()), *read_set.slots):
            yield self._object(slot)

    def _last_of(self, slots: 'array[int]') -> int:
        return max(map(self._last.__getitem__, slots), default=0)

    def _first_after(
            self, sequence: int, slots: 'array[int]') -> Changed | None:
        for slot in slots:
            if self._last[slot] > sequence:
                return self._object(slot)
        return None

    def _object(self, slot: int) -> Changed:
        return Changed(self._sources[slot], self._oids[slot])

    def _slots_of(self, source: int, oids: Collection[bytes]) -> list[int]:
        slots = self._slots.setdefault(source, {})
        for oid in oids:
            if oid not in slots:
                slots[oid] = self._new_slot(source, oid)
        return list(map(slots.__getitem__, oids))

    def _new_slot(self, source: int, oid: bytes) -> int:
        if self._free:
            # its last change is no later than any future page
            slot = self._free.pop()
            self._sources[slot], self._oids[slot] = source, oid
            return slot
        self._last.append(0)
        self._sources.append(source)
        self._oids.append(oid)
        self._holders.append(0)
        return len(self._last) - 1

    def _make_group(self, slots: 'array[int]') -> Group:
        return Group(self._hold(slots), self._gone)

    def _hold(self, slots: 'array[int]') -> 'array[int]':
        for slot in slots:
            self._holders[slot] += 1
        return slots

    def _share(self, read_set: ReadSet) -> int:
        """Return the page's share of the bytes that other pages use too.

        Later pages get a smaller share, so the sum of all shares is not too
        small.
        """
        holders = map(self._holders.__getitem__, read_set.slots)
        share = sum(map(SLOT_BYTES.__floordiv__, holders))
        group = read_set.group
        if group is None:
            return share
        whole = group.own_size + len(group.slots) * SLOT_BYTES
        return share + whole // group.pages

    def _let_go(self) -> None:
        """Free the slots of a few read sets that no longer exist."""
        for _ in range(min(MAX_FREED, len(self._gone))):
            slots = self._gone.popleft()
            for slot in slots:
                self._holders[slot] -= 1
                if not self._holders[slot]:
                    self._let_slot_go(slot)

    def _let_slot_go(self, slot: int) -> None:
        source = self._sources[slot]
        slots = self._slots[source]
        del slots[self._oids[slot]]
        if not slots:
            del self._slots[source]
        self._oids[slot] = b''
        self._free.append(slot)
