"""Kinds of sites, and their part in the pages of views."""
from Acquisition import aq_chain
from zope.component import getSiteManager
from zope.interface import implementer

from ..interfaces import ISurroundings
from ..key import visitor


@implementer(ISurroundings)
class Plain:
    """A site, or none, that adds nothing."""

    headers_of_all = frozenset()
    variant_names = ()

    def claim(self, request):
        """Return None: nobody else has a say."""

    def silence(self, request):
        """Do nothing: nobody else has a say."""

    #: By Zope's negotiator.
    language = staticmethod(visitor.language)

    def variant(self, context, request):
        """Return nothing else."""
        return ()

    def chosen_by(self, language):
        """Return Accept-Language if there are several languages."""
        return () if language is None else ('accept-language',)

    def vary_by(self, request, language):
        """Return the same."""
        return () if language is None else ('Accept-Language',)

    def cookies(self, request):
        """Return no names."""
        return ()


_plain = Plain()


def around(ob):
    """Return the :class:`interfaces.ISurroundings` of the site around `ob`.

    A folder may be a site of its own within the one that has them.
    """
    adapters = getSiteManager().adapters
    for place in aq_chain(ob):
        found = adapters.queryAdapter(place, ISurroundings)
        if found is not None:
            return found
    return _plain
