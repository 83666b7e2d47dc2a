"""Checks plone.protect's token before a POST changes a manager.

Without a token plone.protect aborts the changes, but only after the manager
has answered that it saved them.  So this check comes first.

Other code may cause writes of marks, for instance by an event.  These writes
need no token.
"""
from types import MethodType

from AccessControl import getSecurityManager
from Acquisition import aq_parent
from plone.keyring.interfaces import IKeyManager
from plone.protect import auto
from plone.protect.authenticator import check
from plone.protect.authenticator import isAnonymousUser
from plone.protect.interfaces import IDisableCSRFProtection
from plone.protect.utils import getRootKeyManager
from plone.protect.utils import safeWrite
from plone.transformchain.interfaces import ITransform
from zope.component import queryMultiAdapter
from zope.component import queryUtility
from zope.component.hooks import getSite
from ZPublisher.pubevents import PubBeforeCommit

from ..interfaces import IPageCacheManager
from ..key.versions import holds_changes
from ..marks import is_mark
from ..PageCacheManager import manage_addPageCacheManager
from ..publisher.request import method


def check_token(event):
    """Raise Forbidden for a POST to a manager that lacks a valid token."""
    request = event.request
    if method(request) == 'POST' and _is_ours(
            request['PUBLISHED']) and _is_protected(request):
        check(request, manager=_key_manager(request))


def let_marks_be(event):
    """Exclude marks from the check of plone.protect.

    It still checks all other objects that the request changed.
    """
    if type(event) is not PubBeforeCommit:
        return
    connection = getattr(getSite(), '_p_jar', None)
    if connection is None or not holds_changes(connection):
        return
    for one in connection.connections.values():
        for ob in one._registered_objects:
            if is_mark(ob):
                safeWrite(ob, event.request)


def _is_ours(published):
    """Return whether the published object belongs to a manager or adds one.
    """
    if not isinstance(published, MethodType):
        return IPageCacheManager.providedBy(aq_parent(published))
    return (
        published.__func__ is manage_addPageCacheManager
        or IPageCacheManager.providedBy(published.__self__))


def _is_protected(request):
    """Return whether plone.protect would check the changes of the request.
    """
    return not (
        auto.CSRF_DISABLED
        or IDisableCSRFProtection.providedBy(request)
        or isAnonymousUser(getSecurityManager().getUser())
        or queryMultiAdapter(
            (request['PUBLISHED'], request), ITransform,
            name='plone.protect.autocsrf') is None)


def _key_manager(request):
    """Return the keys of the site, or of the root outside of sites."""
    keys = queryUtility(IKeyManager)
    return getRootKeyManager(request['PARENTS'][-1]) if keys is None else keys
