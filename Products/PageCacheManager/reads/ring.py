"""The reads of one connection: a marker in the ring of its pickle cache.

Each use of a persistent object moves it to the recent end of the ring, so
all that was used since stands after the marker.  The marker has an oid that
no storage gives.
"""
from contextlib import suppress

from ..core.reads.unknown import Unknown
from ..core.reads.unknown import Why
from . import walk
from . import zodb


#: Of one connection at a time; a Plone page reads some 600.
MAX_OBJECTS = 10_000


class Ring:
    """Reads the ring of one connection, in the thread that uses it.

    A sweep of the cache begins with the objects unused for longest, so it
    comes to the marker before it comes to what was used since.  Other ways
    out of the cache show in the count of its objects.
    """

    def __init__(self, mark: zodb.RingMark) -> None:
        self._mark = mark
        self.connection = mark.connection
        #: The last transaction that the connection shows, None for none.
        self.tid = zodb.shown(mark)

    def cut(self) -> list[bytes] | Unknown:
        """Return the oids used since the last cut, the oldest first.

        It costs by their number, see :mod:`.walk`.  What it does not notice,
        :meth:`why_unknown` does at the end.
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
        """Let nothing count that was used since the last cut."""
        with suppress(LookupError):  # the marker was swept: see why_unknown
            self._mark.marker.touch()

    def why_unknown(self) -> Unknown | None:
        """Return why the ring did not show all that was used, or None."""
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
