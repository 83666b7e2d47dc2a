"""Answers of the last moments, for requests that are the same."""
import threading
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple


class Question(NamedTuple):
    """What was asked, and when."""

    #: All of the request that the answer may depend on; hashable.
    asked: tuple[Any, ...]
    #: The snapshot of each database that the request reads.
    snapshots: Mapping[str, Any]
    #: Seconds since 1970.
    time: float
    #: If-None-Match and If-Modified-Since (RFC 9110 13.1), None where absent.
    #: They decide how the answer is sent.
    conditions: tuple[str | None, str | None] = (None, None)


class RecentAnswers:
    """A bounded table; every method may be called by any thread."""

    def __init__(
            self, max_entries: int = 1000,
            max_bytes: int = 8 << 20) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        #: All of them; to see that there is none calls nothing.
        self.found: dict[tuple[Any, ...], tuple[Question, Any, float, int]]
        self.found = {}
        self._bytes = 0

    def get(self, question: Question) -> tuple[Question, Any] | None:
        """Return the same question of before and its answer, or None.

        It is not older than it may be, but may be of other snapshots.
        """
        found = self.found.get(question.asked)
        if found is None or not (
                0 <= question.time - found[0].time < found[2]):
            return None
        return found[:2]

    def put(
            self, question: Question, answer: Any, late_secs: float,
            size: int) -> None:
        """Keep an answer of `size` bytes, with its question, for `late_secs`.

        The oldest ones go where there are too many.
        """
        with self._lock:
            self._drop(question.asked)
            self.found[question.asked] = question, answer, late_secs, size
            self._bytes += size
            while (len(self.found) > self._max_entries
                    or self._bytes > self._max_bytes):
                self._drop(next(iter(self.found)))

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self.found.clear()
            self._bytes = 0

    def _drop(self, asked: tuple[Any, ...]) -> None:
        found = self.found.pop(asked, None)
        if found is not None:
            self._bytes -= found[3]
