"""A GET that is looked up on a copy of a request: nothing is rendered.

HEAD and Explain use it.  No other code is told of it, and nothing is counted
or stored.
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
    """Give a copy of `request` to look up, with GET for its method.

    User, site, skin and request of this thread are afterwards what they
    were.
    """
    security, site = getSecurityManager(), getSite()
    setSite(None)
    copy = request.clone()
    copy.__dict__[sessions.BEFORE] = sessions.thread.touches
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


def look_up(copy, origin):
    """Return the exchange of a GET, None if no manager keeps the page."""
    exchange = new_exchange(copy, origin, is_dry=True)
    if exchange is not None:
        exchange.look_up()
    return exchange
