"""Recent answers, for requests that are the same."""
import threading
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple


class Fingerprint(NamedTuple):
    """All parts of a request that may change its answer, and its time."""

    #: The parts that must be equal; hashable.
    parts: tuple[Any, ...]
    #: The snapshot of each database that the request reads.
    snapshots: Mapping[str, Any]
    #: Seconds since 1970.
    time: float
    #: If-None-Match and If-Modified-Since (RFC 9110 13.1), None if absent.
    #: They decide whether the answer is a page or a 304.
    conditions: tuple[str | None, str | None] = (None, None)


#: Hashes of requests; the oldest is forgotten first.
MAX_SEEN = 2000


class RecentAnswers:
    """A bounded table; every method may be called by any thread."""

    def __init__(
            self, max_entries: int = 1000,
            max_bytes: int = 8 << 20) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self.lock = threading.Lock()
        #: All answers.  It is public, because a check for an empty table must
        #: not cost a call of a function.
        self.table: dict[tuple[Any, ...], tuple[Fingerprint, Any, float, int]]
        self.table = {}
        self._bytes = 0
        #: The times of recent requests by hashes of their parts, the oldest
        #: first.  Callers hold `lock`.
        self.seen: dict[int, float] = {}

    def get(self, fingerprint: Fingerprint) -> tuple[Fingerprint, Any] | None:
        """Return an earlier equal fingerprint with its answer, or None.

        It is not too old, but its snapshots may differ.
        """
        found = self.table.get(fingerprint.parts)
        if found is None or not (
                0 <= fingerprint.time - found[0].time < found[2]):
            return None
        return found[:2]

    def put(
            self, fingerprint: Fingerprint, answer: Any, late_secs: float,
            size: int) -> None:
        """Keep an answer for `late_secs`.

        It takes `size` bytes with its fingerprint.  The oldest answers are
        dropped if there are too many.
        """
        with self.lock:
            self._drop(fingerprint.parts)
            self.table[fingerprint.parts] = (
                fingerprint, answer, late_secs, size)
            self._bytes += size
            while (len(self.table) > self._max_entries
                    or self._bytes > self._max_bytes):
                self._drop(next(iter(self.table)))

    def clear(self) -> None:
        """Forget all answers, and the requests that were seen."""
        with self.lock:
            self.table.clear()
            self.seen.clear()
            self._bytes = 0

    def _drop(self, parts: tuple[Any, ...]) -> None:
        found = self.table.pop(parts, None)
        if found is not None:
            self._bytes -= found[3]
