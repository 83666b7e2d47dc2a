"""Interleavings that a test forces: one request stops, another goes on.

An `Actor` calls an action in its own thread, and stops at a given point.  It
passes points at seams.  There are seams in policies and templates of the test,
in a data manager that joins each transaction, at Zope's events, and before and
after the calls of the real store and flights.  No outcome depends on luck or
on sleep, and every wait has a bound.
"""
import threading
from collections import Counter
from types import SimpleNamespace

import transaction
from zope.component import getGlobalSiteManager
from ZPublisher import pubevents

from ..core.flights import Flights
from ..core.store.store import PageStore
from ..manager import caches


#: Longer than anything that is waited for takes.
LONGEST_SECS = 10

_news = threading.Condition()


def until(condition, what=''):
    """Wait until `condition` holds; an actor's news make it look again."""
    with _news:
        found = _news.wait_for(condition, LONGEST_SECS)
    assert found, f'waited in vain {what}'


class Actor(threading.Thread):
    """Calls `action` in its own thread.

    It stops once, at the point `stop_at`, and goes on when the test says so.
    `errors` are the errors that its commits raise, one for each.
    """

    def __init__(self, action, stop_at=None, errors=(), times=1):
        super().__init__(daemon=True)
        self.action = action
        self.stop_at = stop_at
        self.times = times
        self.errors = list(errors)
        self.passed = Counter()
        self.result = self.error = None
        self.is_stopped = self.has_ended = self.waits = False
        self._may_go = threading.Event()

    def run(self):
        try:
            self.result = self.action()
        except Exception as error:
            self.error = error
        finally:
            transaction.abort()
            self._tell(has_ended=True)

    def _tell(self, **news):
        with _news:
            vars(self).update(news)
            _news.notify_all()

    def arrive(self, point):
        """Count the point, and stop if it is `stop_at`."""
        self.passed[point] += 1
        if point == self.stop_at and self.passed[point] == self.times:
            may_go = self._may_go
            self._tell(is_stopped=True)
            may_go.wait(LONGEST_SECS)

    def wait_begins(self):
        self._tell(waits=True)

    def wait_ends(self):
        self.waits = False

    # for the test that directs

    def begin(self):
        """Start, and return once it can go no further by itself."""
        self.start()
        return self._settled()

    def go_to(self, stop_at):
        """Let it go on to another point, as `begin` does."""
        self.stop_at = stop_at
        self.times = self.passed[stop_at] + 1
        may_go, self._may_go = self._may_go, threading.Event()
        self.is_stopped = False
        may_go.set()
        return self._settled()

    def end(self):
        """Let it go on to the end; return its result."""
        self.stop_at = None
        self._may_go.set()
        self.join(LONGEST_SECS)
        assert not self.is_alive(), f'hangs; passed {dict(self.passed)}'
        return self.result

    def _settled(self):
        until(lambda: self.is_stopped or self.has_ended or self.waits,
              f'for {self.stop_at}; passed {dict(self.passed)}')
        return self


def reach(point):
    """Pass a point; the actor that is told to stops there."""
    actor = threading.current_thread()
    if isinstance(actor, Actor):
        actor.arrive(point)


class SeamStore(PageStore):
    """The store, with a seam before and after each call of a request."""

    #: The counts that exceeded the bounds at any moment.
    excesses = []

    def _passed(self, point):
        counts = self.counts()
        if (counts.entries > counts.max_entries
                or counts.bytes > counts.max_bytes):
            self.excesses.append((point, counts))
        reach(point)

    def get(self, *arguments):
        self._passed('get')
        page = super().get(*arguments)
        self._passed('looked')
        return page

    def set(self, key, page):
        self._passed('set')
        kept = super().set(key, page)
        self._passed('stored')
        return kept

    def purge(self):
        self._passed('purge')
        super().purge()
        self._passed('purged')

    def remove_path(self, path):
        self._passed('remove')
        removed = super().remove_path(path)
        self._passed('removed')
        return removed

    def configure(self, *bounds):
        self._passed('configure')
        super().configure(*bounds)
        self._passed('configured')


class SeamFlights(Flights):
    """The flights, with a seam before and after boarding and landing."""

    def board(self, *arguments):
        reach('board')
        boarding = super().board(*arguments)
        reach('boarded')
        return boarding

    def _wait(self, flight, deadline):
        # Only the wait itself releases the lock.  So any thread that gets the
        # lock after this call finds the actor waiting.
        actor = threading.current_thread()
        if not isinstance(actor, Actor):
            return super()._wait(flight, deadline)
        actor.wait_begins()
        try:
            return super()._wait(flight, deadline)
        finally:
            actor.wait_ends()

    def _finish(self, flight, page, *rest):
        reach('land')
        super()._finish(flight, page, *rest)
        reach('landed')


class SeamCache(caches.ManagerCache):
    """The cache of a manager in a process; `made` lists all of them."""

    made = []

    def __init__(self, settings):
        super().__init__(settings)
        self.made.append(self)

    def __getattribute__(self, name):
        if name == 'used_at':  # read in the search for idle caches
            reach('idle?')
        return super().__getattribute__(name)

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if name != 'used_at':
            reach('assigned')


class SeamLock:
    """A lock; an actor that finds it taken tells that it waits."""

    def __init__(self):
        self.lock = threading.Lock()

    def acquire(self, blocking=True, timeout=-1):
        actor = threading.current_thread()
        if self.lock.acquire(blocking=False):
            return True
        if not blocking or not isinstance(actor, Actor):
            return self.lock.acquire(blocking, timeout)
        actor.wait_begins()
        try:
            return self.lock.acquire(timeout=LONGEST_SECS)
        finally:
            actor.wait_ends()

    def release(self):
        self.lock.release()

    def __enter__(self):
        assert self.acquire()

    def __exit__(self, *error):
        self.release()


class SeamTable(dict):
    """The table of caches, with a seam after looking into it."""

    def __contains__(self, name):
        found = super().__contains__(name)
        reach('found')
        return found

    def get(self, name, default=None):
        found = super().get(name, default)
        reach('found')
        return found


class SeamCommit:
    """Takes part in the commit of each request, after all other managers."""

    transaction_manager = transaction.manager

    def tpc_vote(self, txn):
        reach('vote')
        errors = getattr(threading.current_thread(), 'errors', ())
        if errors:
            raise errors.pop(0)

    def tpc_finish(self, txn):
        reach('committed')

    def abort(self, txn):
        pass

    commit = tpc_begin = tpc_abort = abort

    def sortKey(self):
        return '~~~'  # behind every database


def _join(event):
    transaction.get().join(SeamCommit())


#: Handlers for one class of event run after the product's own.
_HANDLERS = (
    (pubevents.PubStart, _join),
    (pubevents.PubAfterTraversal, lambda event: reach('traversed')),
    (pubevents.PubBeforeCommit, lambda event: reach('captured')),
    (pubevents.PubBeforeAbort, lambda event: reach('failing')),
    (pubevents.PubFailure, lambda event: reach('failed')),
    (pubevents.PubSuccess, lambda event: reach('succeeded')))


def install(monkeypatch):
    """Put all seams in; the fixture that calls it takes out `remove`."""
    monkeypatch.setattr(caches, 'PageStore', SeamStore)
    monkeypatch.setattr(caches, 'Flights', SeamFlights)
    monkeypatch.setattr(caches, 'ManagerCache', SeamCache)
    monkeypatch.setattr(caches, '_caches', SeamTable())
    monkeypatch.setattr(caches, '_lock', SeamLock())
    monkeypatch.setattr(
        caches, 'threading', SimpleNamespace(Lock=SeamLock))
    for event, handler in _HANDLERS:
        getGlobalSiteManager().registerHandler(handler, (event,))


def remove():
    """Take the handlers out."""
    for event, handler in _HANDLERS:
        getGlobalSiteManager().unregisterHandler(handler, (event,))


def forget():
    """Begin anew: nothing is held for any manager."""
    SeamStore.excesses.clear()
    SeamCache.made.clear()
    caches.forget_all()
