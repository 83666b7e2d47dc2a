"""Counts every access to a session of Products.Sessions.

All methods of its API use one of two methods: one returns the browser's id,
the other returns the data of any id.
"""
from Products.Sessions.BrowserIdManager import BrowserIdManager
from Products.Sessions.SessionDataManager import SessionDataManager

from ..core.wrapping import wrap
from ..publisher.sessions import touch


def watch(event):
    """Put a function before both methods, once; wrappers of other code stay.
    """
    wrap(BrowserIdManager, 'getBrowserId', _noting)
    wrap(SessionDataManager, '_getSessionDataContainer', _noting)


def _noting(plain):
    def noting(*args, **keywords):
        touch()
        return plain(*args, **keywords)
    return noting
