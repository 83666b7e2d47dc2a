"""Other code that can see a response before the commit."""
from zope.component import getSiteManager
from zope.event import subscribers
from zope.interface import implementedBy
from ZPublisher.pubevents import PubBeforeCommit


#: Finds all handlers of the event, our own handlers too.
_BEFORE_COMMIT = implementedBy(PubBeforeCommit)
_PRODUCT = __package__.rpartition('.')[0]
_OURS = (f'{_PRODUCT}.request.events', f'{_PRODUCT}.integrations.')

#: The module that calls the transforms of a Plone site.
TRANSFORMS = 'plone.transformchain.zpublisher'


def others_follow(but=None):
    """Return whether other code can see a response before the commit.

    Such code may change the body, and expects a body without a content
    coding.  Handlers of the module `but` do not count.
    """
    # one subscriber, of zope.component, calls the registered handlers
    if len(subscribers) > 1:
        return True
    for handler in getSiteManager().adapters.subscriptions(
            [_BEFORE_COMMIT], None):
        module = getattr(handler, '__module__', '') or ''
        if module != but and not module.startswith(_OURS):
            return True
    return False
