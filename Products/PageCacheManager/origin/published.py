"""Which origin a request leads to."""
from Acquisition import aq_base

from .template import PublishedTemplate
from .template import gives_its_page
from .view import published_view


def origin_of(published):
    """Return the :class:`Origin` that is published, None for what is none.
    """
    if gives_its_page(type(aq_base(published))):
        return PublishedTemplate(published)
    return published_view(published)
