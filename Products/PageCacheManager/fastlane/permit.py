"""What the engine tells the fast lane about a hit that is for anybody."""
from typing import Any
from typing import NamedTuple

from ..cmf import policy
from ..core.key import Key
from ..core.page import names
from ..key import visitor
from ..publisher import request


#: Where the fast lane leaves its ticket in the WSGI environment.
TICKET = 'Products.PageCacheManager.ticket'


class Permit(NamedTuple):
    """A page that any anonymous visitor may be given, and how."""

    #: The :class:`caches.ManagerCache` that has it.
    cache: Any
    key: Key
    #: When the page was rendered: another one may come to stand in its place.
    created: float
    #: The body as it was sent, empty with a 304.
    body: bytes
    #: The content coding that it is in, '' for none.
    coding: str
    #: All headers as the cache left them: lower-case names and values.
    headers: frozenset[tuple[str, str]]
    #: Request headers by which the page varies.
    varies: tuple[str, ...]
    #: Query parameters that do not matter.
    ignored_parameters: tuple[str, ...]
    #: Names of cookies that the manager looks at.
    cookies: frozenset[str]
    allows_304: bool
    #: The tags under which a client that sent the same may hold it.
    tags: tuple[str, ...]
    #: All databases of this process, by name.
    databases: Any


class Ticket:
    """Is left in a request for the engine to write a permit on."""

    __slots__ = ('permit',)

    def __init__(self):
        self.permit = None


def permit(call, response):
    """Write a permit on the request's ticket, if it has one and may."""
    ticket = call.request.environ.get(TICKET)
    if ticket is None:
        return
    if not _is_for_anybody(call):
        return
    coding = _coding(response.body, call.page)
    varies = _varies(call, response)
    if coding is not None or response.status == 304:
        ticket.permit = Permit(
            cache=call.cache,
            key=call.key_for(call.varies),
            created=call.page.created,
            body=response.body,
            coding=coding or '',
            headers=frozenset(request.lower_headers(response).items()),
            varies=varies,
            ignored_parameters=call.settings.ignored_parameters,
            cookies=frozenset(
                call.settings.key_cookies + call.settings.session_cookies
                + call.settings.bypass_cookies + call.page.absent_cookies),
            allows_304=call.answer.allows_304,
            tags=call.tags() if 'accept-encoding' in varies else (),
            databases=call.manager._p_jar.db().databases)


def _is_for_anybody(call):
    """Tell whether nothing of this request's own is in its answer."""
    return (
        call.outcome.word == 'HIT'
        and call.page is not None
        and not call.page.max_age_secs  # the lane knows of no such limit
        and call.is_published
        and call.partition == ''
        and visitor.current_user() is None
        and not request.is_authorized(call.request)
        and not request.carries_cookie(
            call.request, call.settings.key_cookies)
        and call.settings.store == 'process'
        and call.visit.undo.headers_before() <= call.headers_of_all()
        and call.visit.undo.is_settled(call.request.response)
        and not policy.reads_request(call.context)
        and not visitor.goes_by_address(call.request))


def _coding(body, page):
    """Return which coding of the page `body` is, None if it is none of it."""
    if not body:
        return None
    if body is page.body:
        return ''
    return next(
        (name for name, data in page.codings if body is data), None)


def _varies(call, response):
    keyed = {*call.known_varies, *call.varies}
    named = {*names(response.headers.get('vary', '')), *call.chosen_by()}
    # no request is answered that has any of the cookies in a key
    return tuple(sorted(keyed | named - {'cookie'}))
