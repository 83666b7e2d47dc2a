"""Reads sitemaps (sitemaps.org), which may be hostile or very large."""
import zlib
from xml.parsers import expat

from .usage import Failure


#: The limits of the protocol, for an unpacked sitemap.
MAX_BYTES = 50 << 20
MAX_URLS = 50_000

#: The maximum depth of elements.
_MAX_DEPTH = 20

_GZIP = b'\x1f\x8b'

#: The paths of the elements with URLs.  Images and others have elements of the
#: same name.
_PAGE = ['urlset', 'url', 'loc']
_SITEMAP = ['sitemapindex', 'sitemap', 'loc']


def read(data):
    """Return the URLs of pages, and those of other sitemaps, in a sitemap.

    Raises Failure if `data` is no sitemap.
    """
    if data.startswith(_GZIP):
        data = _unpacked(data)
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=' ')
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        # the latter two for encodings that expat can't read
        raise Failure(f'no sitemap: {error}') from None
    if not reader.is_sitemap:
        raise Failure('no sitemap: neither urlset nor sitemapindex')
    return reader.pages, reader.sitemaps


def _unpacked(data):
    unpack = zlib.decompressobj(wbits=31)
    try:
        data = unpack.decompress(data, MAX_BYTES + 1)
    except zlib.error as error:
        raise Failure(f'no sitemap: {error}') from None
    if len(data) > MAX_BYTES:
        raise Failure(f'more than {MAX_BYTES} bytes, unpacked')
    if not unpack.eof:
        raise Failure('no sitemap: cut short')
    return data


class _Reader:
    """Collects the URLs in the elements ``loc``."""

    def __init__(self):
        self.pages, self.sitemaps = [], []
        self.is_sitemap = False
        self._open = []
        self._text = None

    def doctype(self, *given):
        # no sitemap needs one, and it may declare entities
        raise Failure('no sitemap: it has a document type')

    def start(self, name, attributes):
        self._open.append(name.rpartition(' ')[2])
        if len(self._open) > _MAX_DEPTH:
            raise Failure('no sitemap: nested too deep')
        if self._open in ([_PAGE[0]], [_SITEMAP[0]]):
            self.is_sitemap = True
        if self._open in (_PAGE, _SITEMAP):
            self._text = []

    def text(self, text):
        if self._text is not None:
            self._text.append(text)

    def end(self, name):
        if self._text is not None:
            found = self.pages if self._open == _PAGE else self.sitemaps
            found.append(''.join(self._text).strip())
            self._text = None
            if len(found) > MAX_URLS:
                raise Failure(f'more than {MAX_URLS} URLs')
        self._open.pop()
