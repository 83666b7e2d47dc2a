"""Requests by minute and by hour, from notes of sums.

A minute costs one note of the sums before it, for any number of requests.
"""
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple


#: Number of minutes and hours that are kept; the current one is the last.
MINUTES = 60
HOURS = 24


class Sums(NamedTuple):
    """Numbers of requests."""

    hits: int = 0
    misses: int = 0
    #: Without an ETag, bypassed, or off.
    others: int = 0

    @property
    def requests(self) -> int:
        """The number of all requests."""
        return self.hits + self.misses + self.others


class Span(NamedTuple):
    """The requests of a minute or an hour."""

    #: Seconds from its beginning until now.
    ago: float
    sums: Sums


class Timeline:
    """The sums before each minute, and before each hour.

    It has no lock, because the caller has one.  Minutes are numbered by a
    clock that never goes back.
    """

    def __init__(self) -> None:
        #: The newest minute that has begun.
        self.minute = -1
        self._minutes: deque[tuple[int, Sums]] = deque(maxlen=MINUTES)
        self._hours: deque[tuple[int, Sums]] = deque(maxlen=HOURS)

    def begin(self, minute: int, sums: Iterable[int]) -> None:
        """Note the sums before the first request of a minute."""
        before = Sums(*sums)
        if minute // 60 > self.minute // 60:
            self._hours.append((minute // 60, before))
        self._minutes.append((minute, before))
        self.minute = minute

    def minutes(self, now: float, sums: Sums) -> list[Span]:
        """Return the last minutes, the oldest first.

        `now` is in seconds of the clock, `sums` are the current sums.
        """
        return _spans(self._minutes, now, 60, MINUTES, sums)

    def hours(self, now: float, sums: Sums) -> list[Span]:
        """Return the last hours, the oldest first."""
        return _spans(self._hours, now, 3600, HOURS, sums)


def _spans(
        notes: deque[tuple[int, Sums]], now: float, secs: int, count: int,
        sums: Sums) -> list[Span]:
    found: dict[int, Sums] = {}
    for number, before in reversed(notes):
        found[number] = Sums(*(
            end - begin for end, begin in zip(sums, before, strict=True)))
        sums = before
    newest = int(now // secs)
    return [
        Span(now - number * secs, found.get(number, Sums()))
        for number in range(newest - count + 1, newest + 1)]
