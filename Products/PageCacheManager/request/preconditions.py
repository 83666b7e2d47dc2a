"""Preconditions of a request: is the client's copy the current page?"""
from typing import NamedTuple

from ..core.http import conditional
from ..key import visitor
from ..publisher import request as http_request
from ..publisher import response as http_response


class Held(NamedTuple):
    """A copy of the client that is the current page."""

    #: The client's entity-tag for it, '' if a date or ``*`` decided.
    tag: str


def held(exchange, conditions, tag, date, now, is_stored, varies=()):
    """Return the client's copy as :class:`Held` if it is current, or None.

    RFC 9110 13.2.2 has the rules.  The page is stored, or was just rendered.
    `tag` is its entity-tag or ''.  `date` is its Last-Modified in seconds
    since 1970, or None.  A date counts only for anonymous visitors.  If the
    page varies by headers, a date counts only for a stored page, since only
    the store shows the variant that the client may hold.
    """
    if_none_match, since = conditions
    if (not exchange.policy.allows_304
            or http_response.is_status_locked(exchange.response)):
        return None
    tags = http_request.tags(exchange.request, tag)
    if if_none_match is not None:  # then a date is ignored (13.1.3)
        tag = conditional.held_tag(if_none_match, tags)
        if not tag:
            return None
        is_any = if_none_match.strip() == '*'
        return Held('' if is_any else conditional.tag_for_304(tag))
    if not tags and is_stored:
        return None  # a stored page without a tag has no date either
    is_variant = bool(varies or exchange.key.keyed_headers)
    if (since is None or date is None or is_variant and not is_stored
            or not _dates_count(exchange)
            or not conditional.not_modified_since(since, date, now)):
        return None
    return Held('')


def _dates_count(exchange):
    key = exchange.key
    if visitor.current_user() is not None or key.partition:
        return False  # a date does not identify the user of a page
    if not exchange.origin.dates_count:
        return False
    if exchange.settings.key_cookies or visitor.language(exchange.request):
        return False  # a date does not identify cookies or language
    return True
