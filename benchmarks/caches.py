"""The caches that are compared with the page store, and their entries.

All keep at most `size` entries: ``get(key)`` gives the page or None,
``set(key, page)`` keeps it, ``purge()`` forgets all.  ``invalidate(key)``
removes one page; only caches that can do so have it.
"""
import sys
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path


# A program in this folder does not have the product in its path.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from Products.PageCacheManager.core.page import Page
from Products.PageCacheManager.core.store.store import PageStore


class Ours(PageStore):
    """The page store, bounded by entries alone."""

    def __init__(self, size):
        super().__init__(size, 1 << 40, max_age_secs=86_400)

    def invalidate(self, key):
        assert self.remove_page(key[:3]) == 1


class LRU:
    """Plain LRU cache: an OrderedDict and a lock."""

    def __init__(self, size):
        self.size = size
        self.lock = threading.Lock()
        self.data = OrderedDict()

    def get(self, key):
        with self.lock:
            page = self.data.get(key)
            if page is not None:
                self.data.move_to_end(key)
            return page

    def set(self, key, page):
        with self.lock:
            self.data[key] = page
            self.data.move_to_end(key)
            if len(self.data) > self.size:
                self.data.popitem(last=False)

    def purge(self):
        with self.lock:
            self.data = OrderedDict()


CONTENDERS = {'PageStore': Ours, 'OrderedDict LRU': LRU}

with suppress(ImportError):
    import cachetools

    class Cachetools:
        def __init__(self, size):
            self.lock = threading.Lock()
            self.data = cachetools.LRUCache(size)

        def get(self, key):
            with self.lock:
                return self.data.get(key)

        def set(self, key, page):
            with self.lock:
                self.data[key] = page

        def purge(self):
            with self.lock:
                self.data = cachetools.LRUCache(self.data.maxsize)

    CONTENDERS['cachetools'] = Cachetools

with suppress(ImportError):
    import cachebox

    class Cachebox:
        def __init__(self, size):
            self.data = cachebox.LRUCache(size)
            self.get = self.data.get
            self.purge = self.data.clear

        def set(self, key, page):
            self.data[key] = page

    CONTENDERS['cachebox'] = Cachebox

with suppress(ImportError):
    import theine

    class Theine:
        def __init__(self, size):
            self.data = theine.Cache(size)
            self.set = self.data.set
            self.purge = self.data.clear

        def get(self, key):
            return self.data.get(key)[0]

    CONTENDERS['theine'] = Theine

with suppress(ImportError):
    from zope.ramcache.ram import RAMCache

    class ZopeRAMCache:
        """Cache that is bounded only by a clean-up every five minutes."""

        def __init__(self, size):
            self.data = RAMCache()
            self.data.update(maxEntries=size, maxAge=86_400)
            self.purge = self.data.invalidateAll

        def get(self, key):
            return self.data.query(key[:3], {'key': key[3:]})

        def set(self, key, page):
            self.data.set(page, key[:3], {'key': key[3:]})

        def invalidate(self, key):
            self.data.invalidate(key[:3])

        def let_time_pass(self):
            """Make the next call clean up."""
            self.data._getStorage().lastCleanup = 0

    CONTENDERS['zope.ramcache'] = ZopeRAMCache

    with suppress(ImportError):
        from plone.memoize.ram import RAMCacheAdapter

        class PloneMemoize(ZopeRAMCache):
            """The cache that ``plone.memoize.ram`` chooses."""

            invalidate = None  # it has only get and set

            def __init__(self, size):
                super().__init__(size)
                self.adapter = RAMCacheAdapter(self.data, 'page')

            def get(self, key):
                return self.adapter.get(repr(key))

            def set(self, key, page):
                self.adapter[repr(key)] = page

        CONTENDERS['plone.memoize'] = PloneMemoize

#: Contenders whose library is not installed.
MISSING = [
    name for name in (
        'cachetools', 'cachebox', 'theine', 'zope.ramcache', 'plone.memoize')
    if name not in CONTENDERS]


def page_key(number):
    """Return the key of a page, with all the parts that a site's key has.

    Strings that each request makes anew are new strings here too.
    """
    folder = number % 97
    path = f'folder-{folder}/document-{number}'
    return (
        f'/site/{"document_view"}',
        f'/site/{path}',
        f'http://www.example.org/{path}',
        (
            'published', f'oid:unnamed:{folder:016x}',
            f'text/html; charset={"utf-8"}',
            f'http://{"www.example.org"}', '', f'/site/{path}/document_view',
            '', '', 'viewed', 'listed', 'Plone Default', '', '',
            "({'args': ()}, [])", f'({""})', f'({""})'),
        (
            f'|{number}.0|498718', f'{"c" * 32} {"a" * 16}-{"b" * 16}',
            'b9bdf177d98a24a0', f'{"d" * 16}-{"e" * 16}'))


def make_page(number, body_length=20):
    """Return a page with usual headers and a small body, to measure the rest.
    """
    return Page(
        body=b'%0*d' % (body_length, number), codings=(),
        modified=int(time.time()), created=time.time(),
        headers=(
            (f'content-{"type"}', f'text/html; charset={"utf-8"}'),
            ('etag', f'"|{number}.0|498718-{number:016x}"'),
            ('last-modified', f'Sun, 22 Nov 2026 {number % 86400:08d} GMT')))


def text_length(key, page):
    """Return the number of characters of an entry; each takes a byte."""
    return (
        len(page.body) + sum(map(len, key[:3])) + sum(map(len, key[3]))
        + sum(map(len, key[4])) + sum(map(len, sum(page.headers, ()))))
