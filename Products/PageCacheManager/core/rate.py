"""Limits how often something is done."""
import threading
import time
from collections.abc import Callable


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
