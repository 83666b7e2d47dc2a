"""Finds the origin of a published object."""
from Acquisition import aq_base

from .template import PublishedTemplate
from .template import gives_its_page
from .view import published_view


def origin_of(published):
    """Return the :class:`Origin` of a published object, None if it has none.
    """
    if gives_its_page(type(aq_base(published))):
        return PublishedTemplate(published)
    return published_view(published)
