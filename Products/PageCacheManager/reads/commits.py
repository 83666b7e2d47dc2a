"""Commits to the databases, by this process and by others.

Each database has an observer, see :mod:`.observer`.  It is polled if the
snapshot of a connection is newer than the last commit that it received.
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
#: it shows the commit to the observer.  So the observer is polled up to this
#: number of times, with pauses.
MAX_POLLS = 5
PAUSE_SECS = 0.001

#: Maximum time to wait for a thread that polls.
LOCK_SECS = 0.5

T = TypeVar('T')


class Reads(NamedTuple):
    """The reads of this process from one database."""

    #: The last visible transaction.
    tid: int
    oids: Set[bytes]


class Commits:
    """The commits of all databases; any thread may call.

    A database keeps its number as long as all its commits are known.
    Methods that begin with an underscore are called with the lock held,
    except `_locked`, `_hear` and `_shown`.
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
        """Return the number of a database; receive its commits from now on.

        Raises errors of the storage.
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

        First receive all commits in its snapshot.  Commits that are received
        together count as the last of them.  So commits before a render must
        not be received together with commits during it.  Raises errors of the
        storage.
        """
        number = self._numbers.get(connection.db(), 0)
        unknown = self._hear(number, connection)
        if unknown == Unknown(Why.LOST):
            # the database is new, or its server was down
            return self.watch(connection.db())
        return number if unknown is None else unknown

    def admit(self, reads: Mapping[int, Reads]) -> ReadSet | NotKept:
        """Return a read set of `reads`, by number of the database.

        Changed if one of the objects was committed after the last visible
        transaction.  A database without any oid is not part of the read set.
        Raises errors of the storage.
        """
        return self._locked(self._admit, reads)

    def numbers(self) -> list[int]:
        """Return the numbers of all databases with an observer."""
        return list(self._observers)

    def hear(
            self, sources: Iterable[int], connection: Any) -> Unknown | None:
        """Receive all commits in the snapshots of `connection`.

        `sources` are the numbers of databases.  `connection` may belong to
        any database; its `connections` has the connections to others.  If it
        is None, receive all commits.  Return the reason if commits are
        unknown, else None.  Cost without new commits: a comparison for each
        database.  Raises errors of the storage.
        """
        for number in sources:
            unknown = self._hear(number, connection)
            if unknown is not None:
                return unknown
        return None

    def what_changed(
            self, objects: ReadSet | UntilCommit, connection: Any
    ) -> NotKept | None:
        """Return None if objects are current in the view of `connection`.

        Otherwise return a committed object, or the reason for an unknown
        result.  Call :meth:`hear` before.
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
        """Return whether no snapshot of `connection` is later than `tids`.

        Call :meth:`hear` before.
        """
        for number, tid in tids.items():
            shown, _ = self._shown(number, connection)
            if shown is None or shown > tid:
                return False
        return True

    def are_at_last(self, sources: Iterable[int], connection: Any) -> bool:
        """Return whether `connection` sees all commits received so far."""
        for number in sources:
            shown, heard = self._shown(number, connection)
            if shown is None or shown != heard:
                return False
        return True

    def _shown(
            self, number: int, connection: Any
    ) -> tuple[int | None, int | None]:
        """Return the last visible and the last received transaction.

        Both are equal if there is no connection to this database yet: when it
        is opened, it will see the last transaction.
        """
        observer = self._observers.get(number)
        if observer is None:
            return None, None
        heard = observer.log.tid
        one = connection.connections.get(observer.name)
        return heard if one is None else zodb.snapshot_of(one), heard

    def name_of(self, number: int) -> str:
        """Return the name of a database, '' if it is unknown by now."""
        observer = self._observers.get(number)
        return observer.name if observer is not None else ''

    def _locked(
            self, function: Callable[..., T], *args: Any) -> T | Unknown:
        """Return the result of `function` under the lock, or Unknown."""
        if not self._lock.acquire(timeout=LOCK_SECS):
            return Unknown(Why.BEHIND)
        try:
            return function(*args)
        finally:
            self._lock.release()

    def _hear(self, number: int, connection: Any) -> Unknown | None:
        """Receive the commits that `connection` sees; all if it is None.
        """
        observer = self._observers.get(number)
        database = observer.database() if observer is not None else None
        if observer is None or database is None or (
                zodb.storage_of(database) is not observer.source):
            return Unknown(Why.LOST)
        one = connection and connection.connections.get(observer.name)
        if one is None:  # when it is opened, it will see the last commit
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
        """Receive all commits up to `tid`; None stands for the last one."""
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
        """Receive new commits; drop the database if that fails."""
        is_known = False
        try:
            oids, tid = observer.poll()
            if oids is not None:
                # pages of the table are in the state at the end of the log
                changed = observer.changed(self._table.of_pages(number, oids))
                # in this order: a thread that sees the new tid must see the
                # new slots too
                self._table.note(number, changed)
                observer.log.add(tid, oids)
                is_known = True
        finally:
            if not is_known:
                self._drop(number)

    def _drop(self, number: int) -> None:
        """Forget a database, and thus all read sets with its number."""
        observer = self._observers.pop(number, None)
        if observer is not None:
            self._numbers.pop(observer.database(), None)
            observer.close()
