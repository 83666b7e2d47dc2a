"""Which pages of a manager are of now, and which are of before.

Its identity and its marks tell.  Both are in the database, so that each
client of it knows.
"""
from uuid import uuid4

from AccessControl.class_init import InitializeClass
from AccessControl.SecurityInfo import ClassSecurityInfo

from . import caches
from .core.keys import row_id
from .marks import ContentMarks
from .marks import Invalidations
from .marks import PurgeMark
from .versions import changed_at
from .versions import identity_of
from .versions import version_of


#: Longer ones are not paths.
MAX_PATH_LENGTH = 2000


class Generation:
    """The part of a Page Cache Manager that has identity and marks."""

    security = ClassSecurityInfo()

    # absent in a manager of 1.2's time until it is next saved
    _uid = None
    _purged = None
    _invalidated = None
    _contents = None

    @security.private
    def renew(self):
        """Begin a new identity: what was stored so far is another's."""
        self._uid = uuid4().hex
        self._purged = PurgeMark()
        self._invalidated = Invalidations()
        self._contents = ContentMarks()

    @security.private
    def cache_name(self):
        """Return the name of this manager's cache in every process."""
        return self._uid or identity_of(self)

    @security.private
    def generation_of(self, identity, page):
        """Return the generation of a page, None if it changes just now.

        `identity` is the template's, '' for a view; `page` is the template's
        path, the context's path and the URL.
        """
        # of 1.2's time and not yet saved: any write makes it another
        purged = version_of(self if self._purged is None else self._purged)
        if purged is None:
            return None
        return ' '.join((self.cache_name(), purged, *self._marks(
            identity, page)))

    def _marks(self, identity, page):
        if self._invalidated is None or not self._invalidated.marks:
            return ()
        marks = self._invalidated.marks
        named = (identity, *page[:2], row_id(page))
        return [f'{i}{marks[n]}' for i, n in enumerate(named) if n in marks]

    @security.private
    def content_versions(self, shows, path):
        """Return the versions of what a view's page shows, all strings.

        One of them is None where it changes just now.
        """
        if self._contents is None:
            return [None]
        return [version_of(mark) for mark in self._contents.of(shows, path)]

    @security.private
    def content_marks(self):
        """Return the marks to write when content changes, None if none.

        A manager of old has none until it is saved.
        """
        return self._contents

    @security.private
    def changed_at(self):
        """Return when pages were last purged or invalidated, seconds."""
        return max(
            (changed_at(mark) for mark in (self._purged, self._invalidated)
             if mark is not None), default=0)

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
            if path.startswith('/'):
                names.add(identity_of(self.unrestrictedTraverse(path, None)))
        return names - {''}

    def _modernize(self):
        """Give a manager of 1.2's time what it lacks."""
        if self._uid is None:
            caches.drop_after_commit(self.cache_name())
            self.renew()
        if self._contents is None:
            self._contents = ContentMarks()


InitializeClass(Generation)
