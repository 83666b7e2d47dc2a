"""Reads the ring of a pickle cache from a marker on.

The ring has all objects of a connection that are loaded, in the order of
their last use; each holds pointers to its neighbours.  To follow these from
the marker costs by what was used since.  Where that may not be done,
`lru_items()` gives the ring whole, which costs by its size.
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
    if the marker is not in the ring, ValueError while the cache is swept.
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
    """Return whether a walk costs by what was used, not by the ring."""
    return pointers is not None and pointers.layout() is not None
