"""What a kind of site adds to the pages of its views."""
from Acquisition import aq_chain
from zope.component import getSiteManager
from zope.component.hooks import getSite
from zope.interface import implementer

from ..interfaces import ISurroundings
from ..key import visitor


@implementer(ISurroundings)
class Plain:
    """A site, or none, that adds nothing."""

    marks_templates = False
    headers_of_all = frozenset()
    variant_names = ()

    def claim(self, request):
        """Return None: nobody else has a say."""

    def claims_views(self):
        """Return False."""
        return False

    def silence(self, request):
        """Do nothing: nobody else has a say."""

    def language(self, request):
        """Return the languages by Zope's negotiator."""
        return visitor.language(request)

    def variant(self, context, request):
        """Return nothing else."""
        return ()

    def chosen_by(self, request):
        """Return Accept-Language if there are several languages."""
        return ('accept-language',) if visitor.has_languages() else ()

    def vary_by(self, request):
        """Return the same."""
        return ('Accept-Language',) if visitor.has_languages() else ()

    def cookies(self, request):
        """Return no names."""
        return ()


_plain = Plain()


def here():
    """Return the :class:`interfaces.ISurroundings` of the current site."""
    return around(getSite())


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
