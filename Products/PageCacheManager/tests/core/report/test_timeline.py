"""Requests by minute and hour: exact and bounded, even if the clock jumps."""
import threading

import pytest

from Products.PageCacheManager.core.report.tally import MAX_LENGTH
from Products.PageCacheManager.core.report.tally import MAX_TEMPLATES
from Products.PageCacheManager.core.report.tally import Tally
from Products.PageCacheManager.core.report.tally import Times
from Products.PageCacheManager.core.report.timeline import HOURS
from Products.PageCacheManager.core.report.timeline import MINUTES
from Products.PageCacheManager.core.report.timeline import Sums


class Clock:
    """Gives the time that a test sets, in seconds."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock(5000)


@pytest.fixture
def wall():
    # a full hour, while the other clock is in the middle of a minute
    return Clock(3600 * 400_000)


@pytest.fixture
def tally(clock, wall):
    return Tally(clock, wall)


def counted(spans):
    """Return the sums of spans with requests, by place from the newest."""
    return {
        place: span.sums for place, span in enumerate(reversed(spans))
        if span.sums.requests}


def test_nothing_at_first(tally):
    assert len(tally.minutes()) == MINUTES
    assert len(tally.hours()) == HOURS
    assert counted(tally.minutes()) == counted(tally.hours()) == {}


def test_kinds_are_counted_apart(tally):
    for word in ('HIT', 'HIT', 'MISS', 'NO-ETAG', 'BYPASS', 'OFF', 'FAILED',
                 'ERROR', 'AUDIT'):
        tally.add(word)
    assert counted(tally.minutes()) == {0: Sums(2, 1, 3)}
    assert counted(tally.hours()) == {0: Sums(2, 1, 3)}


def test_minutes_and_hours_without_requests_stay_empty(tally, clock):
    tally.add('HIT')
    clock.now += 59.9
    tally.add('HIT')
    clock.now += 0.2
    tally.add('MISS')
    clock.now += 180
    assert counted(tally.minutes()) == {4: Sums(hits=2), 3: Sums(misses=1)}
    tally.add('OFF')
    clock.now += 3600
    assert counted(tally.minutes()) == {}
    assert counted(tally.hours()) == {1: Sums(2, 1, 1)}


def test_minutes_begin_with_those_of_the_wall_clock(tally, clock):
    clock.now += 3600 + 61
    assert tally.minutes()[-1].ago == pytest.approx(1)
    assert tally.hours()[-1].ago == pytest.approx(61)
    assert tally.minutes()[0].ago == pytest.approx(59 * 60 + 1)


def test_days_of_requests_take_no_more_room(tally, clock):
    for _ in range(3 * 24 * 60):
        tally.add('HIT')
        clock.now += 60
    clock.now -= 1  # still in the last minute
    assert [span.sums.hits for span in tally.minutes()] == [1] * MINUTES
    assert [span.sums.hits for span in tally.hours()] == [60] * HOURS
    assert len(tally._timeline._minutes) == MINUTES
    assert len(tally._timeline._hours) == HOURS


@pytest.mark.parametrize('change', [-86_400, 86_400, -1e9])
def test_a_wall_clock_that_is_set_changes_nothing(tally, clock, wall, change):
    tally.add('HIT')
    wall.now += change
    tally.add('HIT')
    clock.now += 60
    tally.add('MISS')
    assert counted(tally.minutes()) == {1: Sums(hits=2), 0: Sums(misses=1)}


def test_a_clock_that_goes_back_loses_no_request(tally, clock):
    tally.add('HIT')
    clock.now -= 600
    tally.add('HIT')
    clock.now += 600
    assert counted(tally.minutes()) == {0: Sums(hits=2)}


def test_reset(tally, clock):
    tally.add('HIT', '', 'policy', '/page', 1.0)
    clock.now += 60
    tally.reset()
    assert counted(tally.minutes()) == counted(tally.hours()) == {}
    assert tally.counts() == tally.of_policies() == tally.times() == {}
    tally.add('MISS')
    clock.now += 60
    assert counted(tally.minutes()) == {1: Sums(misses=1)}


def test_threads_lose_no_request(tally, clock):
    start = threading.Barrier(4)

    def count():
        start.wait(10)
        for _ in range(3000):
            tally.add('HIT', '', '', '/page', 0.5)
            clock.now += 0.1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sum(span.sums.hits for span in tally.minutes()) == 12_000
    assert sum(span.sums.hits for span in tally.hours()) == 12_000
    assert tally.times() == {'/page': Times(0, 0.0, 12_000, 6000.0)}


def test_times_of_templates(tally):
    tally.add('MISS', '', '', '/a', 2.0)
    tally.add('MISS', '', '', '/a', 4.0)
    tally.add('HIT', '', '', '/a', 0.5)
    tally.add('HIT', '', '', '/a')  # not measured
    tally.add('BYPASS', 'x', '', '/a', 9.0)
    tally.add('MISS', '', '', '/b', 1.0)
    assert tally.times() == {
        '/a': Times(2, 6.0, 1, 0.5), '/b': Times(1, 1.0, 0, 0.0)}


def test_times_of_so_many_templates_and_no_more(tally):
    for number in range(MAX_TEMPLATES + 5):
        tally.add('MISS', '', '', f'/{number}', 1.0)
    tally.add('HIT', '', '', '/0', 1.0)
    assert len(tally.times()) == MAX_TEMPLATES
    assert tally.times()['/0'].hits == 1


def test_times_of_no_long_path(tally):
    tally.add('MISS', '', '', 'x' * (MAX_LENGTH + 1), 1.0)
    assert tally.times() == {}
