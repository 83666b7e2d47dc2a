"""Notes every access to a session of Products.Sessions.

All ways of its API lead through two methods: one returns the browser's id,
the other the data of any id.
"""
from functools import wraps

from Products.Sessions.BrowserIdManager import BrowserIdManager
from Products.Sessions.SessionDataManager import SessionDataManager

from ..publisher.sessions import touch


def watch(event):
    """Wrap both methods; wrappers of other code stay."""
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
