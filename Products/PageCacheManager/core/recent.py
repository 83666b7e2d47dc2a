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


class RecentAnswers:
    """A bounded table; every method may be called by any thread."""

    def __init__(self, max_entries: int = 1000) -> None:
        self._max_entries = max_entries
        self._lock = threading.Lock()
        self._found: dict[tuple[Any, ...], tuple[Question, Any]] = {}

    def get(self, question: Question, late_secs: float) -> Any:
        """Return the answer to the same question, None if there is none.

        It is of the same snapshots, and not older than `late_secs`.
        """
        found = self._found.get(question.asked)
        if found is None:
            return None
        before, answer = found
        if (before.snapshots.items() <= question.snapshots.items()
                and 0 <= question.time - before.time < late_secs):
            return answer
        return None

    def put(self, question: Question, answer: Any) -> None:
        """Keep an answer; the oldest ones go where there are too many."""
        with self._lock:
            self._found.pop(question.asked, None)
            self._found[question.asked] = question, answer
            while len(self._found) > self._max_entries:
                del self._found[next(iter(self._found))]
