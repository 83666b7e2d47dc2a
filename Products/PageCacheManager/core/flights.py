"""One request renders a page, and the others wait for it.

The first request for a missing page leads its flight.  Requests that come
while it renders wait for the page.  Each wait has a time limit.  No waiting
request holds the lock that a hit needs, and no leading request ever waits.
"""
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Hashable

from .page import Page


#: If a page could not be stored, no request waits for it during this time.
REFUSAL_SECS = 30.0

#: If a page landed within this time, a request that leads a flight for it may
#: have looked into the store before the landing.  It should look again.
LANDED_SECS = 2.0

#: Maximum number of refusals and landings that are remembered.
MAX_REMEMBERED = 1000


class Flight:
    """The right, and the duty, to render one page.

    `land` and `refuse` end the flight.  `abandon` passes it on to a waiting
    request; it ends the flight if no request waits, or if the flight was
    passed on before.  After the end all three have no effect.
    """

    def __init__(self, flights: 'Flights', key: Hashable) -> None:
        self._flights = flights
        self.key = key
        self.news = threading.Condition(flights.lock)
        self.led = True
        self.over = False
        self.was_passed_on = False
        #: The page landed a moment ago: the store may have it by now.
        self.follows_landing = False
        self.page: Page | None = None
        self.waiting = 0

    def land(self, page: Page) -> None:
        """Give `page` to all waiting requests."""
        self._flights._finish(self, page)

    def refuse(self, reason: str = '') -> None:
        """Let all waiting requests, and all requests that come soon, render.

        `reason` is the reason for not storing the page.
        """
        self._flights._finish(self, None, reason)

    def abandon(self, reason: str = '') -> None:
        """Let one of the waiting requests render instead.

        `reason` is given if this render is for one visitor alone.
        """
        self._flights._abandon(self, reason)


class Flights:
    """The flights of one cache.  Every method may be called by any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.lock = threading.Lock()
        self._clock = clock
        self._flights: dict[Hashable, Flight] = {}
        # Keyed by hash to save memory.  On a collision a request renders once
        # without need.
        self._refused: OrderedDict[int, float] = OrderedDict()
        self._landed: OrderedDict[int, float] = OrderedDict()
        #: The reason, and the number of refusals in a row for it.
        self._reasons: OrderedDict[int, tuple[str, int]] = OrderedDict()
        #: Number of requests that wait now.
        self.waiting = 0

    def refusal(self, key: Hashable) -> str:
        """Return the reason if a page was refused twice in a row, else ''.

        Only recent refusals count.
        """
        with self.lock:
            reason, times = self._reasons.get(hash(key), ('', 0))
            is_refused = self._refused.get(hash(key), 0.0) > self._clock()
            return reason if times > 1 and is_refused else ''

    def note_refusal(self, key: Hashable, reason: str) -> None:
        """Remember the refusal of a page that no request waits for."""
        with self.lock:
            self._note_reason(key, reason)

    def last_refusal(self, key: Hashable) -> str:
        """Return the reason if the last render was refused, '' if unknown.
        """
        return self._reasons.get(hash(key), ('', 0))[0]

    def board(
            self,
            key: Hashable,
            wait_secs: float,
            max_waiting: int) -> Flight | Page | None:
        """Return a flight to lead, the page of another flight, or None.

        None means: render without a flight.  Waits at most `wait_secs`
        seconds, and not at all while `max_waiting` other requests wait.
        """
        with self.lock:
            for table in self._landed, self._refused:
                if table:
                    self._forget_old(table)
            if hash(key) in self._refused:
                return None
            flight = self._flights.get(key)
            if flight is None:
                flight = self._flights[key] = Flight(self, key)
                flight.follows_landing = hash(key) in self._landed
                return flight
            if not flight.led:
                flight.led = True
                return flight
            if wait_secs <= 0 or self.waiting >= max_waiting:
                return None
            return self._wait(flight, self._clock() + wait_secs)

    def _wait(self, flight: Flight, deadline: float) -> Flight | Page | None:
        self.waiting += 1
        flight.waiting += 1
        try:
            while flight.led and not flight.over:
                left = deadline - self._clock()
                if left <= 0:
                    return None
                flight.news.wait(left)
        finally:
            self.waiting -= 1
            flight.waiting -= 1
        if flight.over:
            return flight.page
        flight.led = True
        return flight

    def _finish(
            self, flight: Flight, page: Page | None,
            reason: str = '') -> None:
        with self.lock:
            if not flight.over:
                self._end(flight, page)
                if reason or self._reasons:
                    self._note_reason(flight.key, reason)

    def _note_reason(self, key: Hashable, reason: str) -> None:
        before, times = self._reasons.pop(hash(key), ('', 0))
        if reason:
            again = times + 1 if reason == before else 1
            self._reasons[hash(key)] = reason, again
        if len(self._reasons) > MAX_REMEMBERED:
            self._reasons.popitem(last=False)

    def _end(self, flight: Flight, page: Page | None) -> None:
        flight.over = True
        flight.page = page
        self._flights.pop(flight.key, None)
        table, secs = (self._refused, REFUSAL_SECS) if page is None else (
            self._landed, LANDED_SECS)
        table.pop(hash(flight.key), None)
        table[hash(flight.key)] = self._clock() + secs
        self._forget_old(table)
        flight.news.notify_all()

    def _abandon(self, flight: Flight, reason: str) -> None:
        with self.lock:
            if flight.over:
                return
            if reason:
                self._note_reason(flight.key, reason)
            if flight.waiting and flight.was_passed_on:
                self._end(flight, None)
                return
            flight.led = False
            flight.was_passed_on = True
            if flight.waiting:
                flight.news.notify()
            else:
                flight.over = True
                self._flights.pop(flight.key, None)

    def _forget_old(self, table: OrderedDict[int, float]) -> None:
        now = self._clock()
        while table:
            until = next(iter(table.values()))
            if until > now and len(table) <= MAX_REMEMBERED:
                return
            table.popitem(last=False)

    def forget(self) -> None:
        """Forget landings, and refusals with their reasons."""
        with self.lock:
            self._landed.clear()
            self._refused.clear()
            self._reasons.clear()
