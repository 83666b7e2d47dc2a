"""Preconditions of a request: is the client's own copy the page?"""
from typing import NamedTuple

from ..core.http import conditional
from ..key import visitor
from ..key.key import entity_tag
from ..publisher import cookies
from ..publisher import request as http_request
from ..publisher import response as http_response


class Held(NamedTuple):
    """The client's own copy is the page."""

    #: The tag by which the client holds it, '' if by a date or ``*``.
    tag: str
    #: Whether the page is known to be a 200.
    is_sure: bool


def held(exchange, found, asked, now):
    """Return the :class:`Held` copy of the client that is the answer, or
    None (RFC 9110 13.2.2).

    A date counts for anonymous visitors alone.  Where the page varies by
    headers only what is stored says which variant the client may hold.  A
    tag comes from a 200, and so does what is stored.  Without a stored page
    only rendering tells whether a cookie makes it another.
    """
    if_none_match, since = asked
    if (not exchange.policy.allows_304
            or http_response.is_status_locked(exchange.response)
            # rendering would tell whether there is a page at all
            or found.page is None and not exchange.key.may_view):
        return None
    if found.page is not None:
        tag = found.page.tag
    else:
        # where a page varies only what is stored says by what
        tag = '' if found.varies else entity_tag(exchange)
    tags = http_request.tags(exchange.request, tag)
    is_sure = found.page is not None
    if if_none_match is not None:
        tag = conditional.held_tag(if_none_match, tags)
        if not tag:
            return None
        if if_none_match.strip() == '*':
            return Held('', is_sure)
        return Held(
            conditional.tag_for_304(tag),
            is_sure or not foreign_cookie(exchange, found.varies))
    if not tags and is_sure:
        return None  # a page without a tag has no date either
    if conditional.not_modified(
            None, since, tags, exchange.modified, now,
            _dates_count(exchange, found)):
        return Held('', is_sure)
    return None


def _dates_count(exchange, found):
    key = exchange.key
    if visitor.current_user() is not None or key.partition:
        return False  # a date does not tell whose page it is of
    if not exchange.origin.dates_count:
        return False
    if exchange.settings.key_cookies or visitor.language(exchange.request):
        return False  # a date does not tell which of the pages it is of
    return found.page is not None or not (found.varies or key.varies)


def foreign_cookie(exchange, varies):
    """Return a cookie of the request that the key lacks, '' for none."""
    sent = cookies.sent_by(exchange.request)
    if not sent or exchange.key.has_all_cookies(varies):
        return ''
    if len(sent) > 1:
        sent.discard(cookies.HEADER)
    return cookies.first_foreign(
        sent, exchange.settings, exchange.session_cookies(),
        exchange.site.cookies(exchange.request))
