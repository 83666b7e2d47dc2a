"""A stored page, and which responses may become one."""
from collections.abc import Mapping
from typing import NamedTuple

from .http import codecs
from .http.lists import directives
from .http.lists import names
from .reads.made_from import MadeFrom
from .reads.portable import Portable
from .reasons import Reason


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
    #: What it was made from, as this process has it, or as it stands in a
    #: store that several processes share; None for a signpost.
    made_from: MadeFrom | Portable | None = None

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


def why_not(headers: Mapping[str, str], body: bytes) -> str:
    """Return why a 200 for several visitors must not be stored, or ''.

    `headers` have lower-case names.  RFC 9111 section 3 where it decides;
    the rest is caution.
    """
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


_CSP = ('content-security-policy', 'content-security-policy-report-only')


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
