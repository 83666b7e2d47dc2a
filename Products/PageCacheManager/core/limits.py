"""Limits the rate of actions."""
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Hashable


#: Maximum number of causes.  Beyond it the cause that was logged longest ago
#: is forgotten.
MAX_CAUSES = 200


class Rate:
    """Counts the actions of each minute; any thread may call."""

    def __init__(
            self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._minute = 0
        self._in_minute = 0

    def allows(self, per_minute: int) -> bool:
        """Return whether one more action is allowed now, and count it."""
        with self._lock:
            minute = int(self._clock() // 60)
            if minute != self._minute:
                self._minute, self._in_minute = minute, 0
            self._in_minute += 1
            return self._in_minute <= per_minute


class LogLimit:
    """Lets the same cause be logged once in `secs` seconds.

    So a log stays readable if the same failure happens at each request.
    """

    def __init__(
            self, secs: float,
            clock: Callable[[], float] = time.monotonic) -> None:
        self._secs = secs
        self._clock = clock
        self._lock = threading.Lock()
        self._logged: OrderedDict[Hashable, float] = OrderedDict()

    def is_due(self, cause: Hashable) -> bool:
        """Return whether to log `cause` now, and note it if so."""
        now = self._clock()
        with self._lock:
            if now - self._logged.get(cause, -self._secs) < self._secs:
                return False
            self._logged.pop(cause, None)
            self._logged[cause] = now
            if len(self._logged) > MAX_CAUSES:
                self._logged.popitem(last=False)
            return True

    def forget(self) -> None:
        """Forget all causes."""
        with self._lock:
            self._logged.clear()
