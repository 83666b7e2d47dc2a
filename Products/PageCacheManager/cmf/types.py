"""The portal types of a site."""
from Products.CMFCore.interfaces import ITypesTool
from zope.component import queryUtility


def portal_types():
    """Return the ids of all types, None where the site has no types tool."""
    tool = queryUtility(ITypesTool)
    return None if tool is None else frozenset(tool.listContentTypes())
