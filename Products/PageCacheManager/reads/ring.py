"""What one connection read: a marker in the ring of its pickle cache.

Each use of a persistent object moves it to the recent end of the ring, so
all that was used since stands after the marker.  The marker has an oid that
no storage gives, and is taken out again.
"""
from typing import Any

from ..core.reads.unknown import Unknown
from ..core.reads.unknown import Why
from . import walk
from . import zodb
from .marker import made


#: Storages number objects from 0 on, a demo storage up to 2 ** 62.
MARKER_OID = b'\xff' * 7 + b'\xf0'

#: Of one connection at a time; a Plone page reads some 600.
MAX_OBJECTS = 10_000


class Ring:
    """Reads the ring of one connection, in the thread that uses it.

    A sweep of the cache begins with the objects unused for longest, so it
    comes to the marker before it comes to what was used since.  Other ways
    out of the cache show in the count of its objects.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        #: The last transaction that the connection shows, None for none.
        self.tid = zodb.snapshot_of(connection)
        self._opened = connection.opened
        self._cache = cache = zodb.cache_of(connection)
        self._take_out(cache.get(MARKER_OID))
        self._marker = made(cache, connection, MARKER_OID)
        self._expected = cache.cache_non_ghost_count - zodb.loads_of(
            connection)

    def cut(self) -> list[bytes] | Unknown:
        """Return the oids used since the last cut, the oldest first.

        It costs by their number, see :mod:`.walk`.
        """
        try:
            why = self._why_unknown()
            oids = None if why else walk.used_since(
                self._cache, self._marker, MAX_OBJECTS)
        except (LookupError, ValueError):
            # another thread empties the cache
            return Unknown(Why.MARKER)
        # it may have done so between the first look and the walk
        why = why or self._why_unknown()
        if why is not None:
            return Unknown(why)
        if oids is None:
            return Unknown(Why.TOO_MANY)
        self._marker.touch()
        return oids

    def skip(self) -> Unknown | None:
        """Let nothing count that was used since the last cut."""
        why = self._why_unknown()
        if why is not None:
            return Unknown(why)
        self._marker.touch()
        return None

    def close(self) -> None:
        """Take the marker out."""
        self._take_out(self._marker)

    def _take_out(self, marker: Any) -> None:
        if marker is not None and self._cache.get(MARKER_OID) is marker:
            del self._cache[MARKER_OID]

    def _why_unknown(self) -> Why | None:
        """Return why the ring does not show all that was used, or None."""
        connection, cache = self.connection, self._cache
        if connection.opened is None or connection.opened != self._opened:
            return Why.CLOSED
        if zodb.has_changes(connection):
            return Why.CHANGES
        if self.tid is None:
            return Why.NO_SNAPSHOT
        if zodb.snapshot_of(connection) != self.tid:
            return Why.SNAPSHOT
        if (zodb.cache_of(connection) is not cache
                or cache.get(MARKER_OID) is not self._marker
                or self._marker._p_changed is None):
            return Why.MARKER
        count = cache.cache_non_ghost_count - zodb.loads_of(connection)
        return Why.EVICTED if count != self._expected else None
