"""A GET walked through on a copy of a request, without rendering.

It goes up to the point where the template or the view would render.  What
the cache would do is known by then.
"""
from contextlib import contextmanager

from AccessControl.SecurityManagement import getSecurityManager
from AccessControl.SecurityManagement import setSecurityManager
from Acquisition import aq_base
from zope.component.hooks import getSite
from zope.component.hooks import setSite
from zope.event import notify
from zope.globalrequest import getRequest
from zope.globalrequest import setRequest
from ZPublisher.pubevents import PubAfterTraversal
from ZPublisher.WSGIPublisher import validate_user

from ..cmf import guard
from ..interfaces import IPageCacheManager
from ..origin.published import manager_of
from ..origin.published import published_view
from .stand_in import stand_in_for
from .visit import begin
from .visit import start


@contextmanager
def copied(request):
    """Give a copy of `request` to walk with, with GET for its method.

    User, site, skin and request of this thread are afterwards what they
    were.
    """
    security, site = getSecurityManager(), getSite()
    setSite(None)
    copy = request.clone()
    start(copy)
    current = getRequest()
    setRequest(copy)  # by which some find the method that was asked for
    # the root as it is given out is bound to the request itself
    copy['PARENTS'] = [aq_base(copy['PARENTS'][-1])]
    with guard.skin_aside():
        try:
            yield copy
        finally:
            # what is held here takes the thread's skin away when it goes,
            # and nobody knows when the copy goes
            copy._held = None
            setRequest(current)
            setSite(site)
            setSecurityManager(security)


def traverse(copy):
    """Return what GET would publish; raises what it would raise."""
    copy.processInputs()
    return copy.traverse(
        copy.get('PATH_INFO', ''), validated_hook=validate_user)


def tell_others(copy):
    """Let other code have its say, as it has once a page is traversed to.

    It may set what the page is made with, or raise what ends the request.
    """
    notify(PubAfterTraversal(copy))


def is_ours(published):
    """Tell whether this is a template or view that is associated with us."""
    view = published_view(published)
    if view is not None:
        return manager_of(view)[0] is not None
    return IPageCacheManager.providedBy(manager_of_template(published))


def manager_of_template(published):
    """Return the cache manager of a page template, None if it has none.

    It may be of any kind.
    """
    if not is_template(published) or not published.ZCacheable_enabled():
        return None
    return published.ZCacheable_getManager()


def is_template(published):
    """Return whether this is a page template that asks caches.

    A management screen is none, though it acquires what its object has.
    """
    base = aq_base(published)
    return hasattr(base, 'pt_render') and hasattr(
        base, 'ZCacheable_getManager')


def look(published, copy, leaves_traces=True):
    """Let the cache look for a page of ours; return the visit of GET."""
    visit = begin(copy, is_head=True, leaves_traces=leaves_traces)
    stand_in_for(published, copy)()
    return visit


def needs_rendering_to_tell(call):
    """Tell whether only rendering would say if this user may see the page.
    """
    return call.page is None and not call.may_view
