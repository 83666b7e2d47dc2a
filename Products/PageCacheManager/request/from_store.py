"""The result of a look-up, and the base of steps that send a stored page."""
from typing import NamedTuple

from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..core.http import codecs
from ..core.http import content_coding
from ..core.http.headers import may_be_coded
from ..core.reasons import Reason
from ..publisher import request as http_request
from ..publisher import response as http_response
from ..publisher import response_headers
from .step import Step


class Found(NamedTuple):
    """The result of a look-up in a store."""

    #: The index of the page in the store.
    index: object = None
    #: Request headers beyond the key by which the stored pages vary.
    varies: tuple = ()
    page: object = None
    #: The reason that the store gave no answer, '' if it gave an answer.
    trouble: str = ''


def found_in(exchange, get):
    """Look for the page in a store.

    A signpost leads to the page if pages vary by more headers than those in
    the key (:attr:`.Page.varies`).  Return a :class:`Found`.  `get` is the
    method of the store that returns a page.
    """
    key = exchange.key
    page = get(key.index)
    if page is None or not page.varies:
        return Found(key.index, (), page)
    index = key.index_for(exchange.request, page.varies)
    return Found(index, page.varies, get(index))


class FromStore(Step):
    """A step whose answer comes from the store."""

    #: Response headers when the page was found, lower-case names; None if no
    #: other code sets headers before the answer is delivered.
    _headers_before = None

    def __init__(self, exchange, found, held, headers, collapsed=False):
        self.page = page = found.page
        if collapsed or page.max_age_secs:
            detail = self.outcome.detail or (
                Reason.RENDER_ERROR if page.shows_failure else '')
            self.outcome = self.outcome._replace(
                detail=detail, collapsed=collapsed)
        #: The headers of a 200 with the page, lower-case names.
        self.headers = headers
        #: Request headers beyond the key by which the page varies.
        self.varies = found.varies
        #: The client's current copy, or None.
        self.held = held
        if not exchange.origin.is_alone_until_delivery:
            self._headers_before = response_headers.lower_headers(
                exchange.response)
        if self.has_body and held is None and not page.body:
            self._make_sure(exchange)

    def _make_sure(self, exchange):
        """Unpack the body now, so that an error can still lead to rendering.
        """
        if exchange.others_follow or not self.choose_coding(
                exchange, may_make=False)[0]:
            self.plain()

    def plain(self):
        """Return the stored body without a coding."""
        if not self.page.body:
            self.page = self.page.whole()
        return self.page.body

    def choose_coding(self, exchange, may_make=True):
        """Return name and bytes of the content coding for the client.

        Both are empty if the client gets the plain body, as without
        Accept-Encoding (RFC 9110 section 12.5.3).  If `may_make`, a coding
        that the page lacks is made and stored.  It is made here, so that no
        render becomes slower.
        """
        for name in http_request.codings(exchange.request):
            if name == content_coding.IDENTITY or (
                    http_response.speaks_of_bytes(
                        exchange.response, self.page)):
                break
            data = self.page.coded(name)
            if data is None and may_make and self._is_to_be_made(
                    exchange, name):
                data = self._make(exchange, name)
            if data:
                return name, data
        return '', b''

    def _is_to_be_made(self, exchange, name):
        if name not in codecs.MADE or self.outcome.collapsed:
            # a request that waited for a render must not wait for this too
            return False
        content_type = dict(self.page.headers).get('content-type', '')
        if name == 'gzip' and http_response.is_zope_to_compress(
                exchange.request):
            return may_be_coded(content_type)
        return (
            exchange.settings.compression == 'hits'
            and content_coding.is_worthwhile(content_type)
            and (self.page.is_coded
                 or len(self.page.body) >= content_coding.MIN_BODY_BYTES))

    def _make(self, exchange, name):
        """Make a coding of the page and store it; return its bytes.

        They are empty if the coding is no shorter than the body, or failed.
        """
        data = attempt(
            exchange, 'finish',
            lambda: codecs.CODECS[name].encode(self.plain()))
        if data is FAILED:
            return b''
        self.page = self.page.with_coding(name, data)
        data = self.page.coded(name)
        attempt(
            exchange, 'store', exchange.cache.pages.add_coding,
            exchange.key.index_for(exchange.request, self.varies),
            self.page.created, name, data)
        return data
