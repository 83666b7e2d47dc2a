"""The site's plone.memoize cache as a store of pages.

The site's ICacheChooser returns it, for instance a memcached that several
clients share.  Such a cache has only get and set, and takes string keys.  It
may forget a value at any time, and may return anything.  So each value names
its own key and generation.
"""
import pickle
import time

from plone.memoize import ram
from plone.memoize.interfaces import ICacheChooser
from zope.component import queryUtility

from ..core import page_bytes
from ..core.key import digest
from ..core.store.expiry import is_too_old


#: Our name in plone.memoize's caches, which separate their users by name.
CACHE_NAME = 'Products.PageCacheManager.pages'


#: Errors of unpickling.  plone.memoize's memcached adapter uses pickle, and
#: other code may have written to the cache.
_UNREADABLE = (
    pickle.UnpicklingError, AttributeError, EOFError, ImportError,
    IndexError, KeyError, TypeError, ValueError)


def site_cache():
    """Return the site's cache, a mapping with string keys; None if it is off.
    """
    chooser = queryUtility(ICacheChooser)
    if chooser is None:
        return ram.RAMCacheAdapter(ram.global_cache, globalkey=CACHE_NAME)
    return chooser(CACHE_NAME)


class MemoizeStore:
    """Pages in the site's plone.memoize cache.

    A value that is absent, expired, foreign or unreadable is a miss, and never
    an error.

    `made_from` of a page is a :class:`core.reads.portable.Portable`.  Pages
    come back without content codings.
    """

    def __init__(
            self, cache, generation, max_age_secs, max_page_bytes,
            clock=time.time):
        self._cache = cache
        self._generation = generation
        self._max_age_secs = max_age_secs
        self._max_page_bytes = max_page_bytes
        self._clock = clock

    def get(self, key):
        envelope = self._envelope(key)
        try:
            value = self._cache.get(_name(envelope))
        except _UNREADABLE:
            return None
        page = page_bytes.from_bytes(value, envelope)
        if (page is None or len(page.body) > self._max_page_bytes
                or is_too_old(
                    page.created, self._clock(), self._max_age_secs,
                    page.max_age_secs)):
            return None
        return page

    def set(self, key, page):
        envelope = self._envelope(key)
        self._cache[_name(envelope)] = page_bytes.to_bytes(page, envelope)
        return True

    def remove(self, key):
        """Drop a page."""
        self._cache[_name(self._envelope(key))] = b''

    def _envelope(self, key):
        return repr((self._generation, key))


def _name(envelope):
    # memcached takes no long keys; the envelope in the value shows collisions
    return digest(envelope)
