"""The engine's permit for the fast lane: a hit that anybody may get."""
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


def permit(exchange, step):
    """Write a permit on the request's ticket, if it has one and may.

    `step` is the one that gave the answer.
    """
    ticket = exchange.request.environ.get(TICKET)
    if ticket is None or not _is_for_anybody(exchange, step):
        return
    response, settings, page = exchange.response, exchange.settings, step.page
    coding = _coding(response.body, page)
    varies = _varies(exchange, step)
    if coding is not None or response.status == 304:
        ticket.permit = Permit(
            cache=exchange.cache,
            key=exchange.key.index_for(exchange.request, step.varies),
            created=page.created,
            body=response.body,
            coding=coding or '',
            headers=frozenset(request.lower_headers(response).items()),
            varies=varies,
            ignored_parameters=settings.ignored_parameters,
            cookies=frozenset(
                settings.key_cookies + settings.session_cookies
                + settings.bypass_cookies + page.absent_cookies),
            allows_304=exchange.policy.allows_304,
            tags=request.tags(exchange.request, page.tag) if (
                'accept-encoding' in varies) else (),
            databases=exchange.manager._p_jar.db().databases)


def _is_for_anybody(exchange, step):
    """Return whether nothing of this request's own is in its answer."""
    origin, page = exchange.origin, step.page
    return (
        page is not None
        and not page.max_age_secs  # the lane knows of no such limit
        and not origin.is_called
        and exchange.key.partition == ''
        and visitor.current_user() is None
        and not request.is_authorized(exchange.request)
        and not request.carries_cookie(
            exchange.request, exchange.settings.key_cookies)
        and exchange.settings.store == 'process'
        and exchange.changes.headers_before() <= (
            exchange.site.headers_of_all | origin.headers_of_all)
        and exchange.changes.is_settled(exchange.response)
        and not policy.reads_request(origin.context)
        and not visitor.goes_by_address(exchange.request))


def _coding(body, page):
    """Return which coding of the page `body` is, None if it is none of it."""
    if not body:
        return None
    if body is page.body:
        return ''
    return next(
        (name for name, data in page.codings if body is data), None)


def _varies(exchange, step):
    """Return the request headers by which the answers of a page differ."""
    keyed = {*exchange.key.varies, *step.varies}
    named = {
        *names(exchange.response.headers.get('vary', '')),
        # by Accept traversal may find something else
        'accept', *exchange.site.chosen_by(exchange.key.language)}
    # no request is answered that has any of the cookies in a key
    return tuple(sorted(keyed | named - {'cookie'}))
