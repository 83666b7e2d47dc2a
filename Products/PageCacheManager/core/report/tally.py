"""Counts what became of requests, exactly, by word and by reason."""
import threading
from collections import Counter


#: Of more counters than this the first word of a detail stands for all of
#: it, since details may hold names that a client chose; of twice as many no
#: new detail is counted by itself.
MAX_COUNTERS = 500

#: The same for details of more characters.
MAX_LENGTH = 200


class Tally:
    """Counters of one cache since the process started, or since a reset."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._of_policies: Counter[tuple[str, str, str]] = Counter()

    def add(self, word: str, detail: str = '', policy: str = '') -> None:
        """Count one event: `word` is what happened, `detail` why.

        `policy` is the id of the caching policy that decided, '' for none.
        """
        with self._lock:
            if (word, detail) not in self._counts:
                detail = self._bounded(word, detail)
            self._counts[word, detail] += 1
            if policy:
                counted = policy, word, detail if word == 'MISS' else ''
                if (counted in self._of_policies
                        or len(self._of_policies) < MAX_COUNTERS):
                    self._of_policies[counted] += 1

    def _bounded(self, word: str, detail: str) -> str:
        """Return what to count a new detail as."""
        if len(detail) <= MAX_LENGTH and len(self._counts) < MAX_COUNTERS:
            return detail
        first = detail.partition(' ')[0]
        if (word, first) in self._counts or (
                len(first) <= MAX_LENGTH
                and len(self._counts) < 2 * MAX_COUNTERS):
            return first
        return ''

    def counts(self) -> dict[tuple[str, str], int]:
        """Return all counts of one moment."""
        with self._lock:
            return dict(self._counts)

    def of_policies(self) -> dict[tuple[str, str, str], int]:
        """Return the counts of policies: by id, word, and detail of a MISS."""
        with self._lock:
            return dict(self._of_policies)
