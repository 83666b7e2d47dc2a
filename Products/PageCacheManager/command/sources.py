"""Finds the pages to warm: in sitemaps, in a file, or a single URL."""
import sys
from collections import deque
from pathlib import Path

from . import sitemap
from .usage import Failure
from .usage import UsageError
from .web import origin_of


#: The maximum number of sitemaps that are read.
MAX_SITEMAPS = 1000

#: The maximum size of a file with URLs, in characters.
_MAX_BYTES = 50 << 20


class Sources:
    """The URLs of pages, each once, in the order of the source.

    All have the same origin, so a login goes nowhere else.
    """

    def __init__(self, source, limit, fetch):
        """`fetch` returns the body at a URL, or raises Failure."""
        self._limit = limit
        self._fetch = fetch
        self._origin = None
        self._found = {}
        #: The number of URLs of other origins, which were left out.
        self.foreign = 0
        #: Whether there were more pages than the limit.
        self.has_more = False
        #: URLs of sitemaps that can not be read, with the reason.
        self.failed = []
        if '://' not in source:
            self._read_file(source)
        elif _is_sitemap(source):
            self._read_sitemaps(source)
        else:
            self._add(source)

    @property
    def urls(self):
        """The URLs of pages."""
        return list(self._found)

    def _add(self, url):
        # urldefrag raises ValueError for some
        url = url.partition('#')[0]
        if url in self._found or not self._is_of_the_origin(url):
            return
        if len(self._found) < self._limit:
            self._found[url] = True
        else:
            self.has_more = True

    def _is_of_the_origin(self, url):
        """Return whether `url` is of the origin of the first URL."""
        try:
            origin = origin_of(url)
        except ValueError:
            if self._origin is None:
                raise UsageError(
                    f'{url!r:.200} is no URL with http:// or https:// and a '
                    'host. Give user and password by other means.') from None
            origin = None
        if self._origin is None:
            self._origin = origin
        self.foreign += origin != self._origin
        return origin == self._origin

    def _read_file(self, path):
        try:
            if path == '-':
                text = sys.stdin.read(_MAX_BYTES + 1)
            else:
                with Path(path).open(encoding='utf-8') as file:
                    text = file.read(_MAX_BYTES + 1)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f'{path} can not be read: {error}') from None
        if len(text) > _MAX_BYTES:
            raise UsageError(f'{path} is longer than {_MAX_BYTES} characters.')
        for line in map(str.strip, text.splitlines()):
            if line and not line.startswith('#'):
                self._add(line)

    def _read_sitemaps(self, first):
        self._is_of_the_origin(first)
        seen, waiting = {first}, deque([first])
        while waiting and not self.has_more:
            url = waiting.popleft()
            try:
                pages, sitemaps = sitemap.read(self._fetch(url))
            except Failure as error:
                self.failed.append((url, str(error)))
                continue
            for page in pages:
                self._add(page)
            for other in sitemaps:
                if other in seen or not self._is_of_the_origin(other):
                    continue
                if len(seen) == MAX_SITEMAPS:
                    self.failed.append(
                        (url, f'leads to more than {MAX_SITEMAPS} sitemaps'))
                    break
                seen.add(other)
                waiting.append(other)


def _is_sitemap(url):
    path = url.partition('?')[0].lower()
    return path.endswith(('.xml', '.gz'))
