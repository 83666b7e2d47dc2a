"""The result of each caching policy for a page."""
from typing import NamedTuple

from ..cmf import policy
from .key import RuledOut
from .key import evaluated


class Tried(NamedTuple):
    """A policy, and what came of it."""

    #: Under which id CMF keeps it.
    policy_id: str
    #: Whether it is the one that counts; None where it failed to say so, or
    #: was not asked since one before it counts or failed.
    fits: bool | None = None
    #: The raw value of its ETag, '' for none.
    etag: str = ''
    #: The expression that failed, as CMF's form names it, and the last line
    #: of the traceback; '' where none did.
    failed: str = ''
    error: str = ''


def trace(content, view_name, keywords, request, manager_id):
    """Yield a :class:`Tried` for each policy in its order.

    The arguments are those of :func:`..cmf.policy.ask`.  No expression
    raises here.
    """
    is_reached = True
    for policy_id, may_fit, answer in policy.each(
            content, view_name, keywords, request, manager_id):
        tried = Tried(policy_id)
        if is_reached:
            tried = tried_with(policy_id, may_fit, answer)
            is_reached = tried.fits is False
        yield tried


def tried_with(policy_id, may_fit, answer):
    """Return what comes of one policy, by the functions of it."""
    tried, expression = Tried(policy_id, False), 'Predicate'
    try:
        if not evaluated(may_fit):
            return tried
        tried, expression = tried._replace(fits=None), 'ETag'
        found = evaluated(answer)
        if found is None:
            return tried._replace(fits=False)
        tried = tried._replace(fits=True, etag=found.etag)
        expression = 'Mod. time'
        evaluated(found.date)
    except RuledOut as why:
        if expression == 'Predicate':
            tried = tried._replace(fits=None)
        return tried._replace(failed=expression, error=why.failure)
    return tried


def failed(exchange):
    """Return the :class:`Tried` that fails for a request, None if none does.
    """
    return next((tried for tried in of(exchange) if tried.failed), None)


def of(exchange):
    """Return the trace for a request."""
    origin = exchange.origin
    return trace(
        origin.context, origin.name, origin.keywords, exchange.request,
        exchange.manager.getId())
