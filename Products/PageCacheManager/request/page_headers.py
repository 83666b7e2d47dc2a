"""The headers of a page: from rendering, policy and settings."""
from ..core.http import headers
from ..key.key import entity_tag
from ..publisher import request as http_request


def of_page(exchange, page, now):
    """Return the headers of a stored page; the page has tag and date."""
    own = dict(page.headers)
    tag, modified = own.pop('etag', ''), own.pop('last-modified', None)
    return headers.page_headers(
        own, exchange.policy.headers_at(now), tag, modified,
        now - page.created, exchange.key.named_in_vary)


def of_render(exchange, own, now, date, varies=(), body=None):
    """Return the headers of a 200 with the headers `own` of rendering.

    `date` is the time of the last change, seconds since 1970, or None.
    `varies` are the request headers, beyond the headers in the key, by which
    the page varies.  Without a `body`, as for HEAD, there is no tag.
    """
    tag = '' if body is None else entity_tag(exchange, body, own, varies)
    modified = None if date is None else headers.last_modified(date, now)
    # with a key the rendered page has a tag
    whose = () if exchange.key.index is not None else told_by(exchange)
    values = headers.page_headers(
        own, exchange.policy.headers_at(now), tag, modified,
        vary_by=(*exchange.key.named_in_vary, *whose))
    if whose:
        # after a logout the same browser would send this date
        values['last-modified'] = None
    return values


def told_by(exchange):
    """Return the request headers that identify the user of this page.

    They are needed only for a page without a tag, since a tag identifies the
    user.
    """
    if not (exchange.key.has_user or exchange.key.partition):
        return ()
    return (
        ('Authorization',) if http_request.is_authorized(exchange.request)
        else ('Cookie',))
