"""Expiry: pages that are too old are found at a look-up, and by a sweep.

Callers hold the store's lock.
"""
import math

from .bounds import Bounds
from .entries import Contents
from .tables import NONE


#: Number of entries that one operation checks for expiry.
SWEEP = 32


def is_too_old(
        created: float, now: float, *limits: int) -> bool:
    """Return whether a page is older than one of `limits`.

    They are in seconds; 0 is no limit.  If `created` is in the future, the
    clock went back: the true age is unknown, but no page stays forever.
    """
    age = abs(now - created)
    for limit in limits:
        if limit and age > limit:
            return True
    return False


class Expiry:
    """The position of the sweep, and the count of expired entries."""

    def __init__(self, bounds: Bounds, now: float) -> None:
        self.expirations = 0
        #: The next entry of the sweep, NONE between two sweeps.
        self._at = NONE
        self.restart(bounds)
        if bounds.max_age_secs:
            self.rests_from = now
            self.rests_until = now + bounds.cleanup_interval_secs

    def expire(self, contents: Contents, number: int) -> None:
        contents.drop(number)
        self.expirations += 1

    def sweep(self, contents: Contents, bounds: Bounds, now: float) -> None:
        """Check a few entries, and drop the expired ones.

        Call it only at times when the sweep does not rest.
        """
        created = contents.created
        start = self._at
        if not start:
            self.rests_from = self.rests_until = now
            start = NONE + 1
        end = min(start + SWEEP, len(created))
        oldest = now - bounds.max_age_secs
        if min(created[start:end], default=now) < oldest:
            for number in range(start, end):
                if created[number] < oldest:
                    self.expire(contents, number)
        self._at = end
        if end >= len(created):
            self.stop(bounds)

    def stop(self, bounds: Bounds) -> None:
        """End a running sweep, and let it rest."""
        if self._at:
            self._at = NONE
            self.rests_until = (
                self.rests_from + bounds.cleanup_interval_secs)

    def restart(self, bounds: Bounds) -> None:
        """Begin a new sweep at the next call: the bounds have changed."""
        self._at = NONE
        #: The sweep rests between these times.  A time before the first one
        #: means that the clock went back.
        self.rests_from = -math.inf
        self.rests_until = -math.inf if bounds.max_age_secs else math.inf
