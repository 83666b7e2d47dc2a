"""What a kind of site adds to the pages of its views."""
from zope.component import queryAdapter
from zope.component.hooks import getSite

from .interfaces import ISurroundings


def claim(request):
    """Return the :class:`interfaces.Claim` on a page, None if there is none.
    """
    found = _of_this_site()
    return None if found is None else found.claim(request)


def variant(context, request):
    """Return what else of user and request the page depends on, strings."""
    found = _of_this_site()
    return () if found is None else found.variant(context, request)


def marks_templates():
    """Tell whether an edit of any template in the database leaves a mark."""
    found = _of_this_site()
    return found is not None and found.marks_templates


def _of_this_site():
    site = getSite()
    return None if site is None else queryAdapter(site, ISurroundings)
