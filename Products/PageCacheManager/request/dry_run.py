"""Looks up a GET on a copy of a request, without rendering.

HEAD and Explain use it.  Other code gets no event of it, and nothing is
counted or stored.
"""
from contextlib import contextmanager

from AccessControl.SecurityManagement import getSecurityManager
from AccessControl.SecurityManagement import setSecurityManager
from Acquisition import aq_base
from zope.component.hooks import getSite
from zope.component.hooks import setSite
from zope.globalrequest import getRequest
from zope.globalrequest import setRequest
from ZPublisher.WSGIPublisher import validate_user

from ..cmf import guard
from ..publisher import sessions
from .exchange import new_exchange


@contextmanager
def copied(request):
    """Yield a copy of `request` for a look-up; its method is GET.

    Afterwards user, site, skin and request of this thread are restored.
    """
    security, site = getSecurityManager(), getSite()
    setSite(None)
    copy = request.clone()
    copy.__dict__[sessions.BEFORE] = sessions.thread.touches
    current = getRequest()
    setRequest(copy)  # some code reads the method from there
    # the root that this returns is bound to the original request
    copy['PARENTS'] = [aq_base(copy['PARENTS'][-1])]
    with guard.skin_aside():
        try:
            yield copy
        finally:
            # an object in `_held` removes the skin of the thread when it is
            # deleted, and the moment of that is not known
            copy._held = None
            setRequest(current)
            setSite(site)
            setSecurityManager(security)


def traverse(copy):
    """Return the object that GET would publish; raise errors of traversal."""
    copy.processInputs()
    return copy.traverse(
        copy.get('PATH_INFO', ''), validated_hook=validate_user)


def look_up(copy, origin):
    """Return the exchange of a GET, None if no manager keeps the page."""
    exchange = new_exchange(copy, origin, is_dry=True)
    if exchange is not None:
        exchange.look_up()
    return exchange
