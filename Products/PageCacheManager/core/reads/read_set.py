"""Read sets in few bytes: numbers of slots in a table.

Slots that many pages have in common are a group, which is stored once.
"""
import sys
from array import array
from collections import deque


#: A Python object with its slots, beside the bytes of its array.
OBJECT_BYTES = 120

#: Slots of read sets and groups that nobody holds any more; the table frees
#: them.
Gone = deque['array[int]']


def size_of(slots: 'array[int]') -> int:
    """Return the bytes of an object with these slots."""
    return OBJECT_BYTES + sys.getsizeof(slots)


class Slots:
    """Numbers of slots that stay taken while this object lives."""

    __slots__ = ('slots', '_gone')

    def __init__(self, slots: 'array[int]', gone: Gone) -> None:
        self.slots = slots
        self._gone = gone

    def __del__(self) -> None:
        # Nothing more: it may run anywhere, where the lock is held too.
        self._gone.append(self.slots)

    @property
    def own_size(self) -> int:
        return size_of(self.slots)


class Group(Slots):
    """Slots that several pages have in common."""

    __slots__ = ('pages', 'checked')

    def __init__(self, slots: 'array[int]', gone: Gone) -> None:
        super().__init__(slots, gone)
        #: How many pages were given this group.
        self.pages = 0
        #: Of the last check: the table's sequence, and the slots' last.
        self.checked = 0, 0


class ReadSet(Slots):
    """What a page was made from.

    `slots` are those that are not in its group.  It was all unchanged at
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
        #: Bytes that a page takes for it: its own, and a share of what
        #: other pages have too.
        self.size = self.own_size

    @property
    def object_count(self) -> int:
        """The number of objects."""
        return len(self.slots) + (len(self.group.slots) if self.group else 0)
