"""A marker in the ring of a pickle cache, and the list from there on."""
import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from persistent import Persistent


#: Storages number objects from 0 on, a demo storage up to 2 ** 62.
MARKER_OID = b'\xff' * 7 + b'\xf0'


class Marker(Persistent):  # type: ignore[misc]
    """Stands in a ring where a render began; it is in no database."""

    #: To look at it is a use as any other.
    touched = True

    def touch(self) -> None:
        """Move it to the recent end of the ring, as any use does."""


def made(
        cache: Any, jar: object, oid: bytes,
        kind: type[Marker] = Marker) -> Marker:
    """Return a new marker, put into the ring as the one used last.

    It takes the place of one that the cache has.
    """
    if cache.get(oid) is not None:
        del cache[oid]
    marker = kind()
    marker._p_oid = oid
    marker._p_jar = jar
    cache[oid] = marker
    return marker


#: A finalizer that runs before collection is off may come here again.
_collection = threading.RLock()


@contextmanager
def no_collection() -> Iterator[None]:
    """Hold off garbage collection, which may run any code."""
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

    None if there are more than `limit`.  It costs by the size of the ring.
    Raises LookupError if the marker is not in the ring, ValueError while
    the cache is being swept.
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
