"""A stored page, and the reasons not to store a response."""
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

    A store keeps it as a plain tuple, so every part except the last is a
    string, bytes, a number or a tuple of these.
    """

    #: The body without any content coding; empty if only a coded body is kept.
    body: bytes
    #: The same body in the content codings that clients requested: ``(name,
    #: data)``.  Empty data means that a coding makes the body no shorter.
    codings: tuple[tuple[str, bytes], ...]
    #: Headers that rendering set, Content-Type among them: ``(name, value)``.
    headers: tuple[tuple[str, str], ...]
    #: The time of the last change of a source, whole seconds since 1970.
    modified: int
    #: The time of the render, seconds since 1970.
    created: float
    #: Names of request headers that change the response, besides the headers
    #: in the key.  A page with such names, but without body and codings, is a
    #: signpost to the pages that are stored for the values of these headers.
    varies: tuple[str, ...] = ()
    #: Names of cookies that rendering looked for and did not find; ``*`` for
    #: any.  A request with one of them does not get this page.
    absent_cookies: tuple[str, ...] = ()
    #: The page is dropped at this age, even if the store's own limit is
    #: higher; 0 for no limit of its own.
    max_age_secs: int = 0
    #: The sources of the page, in the form for this process or in the form for
    #: a store that several processes share; None for a signpost.
    made_from: MadeFrom | Portable | None = None

    def signpost(self) -> 'Page':
        """Return the signpost that has the names in `varies` of this page."""
        return self._replace(
            body=b'', codings=(), headers=(), absent_cookies=(),
            max_age_secs=0, made_from=None)

    @property
    def is_signpost(self) -> bool:
        """Return whether the page is a signpost."""
        return not (self.body or self.codings)

    @property
    def shows_failure(self) -> bool:
        """Return whether rendering caught a failure.

        Such a page has no tag, because the good page of the same key has it.
        """
        return bool(self.max_age_secs) and 'etag' not in dict(self.headers)

    @property
    def tag(self) -> str:
        """The entity-tag that it was sent with, '' for none."""
        return dict(self.headers).get('etag', '')

    @property
    def date(self) -> int | None:
        """The time of its last change, None if it was sent without a date."""
        return self.modified if 'last-modified' in dict(self.headers) else None

    @property
    def is_coded(self) -> bool:
        """Return whether there is a body in a content coding."""
        for _, data in self.codings:
            if data:
                return True
        return False

    def coded(self, name: str) -> bytes | None:
        """Return the body in a coding, None if it was not made yet."""
        for known, data in self.codings:
            if known == name:
                return data
        return None

    def with_coding(self, name: str, data: bytes) -> 'Page':
        """Return the page with its body in one more coding.

        If `data` is no shorter than the body, empty bytes replace it.
        """
        if self.body and len(data) >= len(self.body):
            data = b''
        return self._replace(codings=(*self.codings, (name, data)))

    def whole(self) -> 'Page':
        """Return the page with its plain body; unpack the body if necessary.

        Raises the errors of :func:`codecs.decoded`.
        """
        if self.body or not self.is_coded:
            return self
        return self._replace(body=codecs.decoded(self.codings))

    def age(self, now: float) -> int:
        """Return whole seconds since it was rendered."""
        return max(0, int(now - self.created))

    @property
    def size(self) -> int:
        """Bytes of body, codings, headers and sources."""
        size = len(self.body) + (self.made_from.size if self.made_from else 0)
        for _, data in self.codings:
            size += len(data)
        for name, value in self.headers:
            size += len(name) + len(value)
        return size


def why_not(headers: Mapping[str, str], body: bytes) -> str:
    """Return the reason not to store a 200 for several visitors, or ''.

    `headers` have lower-case names.  Some reasons follow from RFC 9111 section
    3, the others are caution.
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
    """Return the reason if a response is for one visitor alone, else ''.

    `headers` have lower-case names.
    """
    if sets_cookie:
        return Reason.SET_COOKIE
    for name in _CSP:
        if "'nonce-" in headers.get(name, '').lower():
            return Reason.NONCE
    return ''
