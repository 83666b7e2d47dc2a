"""Listens to the commits of one database.

An observer is a storage instance as a connection has, whose invalidations
nobody else takes.
"""
import weakref
from collections.abc import Callable
from collections.abc import Collection
from contextlib import ExitStack
from typing import Any

from ZODB.POSException import POSError

from ..core.reads.log import Log
from ..core.reads.records import are_equal
from . import zodb


#: Where a commit has more objects of pages, their records are not compared.
MAX_COMPARED = 30

Clock = Callable[[], float]


class Observer:
    """Hears of the commits of one database.

    Polling and closing are called with a lock held.  `gone` is called when
    nobody else holds the database any more.
    """

    def __init__(
            self, database: Any, clock: Clock,
            gone: Callable[[Any], Any]) -> None:
        self.name = database.database_name
        self.database = weakref.ref(database, gone)
        #: What gave its instance; another one once the database is closed.
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

        None in place of the oids if they are not known.
        """
        database = self.database()
        if database is None or not self.is_open():
            return None, 0
        if zodb.unheard(database) != self._unheard:
            return None, 0
        return zodb.poll(self._instance)

    def changed(self, oids: Collection[bytes]) -> set[bytes]:
        """Return which objects are not as they were when `log` ended.

        It was polled since.  What can't be compared counts as changed.
        """
        found = set(oids)
        if len(found) > MAX_COMPARED:
            return found
        try:
            for oid in oids:
                both = zodb.records(self._instance, oid, self.log.tid)
                if both is not None and are_equal(*both):
                    found.discard(oid)
        except POSError:
            pass  # it may be away: the others are not asked for
        return found

    def close(self) -> None:
        if self.is_open():
            self._instance.release()
