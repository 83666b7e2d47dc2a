"""Counts what became of requests, exactly, by word and by reason."""
import threading
from collections import Counter


class Tally:
    """Counters of one cache since the process started, or since a reset."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, word: str, detail: str = '') -> None:
        """Count one event: `word` is what happened, `detail` why."""
        with self._lock:
            self._counts[word, detail] += 1

    def counts(self) -> dict[tuple[str, str], int]:
        """Return all counts of one moment."""
        with self._lock:
            return dict(self._counts)

    def total(self, word: str) -> int:
        """Return how often `word` happened, for whatever reason."""
        with self._lock:
            return sum(
                count for (what, _), count in self._counts.items()
                if what == word)
