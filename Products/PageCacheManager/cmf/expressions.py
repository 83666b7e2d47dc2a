"""The expressions of caching policies, and the names that they use."""
import re
from functools import lru_cache

from AccessControl import getSecurityManager
from DateTime import DateTime
from Products.CMFCore.CachingPolicyManager import CachingPolicy
from Products.CMFCore.Expression import Expression
from Products.CMFCore.interfaces import IMembershipTool
from Products.PageTemplates.Expressions import SecureModuleImporter
from Products.PageTemplates.Expressions import getEngine
from zope.component import getSiteManager

from .etag_parts import Parts


#: Names that are expensive to provide, or that identify the visitor.
_NAMES = frozenset(['etag', 'keywords', 'member', 'request', 'time'])

#: The ETag expression for a policy of an old CMF, which has no ETag.
NONE = Expression('')

#: With one of these an expression may call a view, which has the request.
_WAYS_TO_VIEWS = ('@@', '++', 'traverse')

#: Not a use of the request: it is the same for all anonymous visitors.
_THE_USER = re.compile(r'''request\[(['"])authenticated_user\1\]''')


def named_by(policies):
    """Return the names in `_NAMES` that the policies need."""
    texts = []
    for _, policy in policies:
        if type(policy) is not CachingPolicy:
            return _NAMES
        texts += (
            policy._predicate.text, policy._mtime_func.text,
            policy.__dict__.get('_etag_func', NONE).text)
    return _named_in(tuple(texts))


@lru_cache(maxsize=256)
def _named_in(expressions):
    text = ' '.join(filter(None, expressions)).lower()
    text = _THE_USER.sub('', text)
    found = {name for name in _NAMES if name in text}
    if any(way in text for way in _WAYS_TO_VIEWS):
        found.add('request')
    return frozenset(found)


def context(content, view_name, keywords, request, named, manager_id=''):
    """Return the context of all expressions for one page.

    `named` is the result of :func:`named_by`; expensive names that are not in
    it are None.  `keywords` is a function that returns the keywords for a
    request.  ``page_cache`` and ``etag`` exist only if a manager asks, not if
    CMF itself asks.
    """
    names = {
        'content': content,
        'object': content,
        'view': view_name,
        'keywords': keywords(request) if 'keywords' in named else None,
        'request': request,
        'member': _member() if 'member' in named else None,
        'modules': SecureModuleImporter,
        'nothing': None,
        'time': DateTime() if 'time' in named else None,
    }
    if manager_id:
        names['page_cache'] = manager_id
        names['etag'] = Parts(content) if 'etag' in named else None
    return getEngine().getContext(names)


def _member():
    tool = getSiteManager().queryUtility(IMembershipTool)
    if tool is not None:
        if tool.isAnonymousUser():
            return None
        return tool.getAuthenticatedMember()
    user = getSecurityManager().getUser()
    if user is None or user.getUserName() == 'Anonymous User':
        return None
    return user
