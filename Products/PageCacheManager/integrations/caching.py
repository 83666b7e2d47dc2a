"""plone.app.caching: an operation for its control panel, and its word.

Rulesets are mapped to operations there.  A page of a ruleset that has ours
is kept by a Page Cache Manager; of one that has another, unless that keeps
it, or has it kept.
"""
from plone.caching.interfaces import X_CACHE_RULE_HEADER
from plone.caching.interfaces import ICachingOperation
from plone.caching.interfaces import ICachingOperationType
from plone.caching.utils import findOperation
from plone.caching.utils import lookupOptions
from plone.registry.interfaces import IRegistry
from zope.component import adapter
from zope.component import queryUtility
from zope.interface import Interface
from zope.interface import implementer
from zope.interface import provider

from ..core.associations import SHOWS
from ..interfaces import Claim
from ..publisher.request import has_arrived
from . import operations


#: The name under which the operation is registered.
NAME = 'Products.PageCacheManager'

#: The record that maps rulesets to operations.
MAPPING = 'plone.caching.interfaces.ICacheSettings.operationMapping'

_RULE = X_CACHE_RULE_HEADER.lower()


@implementer(ICachingOperation)
@provider(ICachingOperationType)
@adapter(Interface, Interface)
class PageCacheOperation:
    """Hands the pages of a ruleset to a Page Cache Manager."""

    title = 'Page Cache Manager'
    description = (
        'Keeps whole pages, for members too, and says 304 to browsers that '
        'hold them. ETag and headers come from caching_policy_manager, and '
        'all else is set up at the Page Cache Manager.')
    prefix = 'Products.PageCacheManager.operation'
    options = ('manager', 'shows')

    def __init__(self, published, request):
        pass

    def interceptResponse(self, rulename, response):
        """Leave the answer to the manager, which is asked later."""

    def modifyResponse(self, rulename, response):
        """Leave headers to the policy."""


def has_rules(site):
    """Return whether any ruleset of the site is mapped to our operation."""
    registry = queryUtility(IRegistry, context=site)
    return registry is not None and NAME in (
        registry.get(MAPPING) or {}).values()


def claim(request):
    """Return the :class:`Claim` of the operation in charge, None if none is.

    The header saves the search for it where no ruleset fits.  A request that
    is not published has none.
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
    shows = options.get('shows')
    return Claim(
        is_ours=True, manager_id=str(options.get('manager') or ''),
        shows=shows if shows in SHOWS else 'site')

