"""One render per page: the leader, the waiting requests, their results.

The lock and the counter of waiting threads show whether a thread waits.  The
test sets the clock.  So no outcome depends on luck or on sleep.
"""
import threading

import pytest

from Products.PageCacheManager.core import flights as module
from Products.PageCacheManager.core.flights import LANDED_SECS
from Products.PageCacheManager.core.flights import MAX_REMEMBERED
from Products.PageCacheManager.core.flights import REFUSAL_SECS
from Products.PageCacheManager.core.flights import Flight
from Products.PageCacheManager.core.flights import Flights
from Products.PageCacheManager.core.page import Page


PAGE = Page(b'page', (), (), 1, 2.0)
OTHER_PAGE = Page(b'other', (), (), 1, 2.0)

#: Longer than any test that passes takes.
LONG_SECS = 60


class Clock:
    """A clock that only the test moves."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def flights(clock):
    return Flights(clock)


def board(flights, key='key', wait_secs=LONG_SECS, max_waiting=100):
    return flights.board(key, wait_secs, max_waiting)


class Boarding(threading.Thread):
    """A thread that boards; `result` is its result."""

    def __init__(self, flights, **options):
        super().__init__(daemon=True)
        self.arguments = flights, options
        self.result = 'nothing yet'
        self.start()

    def run(self):
        flights, options = self.arguments
        self.result = board(flights, **options)

    def given(self):
        self.join(LONG_SECS / 2)
        assert not self.is_alive(), 'still waits'
        return self.result


def until(condition):
    """Wait until other threads have got there."""
    pause = threading.Event()
    for _ in range(5000):
        if condition():
            return
        pause.wait(0.002)
    raise AssertionError('waited in vain')


def boardings(flights, count, **options):
    """Return `count` threads that wait now."""
    already = flights.waiting
    threads = [Boarding(flights, **options) for _ in range(count)]
    until(lambda: flights.waiting == already + count)
    return threads


def is_empty(flights):
    return flights.waiting == 0 and not flights._flights


# leading

def test_the_first_leads(flights):
    flight = board(flights)
    assert isinstance(flight, Flight)
    assert flight.key == 'key'
    assert flights.waiting == 0


def test_pages_are_led_apart(flights):
    first, second = board(flights, 'a'), board(flights, 'b')
    assert isinstance(first, Flight) and isinstance(second, Flight)
    assert first is not second


def test_those_who_wait_get_the_page(flights):
    flight = board(flights)
    threads = boardings(flights, 7)
    flight.land(PAGE)
    assert [thread.given() for thread in threads] == [PAGE] * 7
    assert is_empty(flights)


def test_those_who_wait_for_another_page_go_on_waiting(flights):
    first, second = board(flights, 'a'), board(flights, 'b')
    for_first, = boardings(flights, 1, key='a')
    for_second, = boardings(flights, 1, key='b')
    first.land(PAGE)
    assert for_first.given() is PAGE
    assert flights.waiting == 1 and for_second.is_alive()
    second.land(OTHER_PAGE)
    assert for_second.given() is OTHER_PAGE


@pytest.mark.parametrize('racers', [2, 8, 32])
def test_of_many_at_once_one_leads(flights, racers):
    start = threading.Barrier(racers)
    given = []

    def race():
        start.wait(LONG_SECS)
        mine = board(flights)
        if isinstance(mine, Flight):
            until(lambda: flights.waiting == racers - 1)
            mine.land(PAGE)
        given.append(mine)

    threads = [threading.Thread(target=race) for _ in range(racers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_SECS)
    assert sum(isinstance(mine, Flight) for mine in given) == 1
    assert given.count(PAGE) == racers - 1
    assert is_empty(flights)


def test_ending_a_flight_does_not_wait_for_those_who_wait(flights):
    flight = board(flights)
    threads = boardings(flights, 3)
    assert flight.land(PAGE) is None
    # the leader is back while the others may not even have woken up
    assert isinstance(board(flights, 'another'), Flight)
    assert [thread.given() for thread in threads] == [PAGE] * 3


def test_no_lock_is_held_while_others_wait(flights):
    flight = board(flights)
    threads = boardings(flights, 3)
    assert flights.lock.acquire(timeout=LONG_SECS)
    flights.lock.release()
    flight.refuse()
    assert [thread.given() for thread in threads] == [None] * 3


# abandoning

def test_abandon_hands_over_to_one_who_waits(flights):
    flight = board(flights)
    threads = boardings(flights, 5)
    flight.abandon()
    until(lambda: flights.waiting == 4)
    leader, = (thread for thread in threads if not thread.is_alive())
    assert isinstance(leader.given(), Flight)
    assert board(flights, wait_secs=0) is None, 'only one leads'
    leader.given().land(PAGE)
    others = [thread for thread in threads if thread is not leader]
    assert [thread.given() for thread in others] == [PAGE] * 4
    assert is_empty(flights)


def test_abandoned_twice_all_render_for_themselves(flights):
    """A request that waited for one failed render does not wait for a third.
    """
    mine = board(flights)
    threads = boardings(flights, 4)
    mine.abandon()
    until(lambda: flights.waiting == 3)
    leader, = (thread for thread in threads if not thread.is_alive())
    threads.remove(leader)
    leader.given().abandon()
    assert [thread.given() for thread in threads] == [None] * 3
    assert board(flights) is None
    assert is_empty(flights)


def test_abandon_with_nobody_there_is_forgotten(flights):
    board(flights).abandon()
    assert is_empty(flights)
    assert isinstance(board(flights), Flight)


def test_abandoned_is_not_refused(flights):
    flight = board(flights)
    flight.abandon()
    second = board(flights)
    waiting, = boardings(flights, 1)
    second.land(PAGE)
    assert waiting.given() is PAGE


def test_who_comes_between_abandon_and_waking_leads(flights, clock):
    """The woken thread finds a leader, and waits on."""
    flight = board(flights)
    waiting, = boardings(flights, 1)
    with flights.lock:
        # the effect of abandon(), and then a newcomer that leads before the
        # woken thread has the lock
        flight.led = False
        flight.news.notify()
        flight.led = True
    # it was taken off the condition's list, and is back there
    until(lambda: len(flight.news._waiters) == 1)
    assert flights.waiting == 1
    flight.land(PAGE)
    assert waiting.given() is PAGE


def test_a_newcomer_takes_over_what_nobody_leads(flights):
    flight = board(flights)
    with flights.lock:
        flight.led = False
    # it leads without waiting, and the next thread finds a leader
    assert board(flights, wait_secs=0) is flight
    assert board(flights, wait_secs=0) is None


def test_one_who_gave_up_just_when_told_leaves_no_flight_stuck(
        flights, clock, monkeypatch):
    """It is told to lead, and at that moment its time is over."""
    flight = board(flights)
    handed_over = threading.Event()
    real_wait = flight.news.wait

    def wait(timeout=None):
        # the lock is held here: abandon() runs while it is released
        flights.lock.release()
        flight.abandon()
        clock.now += LONG_SECS * 2
        flights.lock.acquire()
        handed_over.set()
        return False

    monkeypatch.setattr(flight.news, 'wait', wait)
    waiting = Boarding(flights)
    result = waiting.given()
    assert handed_over.is_set()
    monkeypatch.setattr(flight.news, 'wait', real_wait)
    # abandon() told only this thread to lead, so it leads
    assert isinstance(result, Flight)
    result.land(PAGE)
    assert is_empty(flights)


def test_one_who_gave_up_is_not_handed_the_flight(
        flights, clock, monkeypatch):
    flight = board(flights)
    patient, = boardings(flights, 1)
    woken = []

    def wait(timeout=None):
        woken.append(timeout)
        clock.now += LONG_SECS / 2 + 1
        return False

    monkeypatch.setattr(flight.news, 'wait', wait)
    hasty = Boarding(flights, wait_secs=LONG_SECS / 4)
    assert hasty.given() is None
    assert woken
    flight.abandon()
    mine = patient.given()
    assert isinstance(mine, Flight)
    mine.abandon()
    assert is_empty(flights)


# refusing

def test_refuse_frees_all_who_wait(flights):
    flight = board(flights)
    threads = boardings(flights, 6)
    flight.refuse()
    assert [thread.given() for thread in threads] == [None] * 6
    assert is_empty(flights)


def test_refused_is_remembered_and_forgotten_in_time(flights, clock):
    board(flights).refuse()
    clock.now += REFUSAL_SECS - 0.5
    assert board(flights) is None
    assert isinstance(board(flights, 'another'), Flight)
    clock.now += 0.5
    assert isinstance(board(flights), Flight)


@pytest.mark.parametrize('now', [0.0, 0.5])
def test_nothing_is_refused_when_the_clock_begins(now):
    clock = Clock()
    clock.now = now
    flight = board(Flights(clock))
    assert isinstance(flight, Flight) and not flight.follows_landing


def test_refused_pages_are_rendered_side_by_side(flights):
    board(flights).refuse()
    threads = [Boarding(flights) for _ in range(5)]
    assert [thread.given() for thread in threads] == [None] * 5
    assert is_empty(flights)


def test_refused_once_more_is_remembered_from_then_on(flights, clock):
    board(flights).refuse()
    clock.now += REFUSAL_SECS
    board(flights).refuse()
    clock.now += REFUSAL_SECS - 1
    assert board(flights) is None


# bounds

def test_no_more_wait_than_may(flights):
    flight = board(flights)
    threads = boardings(flights, 3, max_waiting=3)
    assert board(flights, max_waiting=3) is None
    other = board(flights, 'another', max_waiting=3)
    assert isinstance(other, Flight)
    # the bound holds for the process, not for each page
    assert board(flights, 'another', max_waiting=3) is None
    flight.land(PAGE)
    assert [thread.given() for thread in threads] == [PAGE] * 3


def test_nobody_waits_where_nobody_may(flights):
    flight = board(flights, max_waiting=0)
    assert isinstance(flight, Flight)
    assert board(flights, max_waiting=0) is None
    assert board(flights, wait_secs=0) is None


def test_room_comes_back_when_one_has_waited(flights):
    flight = board(flights)
    waiting, = boardings(flights, 1, max_waiting=1)
    flight.land(PAGE)
    waiting.given()
    second = board(flights, 'another')
    again, = boardings(flights, 1, key='another', max_waiting=1)
    second.refuse()
    assert again.given() is None


def test_the_wait_ends(flights, clock, monkeypatch):
    flight = board(flights)
    asked = []

    def wait(timeout=None):
        asked.append(timeout)
        clock.now += 4

    monkeypatch.setattr(flight.news, 'wait', wait)
    assert board(flights, wait_secs=10) is None
    assert asked == [10, 6, 2]
    assert flights.waiting == 0
    del asked[:]
    assert board(flights, wait_secs=5) is None
    assert asked == [5, 1]
    # sharp to the end there is nothing left to wait for
    del asked[:]
    assert board(flights, wait_secs=8) is None
    assert asked == [8, 4]
    del asked[:]
    assert board(flights, wait_secs=1) is None
    assert asked == [1]


def test_the_wait_ends_by_the_real_clock():
    flights = Flights()
    flight = board(flights)
    assert board(flights, wait_secs=0.01) is None
    assert flights.waiting == 0
    flight.land(PAGE)
    assert is_empty(flights)


def test_who_waits_is_counted_off_even_if_waiting_fails(
        flights, monkeypatch):
    flight = board(flights)

    def wait(timeout=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(flight.news, 'wait', wait)
    with pytest.raises(KeyboardInterrupt):
        board(flights)
    assert flights.waiting == 0 and flight.waiting == 0
    flight.abandon()
    assert is_empty(flights)


# landing

def test_a_late_boarder_is_told_to_look_again(flights, clock):
    board(flights).land(PAGE)
    clock.now += LANDED_SECS - 0.1
    flight = board(flights)
    assert flight.follows_landing
    flight.abandon()
    other = board(flights, 'another')
    assert not other.follows_landing
    clock.now += 0.1
    assert not board(flights).follows_landing


def test_the_newest_landing_counts(flights, clock):
    board(flights).land(PAGE)
    board(flights, 'between').land(PAGE)
    clock.now += LANDED_SECS - 0.1
    board(flights).land(OTHER_PAGE)
    clock.now += 0.2
    assert board(flights).follows_landing
    assert not board(flights, 'between').follows_landing


def test_a_landing_ends_a_refusal(flights, clock):
    board(flights).refuse()
    clock.now += REFUSAL_SECS
    board(flights).land(PAGE)
    clock.now += LANDED_SECS
    assert isinstance(board(flights), Flight)


@pytest.mark.parametrize('second', ['land', 'refuse', 'abandon'])
@pytest.mark.parametrize('first', ['land', 'refuse', 'abandon'])
def test_only_the_first_end_counts(flights, clock, first, second):
    def end(flight, how, page):
        getattr(flight, how)(*[page] * (how == 'land'))

    flight = board(flights)
    end(flight, first, PAGE)
    expected = snapshot(flights)
    end(flight, second, OTHER_PAGE)
    assert snapshot(flights) == expected
    assert is_empty(flights)


def snapshot(flights):
    return (
        dict(flights._landed), dict(flights._refused), dict(flights._flights))


def test_the_end_of_an_old_flight_leaves_the_new_one_alone(flights, clock):
    old = board(flights)
    old.land(PAGE)
    clock.now += LANDED_SECS
    new = board(flights)
    for end in (old.abandon, old.refuse, lambda: old.land(PAGE)):
        end()
        assert board(flights, wait_secs=0) is None
    waiting, = boardings(flights, 1)
    new.land(OTHER_PAGE)
    assert waiting.given() is OTHER_PAGE


# forgetting

def test_forget_drops_landings_and_refusals(flights):
    board(flights, 'landed').land(PAGE)
    board(flights, 'refused').refuse()
    flights.forget()
    assert not board(flights, 'landed').follows_landing
    assert isinstance(board(flights, 'refused'), Flight)


def test_forget_leaves_those_who_wait_to_their_flight(flights):
    flight = board(flights)
    waiting, = boardings(flights, 1)
    flights.forget()
    assert flights.waiting == 1
    flight.land(PAGE)
    assert waiting.given() is PAGE


def test_landings_are_bounded_and_hold_no_pages(flights):
    for number in range(MAX_REMEMBERED + 10):
        board(flights, number).land(PAGE)
        assert len(flights._landed) <= MAX_REMEMBERED
    assert not board(flights, 9).follows_landing
    assert board(flights, 10).follows_landing
    assert PAGE not in flights._landed.values()


def test_landings_are_forgotten_after_their_time(flights, clock):
    for number in range(100):
        board(flights, number).land(PAGE)
    clock.now += LANDED_SECS
    board(flights, 'another')
    assert not flights._landed


def test_refusals_are_forgotten_after_their_time(flights, clock):
    for number in range(100):
        board(flights, number).refuse()
    clock.now += REFUSAL_SECS
    board(flights, 'another')
    assert not flights._refused


def test_refusals_are_bounded_and_the_oldest_go(flights):
    for number in range(MAX_REMEMBERED + 10):
        board(flights, number).refuse()
        assert len(flights._refused) <= MAX_REMEMBERED
    assert isinstance(board(flights, 9), Flight)
    assert board(flights, 10) is None


def test_bounds_are_of_use():
    assert 0 < module.LANDED_SECS < module.REFUSAL_SECS
    assert 0 < MAX_REMEMBERED
