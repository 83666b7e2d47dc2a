"""The pages that are asked for most.

Counted as J. Misra and D. Gries do it ("Finding repeated elements", Science
of Computer Programming 2, 1982): a table of n names has each one that is more
than one in n + 1 of all.
"""
import threading
import time
from collections.abc import Callable
from collections.abc import Hashable
from heapq import nlargest
from typing import Any


#: All counts are halved so often: what was hot yesterday is not hot today.
HALF_LIFE_SECS = 3600


class HotPages:
    """A bounded table of names, each with its count and what belongs to it.

    Any thread may call any method.
    """

    def __init__(
            self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[Hashable, int] = {}
        self._known: dict[Hashable, Any] = {}
        self._worn: set[Hashable] = set()
        self._halved_at = clock()

    def count(
            self, name: Hashable, limit: int,
            make: Callable[[], Any]) -> None:
        """Count one hit of `name`.

        Of a name that is new, and finds room in a table of `limit`, `make`
        gives what to keep, None for a name that is not to be kept; of one that
        was worn out it gives that anew.
        """
        with self._lock:
            self._cool()
            if name in self._counts:
                self._counts[name] += 1
                if name in self._worn:
                    self._worn.discard(name)
                    self._known[name] = make() or self._known[name]
                return
            if len(self._counts) >= limit:
                self._lower(lambda count: count - 1)
                return
            known = make()
            if known is not None:
                self._counts[name], self._known[name] = 1, known

    def _cool(self) -> None:
        if self._clock() - self._halved_at >= HALF_LIFE_SECS:
            self._lower(lambda count: count // 2)
            self._halved_at = self._clock()

    def _lower(self, lowered: Callable[[int], int]) -> None:
        counts = {
            name: lowered(count) for name, count in self._counts.items()}
        self._counts = {
            name: count for name, count in counts.items() if count > 0}
        self._known = {name: self._known[name] for name in self._counts}
        self._worn &= self._counts.keys()

    def hottest(self, limit: int) -> list[Any]:
        """Return what is known of up to `limit` names, the hottest first."""
        with self._lock:
            self._cool()
            return [self._known[name] for name in nlargest(
                limit, self._counts, self._counts.__getitem__)]

    def wear_out(self, name: Hashable) -> None:
        """Have the next hit of a name give anew what belongs to it."""
        with self._lock:
            if name in self._counts:
                self._worn.add(name)

    def forget(self, name: Hashable) -> None:
        """Forget a name."""
        with self._lock:
            self._worn.discard(name)
            self._counts.pop(name, None)
            self._known.pop(name, None)

    def clear(self) -> None:
        """Forget all names."""
        with self._lock:
            self._counts.clear()
            self._known.clear()
            self._worn.clear()
