"""Other code that gets to see a response before the commit."""
from zope.component import getSiteManager
from zope.event import subscribers
from zope.interface import implementedBy
from ZPublisher.pubevents import PubBeforeCommit


#: Finds our own handlers, and all that come after them.
_BEFORE_COMMIT = implementedBy(PubBeforeCommit)
_PRODUCT = __package__.rpartition('.')[0]
_OURS = (f'{_PRODUCT}.request.events', f'{_PRODUCT}.integrations.')

#: The module that calls the transforms of a Plone site.
TRANSFORMS = 'plone.transformchain.zpublisher'


def others_follow(but=None):
    """Return whether other code gets to see a response before the commit.

    It may change the body, which it does not expect to be in a coding.
    Handlers of the module `but` do not count.
    """
    # the one that zope.component has there asks the component registries
    if len(subscribers) > 1:
        return True
    for handler in getSiteManager().adapters.subscriptions(
            [_BEFORE_COMMIT], None):
        module = getattr(handler, '__module__', '') or ''
        if module != but and not module.startswith(_OURS):
            return True
    return False
