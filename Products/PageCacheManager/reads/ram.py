"""Values that plone.memoize keeps in memory.

:func:`install` wraps the methods of plone.memoize that find and store a
value; see :mod:`.memoized`.
"""
import threading
from collections import OrderedDict
from functools import partial
from typing import Any

from plone.memoize.ram import RAMCacheAdapter

from ..core.wrapping import wrap
from . import memoized
from . import zodb
from .recording import noted


#: Sources are noted for at most this number of values.
MAX_VALUES = 5000

_known: OrderedDict[Any, memoized.ValueMadeFrom] = OrderedDict()

#: Keeps the sources in step with the values.  Reentrant, because the pickling
#: of a value may find or store another value.
_lock = threading.RLock()


def _place(adapter: Any, key: Any) -> Any:
    """Return a name for the place of a value.

    None if there may be several copies of its cache.
    """
    if adapter.ramcache is None or zodb.oid_of(adapter.ramcache) is not None:
        return None  # a cache of a site: each connection has a copy of it
    return id(adapter.ramcache), adapter.globalkey, adapter._make_key(key)


def install() -> None:
    """Wrap methods of plone.memoize with the functions below, once."""
    wrap(RAMCacheAdapter, '__getitem__', partial(noted, _get))
    wrap(RAMCacheAdapter, '__setitem__', _noted_set)


def _get(plain: Any, self: Any, key: Any) -> Any:
    place = _place(self, key)
    with _lock:
        known = _known.get(place)
        try:
            value = plain(self, key)
            is_there = True
        except KeyError:
            is_there = False
    if is_there and memoized.given(known):
        return value
    memoized.missing(place)
    raise KeyError(key)


def _noted_set(plain: Any) -> Any:
    def __setitem__(self: Any, key: Any, value: Any) -> None:
        place = _place(self, key)
        known = None if place is None else memoized.made(
            place, self.globalkey)
        with _lock:
            plain(self, key, value)
            _known.pop(place, None)
            if known is not None:
                _known[place] = known
                while len(_known) > MAX_VALUES:
                    _known.popitem(last=False)
    return __setitem__
