"""What is too old: found when it is asked for, and by a sweep over all.

Whoever uses it holds the store's lock.
"""
import math

from .bounds import Bounds
from .entries import Contents
from .tables import NONE


#: How many entries one operation looks at in search of expired ones.
SWEEP = 32


def is_too_old(
        created: float, now: float, *limits: int) -> bool:
    """Return whether a page is older than one of `limits`.

    They are in seconds; 0 is no limit.  Created in the future means that the
    clock went back: the true age is unknown, but no page is kept forever.
    """
    age = abs(now - created)
    return any(limit and age > limit for limit in limits)


class Expiry:
    """How far the sweep is, and how many entries went by their age."""

    def __init__(self, now: float) -> None:
        self.expirations = 0
        self._began = now
        #: The entry that the sweep goes on with, NONE between two sweeps.
        self._at = NONE

    def expire(self, contents: Contents, number: int) -> None:
        contents.drop(number)
        self.expirations += 1

    def sweep(self, contents: Contents, bounds: Bounds, now: float) -> None:
        """Look for expired entries, a few of them at each call."""
        created = contents.created
        start = self._at
        if not start:
            if not self._is_due(bounds, now):
                return
            self._began = now
            start = NONE + 1
        end = min(start + SWEEP, len(created))
        oldest = now - bounds.max_age_secs
        if min(created[start:end], default=now) < oldest:
            for number in range(start, end):
                if created[number] < oldest:
                    self.expire(contents, number)
        self._at = end if end < len(created) else NONE

    def stop(self) -> None:
        """End the sweep: what it went over is there no more."""
        self._at = NONE

    def restart(self) -> None:
        """Begin anew at the next call: the bounds have changed."""
        self._began = -math.inf
        self._at = NONE

    def _is_due(self, bounds: Bounds, now: float) -> bool:
        if not bounds.max_age_secs:
            return False
        # A negative time means that the clock went back.
        passed = now - self._began
        return not 0 <= passed < bounds.cleanup_interval_secs
