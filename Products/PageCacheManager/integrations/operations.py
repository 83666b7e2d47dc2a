"""Finds out whether an operation of plone.app.caching stores a page."""
from plone.app.caching.operations.default import BaseCaching
from plone.app.caching.operations.default import NoCaching
from plone.app.caching.operations.utils import cacheStop
from plone.app.caching.operations.utils import visibleToRole
from plone.caching.interfaces import ICachingOperation
from plone.caching.operations import Chain
from plone.caching.utils import lookupOptions
from zope.component import queryMultiAdapter

from ..core.reasons import Reason
from ..key import visitor


#: An operation with one of these in its ETag does not share pages of members.
_OF_USERS = frozenset(['anonymousOrRandom', 'roles', 'userid'])


def why_not(operation, rule):
    """Return the reason why no manager may store a page of `operation`.

    It is '' if the operation neither stores the page nor lets proxies store
    it.
    """
    if isinstance(operation, Chain):
        return next(filter(None, (
            why_not(one, rule) for one in _chained(operation, rule))), '')
    if isinstance(operation, NoCaching):
        return Reason.NO_CACHING
    if not _is_known(type(operation)):
        return Reason.OTHER_CACHE
    return _why_not(operation, rule)


def _is_known(kind):
    """Return whether a class works like those of plone.app.caching."""
    return (
        kind.interceptResponse is BaseCaching.interceptResponse
        and kind.modifyResponse is BaseCaching.modifyResponse)


def _why_not(operation, rule):
    options = lookupOptions(type(operation), rule)
    ram, max_age, shared_max_age, only_anonymous = (
        options.get(name, getattr(operation, name))
        for name in ('ramCache', 'maxage', 'smaxage', 'anonOnly'))
    is_anonymous = visitor.current_user() is None
    if only_anonymous and not is_anonymous:
        return Reason.NO_CACHING
    in_proxies = shared_max_age or (max_age and shared_max_age is None)
    if not (ram or in_proxies) or cacheStop(operation.request, rule):
        return ''
    is_shared = is_anonymous or _OF_USERS.isdisjoint(
        options.get('etags') or operation.etags or ())
    if is_shared and visibleToRole(operation.published, 'Anonymous'):
        return Reason.OTHER_CACHE
    return ''


def _chained(operation, rule):
    names = lookupOptions(type(operation), rule)['operations'] or ()
    about = operation.published, operation.request
    for name in names:
        found = queryMultiAdapter(about, ICachingOperation, name=name)
        if found is not None:
            yield found
