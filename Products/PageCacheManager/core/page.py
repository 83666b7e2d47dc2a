"""A stored page, and which responses may become one."""
import json
import struct
from collections.abc import Iterable
from collections.abc import Mapping
from typing import NamedTuple

from .http import codecs
from .reads.made_from import MadeFrom
from .reasons import Reason
from .remembered import remembered


class Page(NamedTuple):
    """A whole response, as it was sent.

    A store keeps it as a plain tuple, so every part but the last is a
    string, bytes, a number or a tuple of such.
    """

    #: The body without any content coding; empty where only the body in
    #: some coding is kept.
    body: bytes
    #: The same body in content codings, by name: those that somebody asked
    #: for.  Empty bytes say that a coding makes the body no shorter.
    codings: tuple[tuple[str, bytes], ...]
    #: Headers that rendering set, Content-Type among them: ``(name, value)``.
    headers: tuple[tuple[str, str], ...]
    #: When what the page is made of last changed, whole seconds since 1970.
    modified: int
    #: When it was rendered, seconds since 1970.
    created: float
    #: Names of request headers, beyond those in the key, by which the
    #: response varies.  A page with such names, and with neither a body nor
    #: codings, is a signpost to the pages stored for their values.
    varies: tuple[str, ...] = ()
    #: Names of cookies that rendering looked for and did not find; ``*`` for
    #: any.  A request that carries one of them is not given this page.
    absent_cookies: tuple[str, ...] = ()
    #: The page is dropped at this age, if the store's own limit allows more;
    #: 0 for no limit of its own.
    max_age_secs: int = 0
    #: What it was made from, None if that is not known.
    made_from: MadeFrom | None = None

    def signpost(self) -> 'Page':
        """Return the page that names the headers which this varies by."""
        return self._replace(
            body=b'', codings=(), headers=(), absent_cookies=(),
            max_age_secs=0, made_from=None)

    @property
    def is_signpost(self) -> bool:
        """Return whether the page only names headers to vary by."""
        return not (self.body or self.codings)

    @property
    def shows_failure(self) -> bool:
        """Return whether a failure was caught while it was rendered.

        It has no tag, since the good page of the same key has that.
        """
        return bool(self.max_age_secs) and 'etag' not in dict(self.headers)

    @property
    def tag(self) -> str:
        """The entity-tag that it was sent with, '' for none."""
        return dict(self.headers).get('etag', '')

    @property
    def date(self) -> int | None:
        """When it last changed, None if it was sent without a date."""
        return self.modified if 'last-modified' in dict(self.headers) else None

    @property
    def is_coded(self) -> bool:
        """Return whether the body is there in a content coding."""
        for _, data in self.codings:
            if data:
                return True
        return False

    def coded(self, name: str) -> bytes | None:
        """Return the body in a coding; None where nobody made it yet."""
        for known, data in self.codings:
            if known == name:
                return data
        return None

    def with_coding(self, name: str, data: bytes) -> 'Page':
        """Return the page with its body in one more coding.

        What is no shorter than the body is not worth its bytes.
        """
        if self.body and len(data) >= len(self.body):
            data = b''
        return self._replace(codings=(*self.codings, (name, data)))

    def whole(self) -> 'Page':
        """Return the page with its body, which may have to be unpacked.

        Raises what :func:`codecs.decoded` raises.
        """
        if self.body or not self.is_coded:
            return self
        return self._replace(body=codecs.decoded(self.codings))

    def age(self, now: float) -> int:
        """Return whole seconds since it was rendered."""
        return max(0, int(now - self.created))

    @property
    def size(self) -> int:
        """Bytes of body, codings, headers and of what it was made from."""
        size = len(self.body) + (self.made_from.size if self.made_from else 0)
        for _, data in self.codings:
            size += len(data)
        for name, value in self.headers:
            size += len(name) + len(value)
        return size


_CSP = ('content-security-policy', 'content-security-policy-report-only')

_MAGIC = b'PCM3'
#: Of the line of JSON, the body, and all codings together.
_LENGTHS = struct.Struct('>III')


def to_bytes(page: Page, envelope: str) -> bytes:
    """Return `page` in a format of our own, free of pickles.

    `envelope` is kept beside it and has to be given again to read it back:
    a value that lands under a foreign key is never taken for the page.
    """
    head = json.dumps([
        envelope, page.headers, page.modified, page.created, page.varies,
        page.absent_cookies, page.max_age_secs,
        [(name, len(data)) for name, data in page.codings]]).encode('ascii')
    codings = b''.join(data for _, data in page.codings)
    lengths = _LENGTHS.pack(len(head), len(page.body), len(codings))
    return b''.join((_MAGIC, lengths, head, page.body, codings))


def from_bytes(data: object, envelope: str) -> Page | None:
    """Return the page in `data`, None for foreign data.

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
        (found, headers, modified, created, varies, cookies, max_age_secs,
         codings) = json.loads(data[start:middle])
        if found != envelope:
            return None
        return Page(
            body=data[middle:end],
            codings=_parted(data[end:], codings, lengths[1]),
            headers=tuple((str(name), str(value)) for name, value in headers),
            modified=int(modified),
            created=float(created),
            varies=tuple(str(name) for name in varies),
            absent_cookies=tuple(str(name) for name in cookies),
            max_age_secs=int(max_age_secs))
    except (
            struct.error, ValueError, TypeError,
            # JSON of others: numbers without end, lists nested too deep.
            OverflowError, RecursionError):
        return None


def _parted(
        data: bytes, codings: list[tuple[object, object]],
        body_length: int) -> tuple[tuple[str, bytes], ...]:
    """Return the codings that stand one after the other in `data`.

    What a foreign hand wrote is never unpacked, so there has to be a body;
    and no coding is as long as that.
    """
    parts = []
    position = 0
    for name, length in codings:
        if type(length) is not int or not 0 <= length < body_length:
            raise ValueError(length)
        parts.append((str(name), data[position:position + length]))
        position += length
    if position != len(data):
        raise ValueError(position)
    return tuple(parts)


def why_not(
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        sets_cookie: bool) -> str:
    """Return why a response must not be stored, '' if it may be.

    `headers` have lower-case names.  RFC 9111 section 3 where it decides;
    the rest is caution.
    """
    if status != 200:
        return Reason.STATUS
    whose = why_of_one_visitor(headers, sets_cookie)
    if whose:
        return whose
    control, vary = headers.get('cache-control'), headers.get('vary', '')
    if control and 'no-store' in directives(control):
        return Reason.NO_STORE
    if '*' in vary and '*' in names(vary):
        return Reason.VARY_ANY
    if 'content-range' in headers:
        return Reason.STATUS
    if not body:
        return Reason.EMPTY
    return ''


def why_of_one_visitor(headers: Mapping[str, str], sets_cookie: bool) -> str:
    """Return why a response belongs to one visitor alone, '' if it does not.

    `headers` have lower-case names.
    """
    if sets_cookie:
        return Reason.SET_COOKIE
    for name in _CSP:
        if "'nonce-" in headers.get(name, '').lower():
            return Reason.NONCE
    return ''


@remembered(256, 200)
def directives(cache_control: str) -> frozenset[str]:
    """Return the names of the directives in a Cache-Control value."""
    return frozenset(
        part.partition('=')[0].strip().lower()
        for part in cache_control.split(','))


@remembered(256, 200)
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
