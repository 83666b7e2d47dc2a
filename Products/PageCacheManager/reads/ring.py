"""The reads of one connection: a marker in the ring of its pickle cache.

Each use of a persistent object moves it to the recent end of the ring.  So
all objects that were used since stand after the marker.  The marker has an
oid that no storage gives.
"""
from contextlib import suppress

from ..core.reads.unknown import Unknown
from ..core.reads.unknown import Why
from . import walk
from . import zodb


#: Maximum number of objects in one cut, and in one page.  A Plone page reads
#: about 600.
MAX_OBJECTS = 10_000


class Ring:
    """Reads the ring of one connection, in the thread that uses it.

    A sweep of the cache begins with the objects that were unused for the
    longest time.  So it reaches the marker before the objects that were used
    since.  Any other removal from the cache changes the count of its objects.
    """

    def __init__(self, mark: zodb.RingMark) -> None:
        self._mark = mark
        self.connection = mark.connection
        #: The last visible transaction of the connection, None for none.
        self.tid = zodb.shown(mark)

    def cut(self) -> list[bytes] | Unknown:
        """Return the oids used since the last cut, the oldest first.

        Cost: proportional to their number, see :mod:`.walk`.  Lost objects
        are not noticed here, but at the end by :meth:`why_unknown`.
        """
        mark = self._mark
        try:
            oids = walk.used_since(mark.cache, mark.marker, MAX_OBJECTS)
            mark.marker.touch()
        except (LookupError, ValueError):
            # another thread empties the cache
            return Unknown(Why.MARKER)
        return Unknown(Why.TOO_MANY) if oids is None else oids

    def skip(self) -> None:
        """Ignore the objects that were used since the last cut."""
        with suppress(LookupError):  # the marker was swept: see why_unknown
            self._mark.marker.touch()

    def why_unknown(self) -> Unknown | None:
        """Return the reason if the ring lacks used objects, else None."""
        mark = self._mark
        connection = mark.connection
        if connection.opened is None or connection.opened != mark.opened:
            return Unknown(Why.CLOSED)
        if zodb.has_changes(connection):
            return Unknown(Why.CHANGES)
        tid = zodb.snapshot_of(connection)
        if tid is None or tid != self.tid:
            return Unknown(Why.NO_SNAPSHOT if tid is None else Why.SNAPSHOT)
        if not zodb.is_in_place(mark):
            return Unknown(Why.MARKER)
        return None if zodb.is_complete(mark) else Unknown(Why.EVICTED)
