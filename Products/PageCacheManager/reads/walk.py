"""Reads the ring of a pickle cache from a marker on.

The ring has all loaded objects of a connection, in the order of their last
use.  Each object has pointers to its neighbours.  The cost of following them
is proportional to the number of objects used since the marker.  If that is
not allowed, `lru_items()` gives the whole ring.  Its cost is proportional to
the size of the ring.
"""
from typing import Any

from .marker import Marker
from .marker import listed


try:
    from . import pointers
except ImportError:  # a Python without ctypes
    pointers = None  # type: ignore[assignment]


def used_since(cache: Any, marker: Marker, limit: int) -> list[bytes] | None:
    """Return the oids used since the marker, the oldest first.

    None if there are more than `limit`.  Raises LookupError or ValueError
    if the marker is not in the ring, ValueError during a sweep of the cache.
    """
    layout = None if pointers is None else pointers.layout()
    if layout is None:
        return listed(cache, marker, limit)
    bound = min(limit, cache.cache_non_ghost_count)
    oids = pointers.walked(cache, marker, bound, layout)
    if oids is None and bound < limit:
        pointers.give_up('one has more links than objects')
        return listed(cache, marker, limit)
    return oids


def is_cheap() -> bool:
    """Return whether the cost of a walk is independent of the ring's size."""
    return pointers is not None and pointers.layout() is not None
