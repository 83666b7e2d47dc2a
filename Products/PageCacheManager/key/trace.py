"""The result of each caching policy for a page."""
from typing import NamedTuple

from ..cmf import policy
from .key import RuledOut
from .key import evaluated


class Tried(NamedTuple):
    """The result of one policy."""

    #: The id of the policy in CMF.
    policy_id: str
    #: Whether the policy is used for the page.  None if it failed before that
    #: was known.  None also if it was not asked, because an earlier policy is
    #: used or failed.
    fits: bool | None = None
    #: The raw value of its ETag, '' for none.
    etag: str = ''
    #: The expression that failed, as CMF's form names it, and the last line
    #: of the traceback; '' if no expression failed.
    failed: str = ''
    error: str = ''


def trace(content, view_name, keywords, request, manager_id):
    """Yield a :class:`Tried` for each policy, in the order of CMF.

    The arguments are the same as for :func:`..cmf.policy.ask`.  Errors of
    expressions are not raised.
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
    """Return the :class:`Tried` of one policy.

    `may_fit` and `answer` are its functions from :func:`..cmf.policy.each`.
    """
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
    """Return the :class:`Tried` of the policy that fails, None if all work.
    """
    return next((tried for tried in of(exchange) if tried.failed), None)


def of(exchange):
    """Return the trace for a request."""
    origin = exchange.origin
    return trace(
        origin.context, origin.name, origin.keywords, exchange.request,
        exchange.manager.getId())
