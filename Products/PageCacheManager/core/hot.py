"""The pages that are requested most.

Pages are counted by the algorithm of J. Misra and D. Gries ("Finding repeated
elements", Science of Computer Programming 2, 1982): a table of n names has
each name that gets more than one in n + 1 of all hits.
"""
import threading
import time
from collections.abc import Callable
from collections.abc import Hashable
from dataclasses import dataclass
from heapq import nlargest
from operator import attrgetter
from typing import Any

from .limits import Rate


#: All counts are halved after this time, so that old hits count less.
HALF_LIFE_SECS = 3600


@dataclass(slots=True)
class _Counted:
    """The count of one name, and its data."""

    known: Any
    count: int = 1
    #: Whether the next hit must renew the data.
    is_worn: bool = False


class HotPages:
    """A bounded table of names, each with its count and its data.

    Any thread may call any method.
    """

    def __init__(
            self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counted: dict[Hashable, _Counted] = {}
        self._halved_at = clock()
        #: The rate of their renders.
        self.rate = Rate(clock)

    def count(
            self, name: Hashable, limit: int,
            make: Callable[[], Any]) -> None:
        """Count one hit of `name`.

        The table has room for `limit` names.  If there is room for a new name,
        `make` returns its data, or None if the name must not be kept.  `make`
        also renews the data of a name that was worn out.
        """
        with self._lock:
            self._cool()
            one = self._counted.get(name)
            if one is not None:
                one.count += 1
                if one.is_worn:
                    one.is_worn, one.known = False, make() or one.known
            elif len(self._counted) >= limit:
                self._lower(lambda count: count - 1)
            else:
                known = make()
                if known is not None:
                    self._counted[name] = _Counted(known)

    def _cool(self) -> None:
        if self._clock() - self._halved_at >= HALF_LIFE_SECS:
            self._lower(lambda count: count // 2)
            self._halved_at = self._clock()

    def _lower(self, lowered: Callable[[int], int]) -> None:
        for name, one in list(self._counted.items()):
            one.count = lowered(one.count)
            if one.count <= 0:
                del self._counted[name]

    def hottest(self, limit: int) -> list[Any]:
        """Return the data of up to `limit` names, the hottest first."""
        with self._lock:
            self._cool()
            return [one.known for one in nlargest(
                limit, self._counted.values(), attrgetter('count'))]

    def wear_out(self, name: Hashable) -> None:
        """Let the next hit of a name renew its data."""
        with self._lock:
            if name in self._counted:
                self._counted[name].is_worn = True

    def forget(self, name: Hashable) -> None:
        """Forget a name."""
        with self._lock:
            self._counted.pop(name, None)

    def clear(self) -> None:
        """Forget all names."""
        with self._lock:
            self._counted.clear()
