"""The generation of a manager: separates current pages from older ones.

It is made from the manager's identity and marks.  Both are in the database, so
the generation is the same on each client.
"""
from uuid import uuid4

from AccessControl.class_init import InitializeClass
from AccessControl.SecurityInfo import ClassSecurityInfo
from Acquisition import aq_base
from BTrees.Length import Length
from zope.event import notify

from ..key.versions import identity_of
from ..key.versions import latest_of
from ..marks import Invalidations
from ..marks import PurgeMark
from ..marks import is_below
from . import caches
from .events import PagesPurged


#: A longer text is not a path.
MAX_PATH_LENGTH = 2000


class Generation:
    """Identity and marks of a Page Cache Manager."""

    security = ClassSecurityInfo()

    # a manager of release 1.2 lacks these until it is saved again
    _uid = None
    _purged = None
    _invalidated = None

    @security.private
    def renew(self):
        """Take a new identity, so that no page stored so far is used."""
        self._uid = uuid4().hex
        self._purged = Length()
        self._invalidated = Invalidations()

    @security.private
    def cache_name(self):
        """Return the name of this manager's cache in every process."""
        return self._uid or identity_of(self)

    @security.private
    def generation_of(self, identity, page):
        """Return the generation of a page.

        None if this transaction changes it.  `identity` is the identity of
        the template, '' for a view.  `page` is the path of the template, the
        path of the context, and the URL.
        """
        marks = self._invalidated
        # a manager of release 1.2 has no marks until it is saved again
        latest = latest_of([self]) if marks is None else marks.latest(
            identity, page, self._purged)
        return latest and f'{self._uid or identity_of(self)} {latest}'

    @security.private
    def marks_of(self, identity, page):
        """Return the objects that a purge or invalidation of a page writes.
        """
        if self._invalidated is None:
            return [self]  # any write to it changes the generation
        return self._invalidated.of(identity, page, self._purged)

    @security.private
    def oids_of(self, marks):
        """Return the oids of objects that a look-up reads, but no page shows.

        `marks` is the result of `marks_of`.
        """
        if self._invalidated is None:
            return frozenset()
        names = self._invalidated
        return frozenset([ob._p_oid for ob in (
            self._purged, names, names.anything, names.anything_below, *marks)
            if ob is not None])

    @security.private
    def invalidate(self, names, templates=frozenset()):
        """Invalidate the pages of contexts, report rows, templates and views.

        `names` are paths of contexts and ids of rows.  A path that ends in a
        slash stands for all content below, too.  `templates` are names of
        views, and names and identities of templates.
        """
        self._modernize()
        self._invalidated.mark(names, templates)
        notify(PagesPurged(self, frozenset(names)))
        caches.after_commit(
            self.cache_name(), caches.ManagerCache.forget, names)

    def _names_of(self, paths):
        if not isinstance(paths, (list, tuple, set, frozenset)) or not paths:
            raise ValueError('Select at least one page to invalidate.')
        names = set()
        for path in paths:
            if not isinstance(path, str) or not path.startswith(
                    ('/', '@@', 'page:')) or len(path) > MAX_PATH_LENGTH:
                raise ValueError(
                    f'{path!r:.60} is neither a path, a view such as @@view, '
                    'nor a row of the report.')
            names.add(path)
        return names

    def _templates_of(self, names):
        """Yield the names of views, and names and identities of templates.
        """
        for name in names:
            if name.startswith('@@'):
                yield name
            elif name.startswith('/') and not is_below(name):
                found = self.unrestrictedTraverse(name, None)
                if found is None or hasattr(aq_base(found), 'pt_render'):
                    yield name
                    yield identity_of(found)

    def _modernize(self):
        """Replace the attributes of an earlier release."""
        if self._uid is None:
            caches.drop_after_commit(self.cache_name())
            self.renew()
        if '_contents' in vars(self):  # marks of content
            del self._contents
        if isinstance(self._purged, PurgeMark):
            self._purged = Length()
        self._invalidated.modernize()


InitializeClass(Generation)
