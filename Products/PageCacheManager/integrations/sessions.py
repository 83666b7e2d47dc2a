"""Notes when a session of Products.Sessions is looked at, or for.

All ways of its API lead through two methods: the browser's id is asked for by
the one, and the data of any id come through the other.
"""
from functools import wraps

from Products.Sessions.BrowserIdManager import BrowserIdManager
from Products.Sessions.SessionDataManager import SessionDataManager

from ..publisher.sessions import touch


def watch(event):
    """Note it from now on; what else was put around the methods stays."""
    for kind, name in (
            (BrowserIdManager, 'getBrowserId'),
            (SessionDataManager, '_getSessionDataContainer')):
        method = getattr(kind, name)
        if not hasattr(method, 'notes_session'):
            setattr(kind, name, _noted(method))


def _noted(method):
    @wraps(method)
    def noting(*args, **keywords):
        touch()
        return method(*args, **keywords)

    noting.notes_session = True
    return noting
