"""Exact counts of the outcomes of requests, by word and by reason."""
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from .timeline import Span
from .timeline import Sums
from .timeline import Timeline


#: Beyond this number of counters, a new detail counts under its first word,
#: because details may hold names that a client chose.  Beyond twice this
#: number, no new detail gets a counter of its own.
MAX_COUNTERS = 500

#: A detail of more characters counts under its first word, too.
MAX_LENGTH = 200

#: Maximum number of templates and views with times.  Their paths must not be
#: longer than `MAX_LENGTH`.
MAX_TEMPLATES = 200

#: The position in `Sums` for each word; other words are no requests.
_SUMS = {'HIT': 0, 'MISS': 1, 'NO-ETAG': 2, 'BYPASS': 2, 'OFF': 2}


class Times(NamedTuple):
    """Number and time of the requests for a template or view."""

    renders: int
    render_secs: float
    hits: int
    hit_secs: float


class Tally:
    """Counters of one cache since the process started, or since a reset."""

    def __init__(
            self, clock: Callable[[], float] = time.monotonic,
            wall_clock: Callable[[], float] = time.time) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._wall_clock = wall_clock
        self.reset()

    def reset(self) -> None:
        """Set all counters to zero."""
        with self._lock:
            self._counts: Counter[tuple[str, str]] = Counter()
            self._of_policies: Counter[tuple[str, str, str]] = Counter()
            # hits, misses, others: as in `Sums`
            self._sums = [0, 0, 0]
            # renders, their seconds, hits, their seconds: as in `Times`
            self._times: dict[str, list[float]] = {}
            self._timeline = Timeline()
            # minutes begin as on the wall clock, which may be set back later
            self._offset = self._wall_clock() - self._clock()

    def add(
            self, word: str, detail: str = '', policy: str = '',
            template: str = '', secs: float = 0.0) -> None:
        """Count one event: `word` is the outcome, `detail` the reason.

        `policy` is the id of the caching policy that decided, '' for none.
        `secs` is the time for the page of a template or view, 0 if unknown.
        A Python function is called only once a minute, and for a new detail.
        """
        with self._lock:
            minute = int((self._clock() + self._offset) // 60)
            if minute > self._timeline.minute:
                self._timeline.begin(minute, self._sums)
            if word in _SUMS:
                self._sums[_SUMS[word]] += 1
            if secs and word in ('HIT', 'MISS') and (
                    template in self._times
                    or len(self._times) < MAX_TEMPLATES
                    and len(template) <= MAX_LENGTH):
                times = self._times.setdefault(template, [0, 0.0, 0, 0.0])
                place = 0 if word == 'MISS' else 2
                times[place] += 1
                times[place + 1] += secs
            if (word, detail) not in self._counts:
                detail = self._bounded(word, detail)
            self._counts[word, detail] += 1
            if policy and word in _SUMS:
                counted = policy, word, detail if word == 'MISS' else ''
                if (counted in self._of_policies
                        or len(self._of_policies) < MAX_COUNTERS):
                    self._of_policies[counted] += 1

    def _bounded(self, word: str, detail: str) -> str:
        """Return the name under which a new detail counts."""
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

    def minutes(self) -> list[Span]:
        """Return the requests of the last hour, by minute."""
        with self._lock:
            return self._timeline.minutes(
                self._clock() + self._offset, Sums(*self._sums))

    def hours(self) -> list[Span]:
        """Return the requests of the last day, by hour."""
        with self._lock:
            return self._timeline.hours(
                self._clock() + self._offset, Sums(*self._sums))

    def times(self) -> dict[str, Times]:
        """Return number and time of requests, by the path of the template."""
        with self._lock:
            return {
                template: Times(int(renders), render_secs, int(hits), hit_secs)
                for template, (renders, render_secs, hits, hit_secs)
                in self._times.items()}
