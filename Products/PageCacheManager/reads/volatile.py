"""Values that plone.memoize keeps in attributes of objects.

Such a dict lives as long as its object: an object in the cache of one
connection, or a view.  Only one thread uses it.  The sources of its values
are noted on the dict; see :mod:`.memoized`.
"""
from functools import partial
from typing import Any

from plone.memoize.volatile import CleanupDict

from ..core.wrapping import wrap
from . import memoized
from .recording import noted
from .thread import thread


_MADE_FROM = '_page_cache_made_from'

_absent = object()


def install() -> None:
    """Wrap methods of plone.memoize with the functions below, once."""
    wrap(CleanupDict, 'get', partial(noted, _get))
    wrap(CleanupDict, '__setitem__', _noted_set)


def _get(plain: Any, self: Any, key: Any, default: Any = None) -> Any:
    value = plain(self, key, _absent)
    known = vars(self).get(_MADE_FROM, {}).get(key, _absent)
    # a value that was made outside of pages is made again, once
    if value is not _absent and known is not _absent and memoized.given(known):
        return value
    memoized.missing((id(self), key))
    return default


def _noted_set(plain: Any) -> Any:
    def __setitem__(self: Any, key: Any, value: Any) -> None:
        is_watched = thread.recording is not None
        known = memoized.made((id(self), key), str(key).partition(':')[0])
        made_from = vars(self).setdefault(_MADE_FROM, {})
        made_from.pop(key, None)
        plain(self, key, value)
        if is_watched:
            made_from[key] = known  # None: its sources are unknown
        if len(made_from) > len(self):  # plone.memoize dropped old values
            for gone in made_from.keys() - self.keys():
                del made_from[gone]
    return __setitem__
