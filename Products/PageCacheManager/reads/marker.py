"""A marker in the ring of a pickle cache, and the list of later objects."""
import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from persistent import Persistent


#: No object has it: storages number objects from 0 on, a demo storage from
#: 2 ** 62 at most.
MARKER_OID = b'\xff' * 7 + b'\xf0'


class Marker(Persistent):  # type: ignore[misc]
    """Marks the beginning of a render in a ring; it is in no database."""

    #: To read this attribute is a use of the marker.
    touched = True

    def touch(self) -> None:
        """Move it to the recent end of the ring, as each use does."""


def made(
        cache: Any, jar: object, oid: bytes,
        kind: type[Marker] = Marker) -> Marker:
    """Return a new marker, after putting it at the recent end of the ring.

    It replaces a marker with the same oid in the cache.
    """
    if cache.get(oid) is not None:
        del cache[oid]
    marker = kind()
    marker._p_oid = oid
    marker._p_jar = jar
    cache[oid] = marker
    return marker


#: Reentrant: a finalizer may come here again before collection is off.
_collection = threading.RLock()


@contextmanager
def no_collection() -> Iterator[None]:
    """Switch off garbage collection, which may run any code."""
    with _collection:
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if was_enabled:
                gc.enable()


def listed(cache: Any, marker: Marker, limit: int) -> list[bytes] | None:
    """Return the oids used since the marker, the oldest first.

    None if there are more than `limit`.  Cost: proportional to the size of
    the ring.  Raises LookupError if the marker is not in the ring, ValueError
    during a sweep of the cache.
    """
    found: list[bytes] = []
    with no_collection():
        items = cache.lru_items()
    for oid, ob in reversed(items):
        if ob is marker:
            return found[::-1]
        if len(found) == limit:
            return None
        found.append(oid)
    raise LookupError('the marker is not in the ring')
