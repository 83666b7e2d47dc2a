"""Limits how often something is done."""
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Hashable


#: Of more causes than this those are forgotten that were logged longest ago.
MAX_CAUSES = 200


class Rate:
    """Counts what is done in each minute; any thread may call."""

    def __init__(
            self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._minute = 0
        self._in_minute = 0

    def allows(self, per_minute: int) -> bool:
        """Return whether it may be done once more, and count it if so."""
        with self._lock:
            minute = int(self._clock() // 60)
            if minute != self._minute:
                self._minute, self._in_minute = minute, 0
            self._in_minute += 1
            return self._in_minute <= per_minute


class LogLimit:
    """Lets the same cause be logged once in `secs` seconds.

    So a log stays readable where the same thing fails at each request.
    """

    def __init__(
            self, secs: float,
            clock: Callable[[], float] = time.monotonic) -> None:
        self._secs = secs
        self._clock = clock
        self._lock = threading.Lock()
        self._logged: OrderedDict[Hashable, float] = OrderedDict()

    def is_due(self, cause: Hashable) -> bool:
        """Return whether `cause` is to be logged now, and note it if so."""
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
        """Forget what was logged."""
        with self._lock:
            self._logged.clear()
