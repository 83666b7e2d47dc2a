"""The headers of a page, from those of rendering, policy and settings."""
from ..core.http import headers
from ..key.key import entity_tag
from ..publisher import request as http_request


def of_page(exchange, page, now):
    """Return the headers of a stored page, which has tag and date."""
    own = dict(page.headers)
    tag, modified = own.pop('etag', ''), own.pop('last-modified', None)
    return headers.page_headers(
        own, exchange.policy.headers_at(now), tag, modified,
        now - page.created, exchange.key.named_in_vary)


def of_render(exchange, own, now, date, varies=(), body=None):
    """Return the headers of a 200 with the headers `own` of rendering.

    `date` is when it changed, seconds since 1970, None for no date.
    `varies` are the request headers beyond the key by which it varies.
    Without a `body`, which HEAD does not know, there is no tag.
    """
    tag = '' if body is None else entity_tag(exchange, body, own, varies)
    modified = None if date is None else headers.last_modified(date, now)
    # where there is a key, rendering gives a tag
    whose = () if exchange.key.index is not None else told_by(exchange)
    values = headers.page_headers(
        own, exchange.policy.headers_at(now), tag, modified,
        vary_by=(*exchange.key.named_in_vary, *whose))
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
