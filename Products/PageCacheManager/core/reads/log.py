"""The last commits of one database.

The objects of a page enter the table only when the page is stored.  So changes
during the render are looked up here.
"""
import time
from collections import deque
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Set
from typing import NamedTuple


#: If a render takes longer, its page is not stored.
MAX_AGE_SECS = 600

#: Maximum number of oids in all commits together.  A commit with more oids is
#: not remembered at all.
MAX_OIDS = 200_000


class Heard(NamedTuple):
    """Commits that were received at once."""

    #: The transaction id of the last of them.
    tid: int
    oids: frozenset[bytes]
    #: Seconds of the clock.
    at: float


class Log:
    """The oids of the last commits; the caller holds a lock."""

    def __init__(
            self, tid: int, max_oids: int = MAX_OIDS,
            max_age_secs: float = MAX_AGE_SECS,
            clock: Callable[[], float] = time.monotonic) -> None:
        #: All commits after this transaction are in the log.
        self.since = tid
        #: The last transaction that was received.
        self.tid = tid
        self._max_oids = max_oids
        self._max_age_secs = max_age_secs
        self._clock = clock
        self._commits: deque[Heard] = deque()
        self._oids = 0

    def add(self, tid: int, oids: Collection[bytes]) -> None:
        """Note that `oids` were committed after `self.tid`, up to `tid`."""
        now = self._clock()
        if oids:
            self._commits.append(Heard(tid, frozenset(oids), now))
            self._oids += len(oids)
        self.tid = tid
        while self._commits and self._is_over(now):
            oldest = self._commits.popleft()
            self._oids -= len(oldest.oids)
            self.since = oldest.tid

    def reaches(self, tid: int) -> bool:
        """Return whether all commits after `tid` are in the log."""
        return self.since <= tid

    def changed_since(self, tid: int, oids: Set[bytes]) -> bytes | None:
        """Return one of `oids` that was committed after `tid`, or None.

        Commits that were received together count as the last of them.
        Cost: proportional to the number of commits after `tid`.
        """
        for heard in reversed(self._commits):
            if heard.tid <= tid:
                return None
            if not heard.oids.isdisjoint(oids):
                return min(heard.oids & oids)
        return None

    def _is_over(self, now: float) -> bool:
        return (
            self._oids > self._max_oids
            or now - self._commits[0].at > self._max_age_secs)
