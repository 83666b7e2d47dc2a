"""An operation for plone.app.caching, and the claims of other operations.

The caching control panel maps rulesets to operations.  A Page Cache Manager
stores the pages of rulesets that are mapped to our operation.  It also stores
pages of another operation, unless that operation stores the pages or lets
proxies store them.
"""
from plone.caching.interfaces import X_CACHE_RULE_HEADER
from plone.caching.interfaces import ICachingOperation
from plone.caching.interfaces import ICachingOperationType
from plone.caching.utils import findOperation
from plone.caching.utils import lookupOptions
from zope.component import adapter
from zope.interface import Interface
from zope.interface import implementer
from zope.interface import provider

from ..interfaces import Claim
from ..publisher.request import has_arrived
from . import operations


#: The name under which the operation is registered.
NAME = 'Products.PageCacheManager'

_RULE = X_CACHE_RULE_HEADER.lower()


@implementer(ICachingOperation)
@provider(ICachingOperationType)
@adapter(Interface, Interface)
class PageCacheOperation:
    """Hands the pages of a ruleset to a Page Cache Manager."""

    title = 'Page Cache Manager'
    description = (
        'Stores whole pages, also for members, and answers 304 to browsers '
        'with a current copy. caching_policy_manager sets ETag and headers; '
        'the Page Cache Manager has all other settings.')
    prefix = 'Products.PageCacheManager.operation'
    options = ('manager',)

    def __init__(self, published, request):
        pass

    def interceptResponse(self, rulename, response):
        """Do nothing: the manager answers later."""

    def modifyResponse(self, rulename, response):
        """Do nothing: the policy sets the headers."""


def claim(request):
    """Return the :class:`Claim` of the operation in charge, or None.

    Without the header of a ruleset no operation is in charge, so the search
    is skipped.  A request that Zope did not publish never has the header.
    """
    if has_arrived(request) and _RULE not in request.response.headers:
        return None
    rule, name, operation = findOperation(request)
    if operation is None:
        return None
    if name != NAME:
        return Claim(
            is_ours=False, why_not=operations.why_not(operation, rule))
    options = lookupOptions(PageCacheOperation, rule)
    return Claim(
        is_ours=True, manager_id=str(options.get('manager') or ''))

