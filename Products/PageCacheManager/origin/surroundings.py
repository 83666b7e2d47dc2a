"""The kinds of sites, and their effects on pages."""
from Acquisition import aq_chain
from zope.component import getSiteManager
from zope.interface import implementer

from ..interfaces import ISurroundings
from ..key import visitor


@implementer(ISurroundings)
class Plain:
    """A site that adds nothing, or no site at all."""

    headers_of_all = frozenset()
    variant_names = ()

    def claim(self, request):
        """Return None: no other machinery has a claim."""

    def silence(self, request):
        """Do nothing: no other machinery sets headers."""

    #: Zope's negotiator decides.
    language = staticmethod(visitor.language)

    def variant(self, context, request):
        """Return no parts of the key."""
        return ()

    def chosen_by(self, language):
        """Return Accept-Language if there are several languages."""
        return () if language is None else ('accept-language',)

    def vary_by(self, request, language):
        """Return Accept-Language if there are several languages."""
        return () if language is None else ('Accept-Language',)

    def cookies(self, request):
        """Return no names."""
        return ()


_plain = Plain()


def around(ob):
    """Return the :class:`interfaces.ISurroundings` of the site around `ob`.

    The search covers `ob` and all objects around it, since `ob` may be a
    folder that is a site of its own inside that site.
    """
    adapters = getSiteManager().adapters
    for place in aq_chain(ob):
        found = adapters.queryAdapter(place, ISurroundings)
        if found is not None:
            return found
    return _plain
