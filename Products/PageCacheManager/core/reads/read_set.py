"""Read sets in few bytes: numbers of slots in a table.

Slots that many pages have in common make a group, which is stored once.
"""
import sys
from array import array
from collections import deque


#: Bytes of a Python object with slots, without the bytes of its array.
OBJECT_BYTES = 120

#: Slots of read sets and groups that no longer exist; the table frees these
#: slots.
Gone = deque['array[int]']


def size_of(slots: 'array[int]') -> int:
    """Return the size of an object with these slots, in bytes."""
    return OBJECT_BYTES + sys.getsizeof(slots)


class Slots:
    """Numbers of slots that stay taken while this object lives."""

    __slots__ = ('slots', '_gone')

    def __init__(self, slots: 'array[int]', gone: Gone) -> None:
        self.slots = slots
        self._gone = gone

    def __del__(self) -> None:
        # Do no more here: this may run anywhere, also under the lock.
        self._gone.append(self.slots)

    @property
    def own_size(self) -> int:
        return size_of(self.slots)


class Group(Slots):
    """Slots that several pages have in common."""

    __slots__ = ('pages', 'checked')

    def __init__(self, slots: 'array[int]', gone: Gone) -> None:
        super().__init__(slots, gone)
        #: The number of pages that got this group.
        self.pages = 0
        #: At the last check: the table's sequence, and the sequence of the
        #: last change of the slots.
        self.checked = 0, 0


class ReadSet(Slots):
    """The objects that a page was made from.

    `slots` are the slots outside of its group.  All objects were unchanged at
    `sequence`, a number of the table.
    """

    __slots__ = ('sources', 'group', 'sequence', 'size')

    def __init__(
            self, sources: tuple[int, ...], group: Group | None,
            slots: 'array[int]', sequence: int, gone: Gone) -> None:
        super().__init__(slots, gone)
        #: Numbers of the databases that were read.
        self.sources = sources
        self.group = group
        self.sequence = sequence
        #: Bytes that count for a page: its own bytes, and a share of the bytes
        #: that other pages use too.
        self.size = self.own_size

    @property
    def object_count(self) -> int:
        """The number of objects."""
        return len(self.slots) + (len(self.group.slots) if self.group else 0)
