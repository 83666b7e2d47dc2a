"""Other code that hears of events, as long as a test wants it to."""
from contextlib import contextmanager

from zope.component import getGlobalSiteManager


@contextmanager
def handler(function, *for_):
    """Call `function` with each object that provides `for_` meanwhile."""
    components = getGlobalSiteManager()
    components.registerHandler(function, for_)
    try:
        yield
    finally:
        components.unregisterHandler(function, for_)
