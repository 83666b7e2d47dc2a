"""Finds the slots that pages have in common.

A new page is compared with the slots of some pages before it, and with the
groups that were found.  The largest group that the page has in whole is
taken.  Where the page has many more slots in common with another group or
page, these make a new group.
"""
from array import array
from collections import OrderedDict
from collections.abc import Callable

from .read_set import Group


#: Groups and pages to compare with; the one unused for longest goes first.
MAX_CANDIDATES = 12

#: A new group has to spare a page so many slots more than an old one.
MIN_GAIN = 32

#: One page in so many is remembered, to be compared with others.
LEARN_EVERY = 8

Members = frozenset[int]


class Groups:
    """Candidates for groups; is called with the table's lock held."""

    def __init__(self, make: Callable[['array[int]'], Group]) -> None:
        self._make = make
        #: None for the slots of a page.
        self._candidates: OrderedDict[Members, Group | None] = OrderedDict()
        self._pages = 0

    def split(self, slots: Members) -> tuple[Group | None, Members]:
        """Return the group of a page with `slots`, and the other slots.

        It costs by `slots` and MAX_CANDIDATES.
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
