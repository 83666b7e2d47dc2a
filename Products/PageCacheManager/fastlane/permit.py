"""The engine's permit for the fast lane to send a hit to anybody."""
from typing import Any
from typing import NamedTuple

from ..cmf import policy
from ..core.http.lists import names
from ..core.key import Key
from ..core.reads.read_set import ReadSet
from ..key import visitor
from ..publisher import request
from ..publisher import response_headers


#: The variable of a WSGI environment with the ticket of the fast lane.
TICKET = 'Products.PageCacheManager.ticket'


class Permit(NamedTuple):
    """A page that any anonymous visitor may get, and its headers."""

    #: The :class:`caches.ManagerCache` that has the page.
    cache: Any
    key: Key
    #: When the page was rendered; another page may replace it.
    created: float
    #: The body as it was sent, empty with a 304.
    body: bytes
    #: The content coding of the body, '' for none.
    coding: str
    #: All headers that the cache set: lower-case names and values.
    headers: frozenset[tuple[str, str]]
    #: Request headers by which the page varies.
    varies: tuple[str, ...]
    #: Query parameters that do not change the page.
    ignored_parameters: tuple[str, ...]
    #: Names of cookies that may change the answer.
    cookies: frozenset[str]
    allows_304: bool
    #: The policy that gave the page its ETag.
    policy_id: str
    #: Other tags of the page that a client with equal headers may hold.
    tags: tuple[str, ...]
    #: All databases of this process, by name.
    databases: Any
    #: The objects that were read for the answer, None if not known.
    reads: ReadSet | None


class Ticket:
    """Holds the permit of the engine; the filter puts it into a request."""

    __slots__ = ('permit',)

    def __init__(self):
        self.permit = None


def permit(exchange, step):
    """Write a permit on the request's ticket, if anybody may get the answer.

    `step` is the step that answered.
    """
    ticket = exchange.request.environ.get(TICKET)
    if ticket is None or not _is_for_anybody(exchange, step):
        return
    response, settings, page = exchange.response, exchange.settings, step.page
    coding = coding_of(response.body, page)
    varies = _varies(exchange, step)
    if coding is not None or response.status == 304:
        ticket.permit = Permit(
            cache=exchange.cache,
            key=exchange.key.index_for(exchange.request, step.varies),
            created=page.created,
            body=response.body,
            coding=coding or '',
            headers=frozenset(response_headers.lower_headers(response).items()),
            varies=varies,
            ignored_parameters=settings.ignored_parameters,
            cookies=frozenset(
                settings.key_cookies + settings.session_cookies
                + settings.bypass_cookies + page.absent_cookies),
            allows_304=exchange.policy.allows_304,
            policy_id=exchange.policy.policy_id,
            tags=request.tags(exchange.request, page.tag) if (
                'accept-encoding' in varies) else (),
            databases=exchange.manager._p_jar.db().databases,
            reads=step.reads)


def reads(exchange):
    """Return the objects that the request has read, None if not known.

    Call it before the end of the transaction.  Raises errors of storages.
    """
    recording = exchange.recording()
    if recording is None:
        return None
    manager = exchange.manager
    recording.add(manager._p_jar, manager.oids_of(manager.marks_of(
        exchange.origin.identity, exchange.key.page_id)))
    found = recording.read_set()
    return found if isinstance(found, ReadSet) else None


def _is_for_anybody(exchange, step):
    """Return whether any anonymous visitor may get this response."""
    origin, page = exchange.origin, step.page
    return (
        not page.max_age_secs  # the lane does not check this limit
        and not origin.is_called
        and exchange.changes.headers_before() <= (
            exchange.site.headers_of_all | origin.headers_of_all)
        and exchange.changes.is_settled(exchange.response)
        and not policy.reads_request(origin.context)
        and is_of_any_visitor(exchange))


def is_of_any_visitor(exchange):
    """Return whether the request does not identify its visitor."""
    return (
        exchange.key.partition == ''
        and visitor.current_user() is None
        and not request.is_authorized(exchange.request)
        and not request.carries_cookie(
            exchange.request, exchange.settings.key_cookies)
        and not visitor.goes_by_address(exchange.request))


def coding_of(body, page):
    """Return the coding of `body`, None if it is not a body of the page."""
    if not body:
        return None
    if body is page.body:
        return ''
    return next(
        (name for name, data in page.codings if body is data), None)


def _varies(exchange, step):
    """Return the request headers by which the answers of a page differ."""
    keyed = {*exchange.key.keyed_headers, *step.varies}
    named = {
        *names(exchange.response.headers.get('vary', '')),
        # traversal may choose another view by Accept
        'accept', *exchange.site.chosen_by(exchange.key.language)}
    # the lane answers no request with a cookie of the key
    return tuple(sorted(keyed | named - {'cookie'}))
