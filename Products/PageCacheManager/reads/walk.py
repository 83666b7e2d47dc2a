"""Reads the ring of a pickle cache from a marker on.

The ring has all objects of a connection that are loaded, in the order of
their last use; each holds pointers to its neighbours.  `lru_items()` gives
it whole, which costs by its size.  To follow the pointers from the marker
costs by what was used since.

The walk is one chain of iterators in C: no other thread runs meanwhile, so
nothing can leave the ring.  Garbage collection, which could run any code, is
held off.
"""
import gc
import threading
from contextlib import contextmanager
from ctypes import POINTER
from ctypes import Structure
from ctypes import addressof
from ctypes import py_object
from functools import partial
from itertools import accumulate
from itertools import cycle
from itertools import islice
from itertools import repeat
from itertools import takewhile
from operator import add
from operator import attrgetter
from operator import ne
from typing import Any
from typing import NamedTuple

from persistent import Persistent


class Marker(Persistent):  # type: ignore[misc]
    """Stands in a ring where a render began; it is in no database."""

    def touch(self) -> None:
        """Move it to the recent end of the ring, as any use does."""


class Node(Structure):
    """The part of an object that links it into a ring."""


Node._fields_ = [('older', POINTER(Node)), ('newer', POINTER(Node))]


class Layout(NamedTuple):
    """Where the pointers are, bytes from the start of an object."""

    oid: int
    ring: int
    #: The ring's first and last link, in the cache.
    home: int


_collection = threading.Lock()


@contextmanager
def no_collection() -> Any:
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


def walked(
        cache: Any, marker: Marker, limit: int, layout: Layout
) -> list[bytes] | None:
    """Return what :func:`listed` does; it costs by the oids.

    The marker has to be in the ring.
    """
    start = Node.from_address(id(marker) + layout.ring)
    steps = islice(cycle(('newer', 'contents')), 2 * limit + 2)
    nodes = islice(accumulate(steps, getattr, initial=start), 2, None, 2)
    links = takewhile(
        partial(ne, id(cache) + layout.home), map(addressof, nodes))
    places = map(add, links, repeat(layout.oid - layout.ring))
    oids = map(attrgetter('value'), map(py_object.from_address, places))
    with no_collection():
        found = list(oids)
    return found if len(found) <= limit else None


def made(cache: Any, jar: object, oid: bytes) -> Marker:
    """Return a new marker, put into the ring as the one used last."""
    marker = Marker()
    marker._p_oid = oid
    marker._p_jar = jar
    cache[oid] = marker
    return marker
