"""Commits to the databases, by this process and by others.

Each database has an observer: a storage instance as a connection has, whose
invalidations nobody else takes.  It is polled when a connection shows more
than it has heard of.
"""
import threading
import time
import weakref
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Set
from itertools import count
from typing import Any
from typing import NamedTuple
from typing import TypeVar

from ..core.reads.made_from import UntilCommit
from ..core.reads.read_set import ReadSet
from ..core.reads.table import Table
from ..core.reads.unknown import Changed
from ..core.reads.unknown import NotKept
from ..core.reads.unknown import Unknown
from ..core.reads.unknown import Why
from . import zodb
from .observer import Clock
from .observer import Observer


#: A client of a ZEO server may show a commit to a connection a moment before
#: it tells the observer, so this is asked so often, with pauses.
MAX_POLLS = 5
PAUSE_SECS = 0.001

#: Nobody waits longer for one who polls.
LOCK_SECS = 0.5

T = TypeVar('T')


class Reads(NamedTuple):
    """What this process read from one database."""

    #: The last transaction that was shown.
    tid: int
    oids: Set[bytes]


class Commits:
    """The commits of all databases; any thread may call.

    A database has a number for as long as all its commits are known.
    Methods that begin with an underscore are called with the lock held,
    but for `_hear` and `_shown`.
    """

    def __init__(
            self, table: Table, clock: Clock = time.monotonic,
            pause: Callable[[float], None] = time.sleep) -> None:
        self._table = table
        self._clock = clock
        self._pause = pause
        self._lock = threading.Lock()
        self._counter = count(1)
        self._numbers: weakref.WeakKeyDictionary[Any, int] = (
            weakref.WeakKeyDictionary())
        self._observers: dict[int, Observer] = {}

    def watch(self, database: Any) -> int | Unknown:
        """Return the number of a database; listen to it from now on.

        Raises what storages raise.
        """
        number = self._numbers.get(database, 0)
        observer = self._observers.get(number)
        if observer is not None and observer.is_open():
            return number
        if zodb.storage_of(database) is None:
            return Unknown(Why.CLOSED)
        return self._locked(self._watch, database)

    def listen(self, connection: Any) -> int | Unknown:
        """Return the number of the database of `connection`.

        All that it shows is heard of: commits that are heard of together
        count as the last of them, so those before a render are not to be
        heard of together with those during it.  Raises what storages raise.
        """
        number = self._numbers.get(connection.db(), 0)
        unknown = self._hear(number, connection)
        if unknown == Unknown(Why.LOST):
            # it is new, or a server was away: from now on it is known
            return self.watch(connection.db())
        return number if unknown is None else unknown

    def admit(self, reads: Mapping[int, Reads]) -> ReadSet | NotKept:
        """Return a read set of what was read from numbered databases.

        Changed if any of it was committed after the tid that was shown.  A
        database of which nothing was read is no part of it.  Raises what
        storages raise.
        """
        return self._locked(self._admit, reads)

    def numbers(self) -> list[int]:
        """Return the numbers of all databases that are listened to."""
        return list(self._observers)

    def hear(
            self, sources: Iterable[int], connection: Any) -> Unknown | None:
        """Hear of all commits to databases that `connection` shows.

        None as `connection` shows all.  It may be that of any database, with
        those to others in its `connections`.  Return why these are not known,
        None if they are.  It costs a comparison for each database if there is
        nothing new.  Raises what storages raise.
        """
        for number in sources:
            unknown = self._hear(number, connection)
            if unknown is not None:
                return unknown
        return None

    def what_changed(
            self, objects: ReadSet | UntilCommit, connection: Any
    ) -> NotKept | None:
        """Return None if objects are as `connection` shows them.

        Otherwise return one that was committed, or why it is not known.
        What it shows was heard of.
        """
        if isinstance(objects, UntilCommit):
            is_of_then = self.shows(objects.tids, connection)
            return None if is_of_then else Unknown(objects.why)
        now = self._table.sequence
        changed = self._table.changed_since(objects, objects.sequence)
        if changed is None:
            objects.sequence = now
        return changed

    def shows(self, tids: Mapping[int, int], connection: Any) -> bool:
        """Return whether `connection` shows nothing after these transactions.

        What it shows was heard of.
        """
        for number, tid in tids.items():
            shown, _ = self._shown(number, connection)
            if shown is None or shown > tid:
                return False
        return True

    def settle(self, objects: UntilCommit, connection: Any) -> None:
        """Let a page outlast the commit of the transaction that made it.

        It is called right after, and does nothing if others committed
        meanwhile: the page may not show that.  Raises what storages raise.
        """
        for number, tid in list(objects.tids.items()):
            heard = self._locked(self._heard_since, number, tid)
            if isinstance(heard, Unknown):
                continue
            last, oids = heard
            one = connection.connections.get(self.name_of(number))
            if one is not None and zodb.wrote(one, oids, last):
                objects.tids[number] = last

    def _heard_since(
            self, number: int, tid: int
    ) -> tuple[int, frozenset[bytes]] | Unknown:
        unknown = self._catch_up(number, None)
        if unknown is not None:
            return unknown
        log = self._observers[number].log
        if not log.reaches(tid):
            return Unknown(Why.LOST)
        return log.tid, log.oids_since(tid)

    def are_at_last(self, sources: Iterable[int], connection: Any) -> bool:
        """Return whether `connection` shows all that was heard of."""
        for number in sources:
            shown, heard = self._shown(number, connection)
            if shown is None or shown != heard:
                return False
        return True

    def _shown(
            self, number: int, connection: Any
    ) -> tuple[int | None, int | None]:
        """Return the last transactions that are shown, and were heard of.

        A connection that is not open shows the last one when it is opened.
        """
        observer = self._observers.get(number)
        if observer is None:
            return None, None
        heard = observer.log.tid
        one = connection.connections.get(observer.name)
        return heard if one is None else zodb.snapshot_of(one), heard

    def name_of(self, number: int) -> str:
        """Return the name of a database, '' if it is not known any more."""
        observer = self._observers.get(number)
        return observer.name if observer is not None else ''

    def _locked(
            self, function: Callable[..., T], *args: Any) -> T | Unknown:
        """Return what `function` does with the lock held, or Unknown."""
        if not self._lock.acquire(timeout=LOCK_SECS):
            return Unknown(Why.BEHIND)
        try:
            return function(*args)
        finally:
            self._lock.release()

    def _hear(self, number: int, connection: Any) -> Unknown | None:
        """Hear of all commits that `connection` shows, None for all.
        """
        observer = self._observers.get(number)
        database = observer.database() if observer is not None else None
        if observer is None or database is None or (
                zodb.storage_of(database) is not observer.source):
            return Unknown(Why.LOST)
        one = connection and connection.connections.get(observer.name)
        if one is None:  # when it is opened it shows the last commit
            tid = zodb.last_tid(database)
        elif one.db() is not database:
            return Unknown(Why.LOST)
        else:
            tid = zodb.snapshot_of(one)
            if tid is None:
                return Unknown(Why.NO_SNAPSHOT)
        if tid is not None and tid <= observer.log.tid:
            return None
        return self._locked(self._catch_up, number, tid)

    def _watch(self, database: Any) -> int:
        number = self._numbers.get(database, 0)
        observer = self._observers.get(number)
        if observer is not None:
            if observer.is_open():
                return number
            self._drop(number)
        number = next(self._counter)
        observers = self._observers
        observers[number] = Observer(
            database, self._clock, lambda _: observers.pop(number, None))
        self._numbers[database] = number
        return number

    def _admit(self, reads: Mapping[int, Reads]) -> ReadSet | NotKept:
        for number, (tid, oids) in reads.items():
            unknown = self._catch_up(number, tid)
            if unknown is not None:
                return unknown
            log = self._observers[number].log
            if not log.reaches(tid):
                return Unknown(Why.LOST)
            oid = log.changed_since(tid, oids)
            if oid is not None:
                return Changed(number, oid)
        read_set = self._table.add({
            number: read.oids for number, read in reads.items() if read.oids})
        return Unknown(Why.TABLE_FULL) if read_set is None else read_set

    def _catch_up(self, number: int, tid: int | None) -> Unknown | None:
        """Hear of all commits up to `tid`; None stands for the last one."""
        for polls in range(MAX_POLLS + 1):
            observer = self._observers.get(number)
            if observer is None:
                return Unknown(Why.LOST)
            if polls if tid is None else tid <= observer.log.tid:
                return None
            if polls > 1:
                self._pause(PAUSE_SECS)
            self._poll(number, observer)
        return Unknown(Why.BEHIND)

    def _poll(self, number: int, observer: Observer) -> None:
        """Hear of what was committed; drop the database if that fails."""
        is_known = False
        try:
            oids, tid = observer.poll()
            if oids is not None:
                # a page of the table is as it was at the end of the log
                changed = observer.changed(self._table.of_pages(number, oids))
                # in this order: who sees the new tid sees the new slots too
                self._table.note(number, changed)
                observer.log.add(tid, oids)
                is_known = True
        finally:
            if not is_known:
                self._drop(number)

    def _drop(self, number: int) -> None:
        """Forget a database, and with its number all that was read of it."""
        observer = self._observers.pop(number, None)
        if observer is not None:
            self._numbers.pop(observer.database(), None)
            observer.close()
