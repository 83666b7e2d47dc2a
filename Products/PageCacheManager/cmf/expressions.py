"""What the expressions of a caching policy name, and get to see."""
import re
from functools import lru_cache

from AccessControl import getSecurityManager
from DateTime import DateTime
from Products.CMFCore.CachingPolicyManager import CachingPolicy
from Products.CMFCore.interfaces import IMembershipTool
from Products.PageTemplates.Expressions import SecureModuleImporter
from Products.PageTemplates.Expressions import getEngine
from zope.component import queryUtility


#: What is dear to have, or tells whose page it is.
_NAMES = frozenset(['member', 'request'])

#: By these an expression may lead to a view, which has the request.
_WAYS_TO_VIEWS = ('@@', '++', 'traverse')

#: This is the same for all who are anonymous.
_THE_USER = re.compile(r'''request\[(['"])authenticated_user\1\]''')


def named_by(policies):
    """Return which of `_NAMES` stand in the expressions of the policies."""
    texts = []
    for _, policy in policies:
        if type(policy) is not CachingPolicy:
            return _NAMES
        texts += (
            policy.getPredicate(), policy.getETagFunc(),
            policy.getMTimeFunc())
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

    What is dear is looked for only if `named` has it, see :func:`named_by`.
    ``page_cache`` is there only where a manager asks, not CMF itself.
    """
    return getEngine().getContext({
        **({'page_cache': manager_id} if manager_id else {}),
        'content': content,
        'object': content,
        'view': view_name,
        'keywords': keywords,
        'request': request,
        'member': _member() if 'member' in named else None,
        'modules': SecureModuleImporter,
        'nothing': None,
        'time': DateTime(),
    })


def _member():
    tool = queryUtility(IMembershipTool)
    if tool is not None:
        if tool.isAnonymousUser():
            return None
        return tool.getAuthenticatedMember()
    user = getSecurityManager().getUser()
    if user is None or user.getUserName() == 'Anonymous User':
        return None
    return user
