"""Parts of an ETag that expressions of policies may call by name."""
import time

from AccessControl import getSecurityManager
from Acquisition import aq_base
from Products.CMFCore.utils import getToolByName


HOUR_SECS = 3600


class Parts:
    """The variable ``etag``: ``string:${etag/user}|${etag/hour}``.

    Each method returns a string.  The ETag need not name the objects that a
    page was made from.  These parts are for other dependencies.
    """

    __allow_access_to_unprotected_subobjects__ = True

    def __init__(self, content):
        self._content = content

    def user(self):
        """Return the id of the user, '' for an anonymous visitor."""
        return str(getSecurityManager().getUser().getId() or '')

    def roles(self):
        """Return the roles of the user in the content, sorted."""
        user = getSecurityManager().getUser()
        return ' '.join(sorted(user.getRolesInContext(self._content)))

    def modified(self):
        """Return the date of the last change, in seconds since 1970.

        It is '' for content without a method ``modified``.
        """
        find = getattr(aq_base(self._content), 'modified', None)
        return '' if find is None else str(
            self._content.modified().timeTime())

    def hour(self):
        """Return the number of hours since 1970."""
        return self.period(HOUR_SECS)

    def period(self, secs):
        """Return the number of periods of `secs` seconds since 1970.

        Raises ValueError if `secs` is less than 1.
        """
        if secs < 1:
            raise ValueError(f'A period of {secs!r} s is less than a second.')
        return str(int(time.time() // secs))

    def catalog(self):
        """Return the number of changes of the catalog, '' without a catalog.

        It changes with each edit of the site, and so does the ETag.
        """
        catalog = getToolByName(self._content, 'portal_catalog', None)
        return '' if catalog is None else str(catalog.getCounter())
