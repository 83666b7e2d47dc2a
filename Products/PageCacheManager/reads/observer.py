"""Receives the commits of one database.

An observer has a storage instance of its own, as a connection has.  No other
code takes the invalidations of this instance.
"""
import weakref
from collections.abc import Callable
from collections.abc import Collection
from contextlib import ExitStack
from typing import Any

from ZODB.POSException import POSError

from ..core.reads.log import Log
from ..core.reads.records import are_equal
from ..core.reads.records import may_be_unchanged
from . import zodb


#: If a commit has more objects of pages, their records are not compared.
MAX_COMPARED = 30

Clock = Callable[[], float]


class Observer:
    """Receives the commits of one database.

    The caller holds a lock when it polls or closes.  `gone` is called when
    the database object is freed.
    """

    def __init__(
            self, database: Any, clock: Clock,
            gone: Callable[[Any], Any]) -> None:
        self.name = database.database_name
        self.database = weakref.ref(database, gone)
        #: The storage that made the instance.  A closed database has it no
        #: longer.
        self.source = zodb.storage_of(database)
        self._unheard = zodb.unheard(database)
        self._instance = self.source.new_instance()
        with ExitStack() as undone:
            undone.callback(self.close)
            self.log = Log(zodb.poll(self._instance)[1], clock=clock)
            undone.pop_all()  # nothing failed

    def is_open(self) -> bool:
        """Return whether the database is open, and has its old storage."""
        database = self.database()
        return database is not None and (
            zodb.storage_of(database) is self.source)

    def poll(self) -> tuple[Collection[bytes] | None, int]:
        """Return the oids committed since the last poll, and the last tid.

        The oids are None if they are unknown.
        """
        database = self.database()
        if database is None or not self.is_open():
            return None, 0
        if zodb.unheard(database) != self._unheard:
            return None, 0
        return zodb.poll(self._instance)

    def changed(self, oids: Collection[bytes]) -> set[bytes]:
        """Return the oids of objects that changed since the end of `log`.

        Poll before.  A write counts as a change, but for some of a login.
        """
        found = set(oids)
        if len(found) > MAX_COMPARED:
            return found
        try:
            for oid in oids:
                now = zodb.record(self._instance, oid)
                if may_be_unchanged(now):
                    before = zodb.record_at(
                        self._instance, oid, self.log.tid)
                    if before is not None and are_equal(before, now):
                        found.discard(oid)
        except POSError:
            pass  # the storage may be down: all remaining count as changed
        return found

    def close(self) -> None:
        if self.is_open():
            self._instance.release()
