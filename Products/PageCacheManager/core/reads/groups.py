"""Finds the slots that pages have in common.

A new page is compared with the slots of some earlier pages, and with the known
groups.  It gets the largest group that it contains completely.  If it has many
more slots in common with another group or page, these slots make a new group.
"""
from array import array
from collections import OrderedDict
from collections.abc import Callable

from .read_set import Group


#: Maximum number of groups and pages to compare with.  Beyond it the one that
#: was unused for the longest time is dropped.
MAX_CANDIDATES = 12

#: A new group must save a page this number of slots more than a known group.
MIN_GAIN = 32

#: Pages are remembered to be compared with others: each page without a group,
#: and one in this number of all pages.
LEARN_EVERY = 8

Members = frozenset[int]


class Groups:
    """Candidates for groups; the caller holds the table's lock."""

    def __init__(self, make: Callable[['array[int]'], Group]) -> None:
        self._make = make
        #: The group of these slots; None if they are the slots of a page.
        self._candidates: OrderedDict[Members, Group | None] = OrderedDict()
        self._pages = 0

    def split(self, slots: Members) -> tuple[Group | None, Members]:
        """Return the group of a page with `slots`, and the other slots.

        Cost: proportional to the number of slots, times MAX_CANDIDATES.
        """
        common: Members = frozenset()
        gain = 0
        for one, group in self._candidates.items():
            both = one & slots
            spared = len(both)
            if group is None or spared < len(one):
                spared -= MIN_GAIN
            if spared > gain:
                common, gain = both, spared
        found = self._group(common) if gain else None
        self._learn(slots, found)
        return found, slots - common

    def _group(self, common: Members) -> Group:
        group = self._candidates.get(common)
        if group is None:
            group = self._make(array('I', sorted(common)))
        group.pages += 1
        self._remember(common, group)
        return group

    def _learn(self, slots: Members, group: Group | None) -> None:
        self._pages += 1
        if group is None or self._pages % LEARN_EVERY == 0:
            if slots not in self._candidates:
                self._remember(slots, None)

    def _remember(self, members: Members, group: Group | None) -> None:
        self._candidates[members] = group
        self._candidates.move_to_end(members)
        while len(self._candidates) > MAX_CANDIDATES:
            self._candidates.popitem(last=False)
