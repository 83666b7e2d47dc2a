"""The one question to CMF's caching policies.

No other module knows CMFCore.  CMF itself asks its policies once for headers
and once more for a conditional request, and only for filesystem templates;
here they are asked once, for every kind of template, and CMF is kept from
asking again.
"""
from typing import NamedTuple

from AccessControl import getSecurityManager
from Acquisition import aq_base
from Acquisition import aq_get
from Acquisition import aq_parent
from DateTime import DateTime
from Products.CMFCore.FSFile import FSFile
from Products.CMFCore.FSImage import FSImage
from Products.CMFCore.interfaces import ICachingPolicyManager
from Products.CMFCore.interfaces import IMembershipTool
from Products.CMFCore.utils import SUBTEMPLATE
from Products.CMFCore.utils import _setCacheHeaders
from Products.CMFCore.utils import _ViewEmulator
from Products.PageTemplates.Expressions import SecureModuleImporter
from Products.PageTemplates.Expressions import getEngine
from zope.component import queryUtility

from .core.conditional import parse_date


#: What may not stand in a header value: control characters would end it.
_CONTROLS = dict.fromkeys([*range(32), 127])


class Answer(NamedTuple):
    """What the first fitting policy says about one page."""

    #: Lower-case names to values, ETag left out.
    headers: dict
    #: The raw value of the policy's ETag, '' if it has none.
    etag: str
    #: Whether the policy lets conditional requests be answered with 304.
    allows_304: bool
    #: Last-Modified in seconds since 1970, or None.
    modified: int | None


def find_manager(content):
    """Return the caching policy manager for `content`, or None.

    What is acquired under its name counts only if it says that it is one.
    """
    manager = aq_get(content, 'caching_policy_manager', None)
    if ICachingPolicyManager.providedBy(manager):
        return manager
    return queryUtility(ICachingPolicyManager)


def ask(template, keywords):
    """Return the :class:`Answer` for `template` in its context, or None.

    `keywords` are those that CMF gives to its expressions.  None means that
    no policy fits.  Whatever an expression raises goes to the caller.
    """
    content = aq_parent(template)
    manager = find_manager(content)
    if manager is None:
        return None
    context = _expression_context(content, template.getId(), keywords)
    for _, policy in manager.listPolicies():
        headers = policy.getHeaders(context)
        if headers:
            return _answer(headers, policy)
    return None


def _expression_context(content, view_name, keywords):
    return getEngine().getContext({
        'content': content,
        'object': content,
        'view': view_name,
        'keywords': keywords,
        'request': getattr(content, 'REQUEST', {}),
        'member': _member(),
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


def _answer(headers, policy):
    values = {}
    etag = ''
    for name, value in headers:
        if name.lower() == 'etag':
            etag = _tag_text(value)
        else:
            values[name.lower()] = header_text(value)
    return Answer(
        values, etag, bool(policy.getEnable304s()),
        parse_date(values.get('last-modified', '')))


def _tag_text(value):
    if value is None or value is False:
        return ''
    if isinstance(value, bytes):
        return value.decode('latin-1')
    return str(value)


def header_text(value):
    """Return `value` as text that can stand in a header."""
    text = value.decode('latin-1') if isinstance(value, bytes) else str(value)
    if text.isascii() and text.isprintable():
        return text
    text = text.translate(_CONTROLS)
    return text.encode('latin-1', 'replace').decode('latin-1')


def keep_cmf_from_asking(request):
    """Make CMF take the template for a part of another one.

    CMF counts nested templates in an attribute of the request, and asks its
    policies for the outermost alone.  Return False where it does so anyway.
    """
    if request.__dict__.get(SUBTEMPLATE, 0):
        return False
    setattr(request, SUBTEMPLATE, 1)
    return True


def let_cmf_ask_again(request):
    """Undo :func:`keep_cmf_from_asking`, whatever failed meanwhile."""
    request.__dict__.pop(SUBTEMPLATE, None)


def set_headers_of_file(ob):
    """Let CMF set the policy's headers of a filesystem file or image.

    With a cache manager behind such a file it leaves them to the cache.
    """
    if isinstance(aq_base(ob), (FSFile, FSImage)):
        _setCacheHeaders(_ViewEmulator().__of__(ob), extra_context={})
