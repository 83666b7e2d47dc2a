"""The headers of a page, from those of rendering, policy and settings."""
from ..core.http import headers
from ..key import visitor
from ..key.key import entity_tag
from ..publisher import request as http_request


def of_page(exchange, page, now):
    """Return the headers of a stored page, which has tag and date."""
    own = dict(page.headers)
    tag, modified = own.pop('etag', ''), own.pop('last-modified', None)
    return headers.page_headers(
        own, exchange.policy.headers_at(now), tag, modified, page.age(now),
        _vary_by(exchange))


def of_render(exchange, own, now, varies=()):
    """Return the headers of a 200 with the headers `own` of rendering.

    `varies` are the request headers beyond the key by which it varies.
    """
    modified, tag = None, entity_tag(exchange, varies)
    if exchange.modified is not None:
        modified = headers.last_modified(exchange.modified, now)
    whose = () if tag else told_by(exchange)
    values = headers.page_headers(
        own, exchange.policy.headers_at(now), tag, modified,
        vary_by=(*_vary_by(exchange), *whose))
    if whose:
        # once logged out the same browser would ask by it
        values['last-modified'] = None
    return values


def told_by(exchange):
    """Return the request headers that tell whose page this is.

    Where the page has a tag, that tells it.
    """
    if not (exchange.key.has_user or exchange.key.partition):
        return ()
    return (
        ('Authorization',) if http_request.is_authorized(exchange.request)
        else ('Cookie',))


def _vary_by(exchange):
    """Return the request headers by which pages differ (RFC 9110 12.5.5)."""
    request, settings = exchange.request, exchange.settings
    found = (*settings.key_headers, *exchange.site.vary_by(
        request, exchange.key.language))
    if settings.key_cookies or (
            request.cookies and _has_cookie_in_key(exchange)):
        return (*found, 'Cookie')
    return found


def _has_cookie_in_key(exchange):
    request = exchange.request
    return (
        http_request.carries_cookie(
            request, exchange.settings.session_cookies)
        or visitor.wants_skin(exchange.origin.context, request))
