"""A stored page, and which responses may become one."""
import json
import struct
from collections.abc import Iterable
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple


class Page(NamedTuple):
    """A whole response, as it was sent.

    A store keeps it as a plain tuple, so every part is a string, bytes, a
    number or a tuple of such.
    """

    #: The body without any content coding.
    body: bytes
    #: The same body in gzip, empty where nobody asked for it yet.
    gzip: bytes
    #: Headers that rendering set, Content-Type among them: ``(name, value)``.
    headers: tuple[tuple[str, str], ...]
    #: When what the page is made of last changed, whole seconds since 1970.
    modified: int
    #: When it was rendered, seconds since 1970.
    created: float
    #: Names of request headers, beyond those in the key, by which the
    #: response varies.  A page with an empty body and such names is a
    #: signpost to the pages stored for their values.
    varies: tuple[str, ...] = ()

    def signpost(self) -> 'Page':
        """Return what stands in the page's place: whereby it varies."""
        return self._replace(body=b'', gzip=b'', headers=())

    @property
    def is_signpost(self) -> bool:
        """Tell whether this only names the headers that the page varies by."""
        return not self.body

    def age(self, now: float) -> int:
        """Return whole seconds since it was rendered."""
        return max(0, int(now - self.created))

    @property
    def size(self) -> int:
        """Bytes of body and headers."""
        return (
            len(self.body) + len(self.gzip)
            + sum(len(name) + len(value) for name, value in self.headers))


_CSP = ('content-security-policy', 'content-security-policy-report-only')

_MAGIC = b'PCM1'
_LENGTHS = struct.Struct('>III')


def to_bytes(page: Page, envelope: str) -> bytes:
    """Return `page` in a format of our own, free of pickles.

    `envelope` is kept beside it and has to be given again to read it back:
    a value that lands under a foreign key is never taken for the page.
    """
    head = json.dumps([
        envelope, page.headers, page.modified, page.created,
        page.varies]).encode('ascii')
    lengths = _LENGTHS.pack(len(head), len(page.body), len(page.gzip))
    return b''.join((_MAGIC, lengths, head, page.body, page.gzip))


def from_bytes(data: object, envelope: str) -> Page | None:
    """Return the page in `data`, None where it is not one of ours.

    What is absent, foreign, cut short or of another envelope is a miss, not
    an error.
    """
    if not isinstance(data, bytes) or data[:4] != _MAGIC:
        return None
    start = 4 + _LENGTHS.size
    try:
        lengths = _LENGTHS.unpack(data[4:start])
        if len(data) != start + sum(lengths):
            return None
        middle = start + lengths[0]
        end = middle + lengths[1]
        found, headers, modified, created, varies = json.loads(
            data[start:middle])
        if found != envelope:
            return None
        return Page(
            body=data[middle:end],
            gzip=data[end:],
            headers=tuple((str(name), str(value)) for name, value in headers),
            modified=int(modified),
            created=float(created),
            varies=tuple(str(name) for name in varies))
    except (
            struct.error, ValueError, TypeError,
            # JSON of others: numbers without end, lists nested too deep.
            OverflowError, RecursionError):
        return None


def why_not(
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        sets_cookie: bool) -> str:
    """Return why a response must not be stored, '' if it may be.

    `headers` have lower-case names.  RFC 9111 section 3 where it decides;
    the rest is caution: a nonce or a cookie belongs to one visitor alone.
    """
    if status != 200:
        return 'status'
    if sets_cookie:
        return 'set-cookie'
    control = directives(headers.get('cache-control', ''))
    if 'no-store' in control:
        return 'no-store'
    if '*' in names(headers.get('vary', '')):
        return 'vary-any'
    if any("'nonce-" in headers.get(name, '').lower() for name in _CSP):
        return 'nonce'
    if 'content-range' in headers:
        return 'status'
    if not body:
        return 'empty'
    return ''


@lru_cache(maxsize=256)
def directives(cache_control: str) -> frozenset[str]:
    """Return the names of the directives in a Cache-Control value."""
    return frozenset(
        part.partition('=')[0].strip().lower()
        for part in cache_control.split(','))


@lru_cache(maxsize=256)
def names(value: str) -> tuple[str, ...]:
    """Return the field names in a list such as Vary's, lower case, sorted."""
    return tuple(sorted({name.lower() for name in listed(value)}))


def listed(value: str) -> list[str]:
    """Return the members of a list such as Vary's, as they are spelled."""
    return [name for part in value.split(',') if (name := part.strip())]


def joined(value: str, more: Iterable[str]) -> str:
    """Return the list `value` with the names in `more` that it lacks."""
    result = listed(value)
    present = {name.lower() for name in result}
    for name in more:
        if name.lower() not in present and '*' not in present:
            present.add(name.lower())
            result.append(name)
    return ', '.join(result)
