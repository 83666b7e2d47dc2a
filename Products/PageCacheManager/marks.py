"""Small persistent objects whose writes make pages of before invalid.

They stand beside the manager, so that a purge writes nothing else and two
of them at once do not conflict.
"""
import time
from uuid import uuid4

from persistent import Persistent

from .core.keys import digest


#: More invalidated paths than this, and all pages are forgotten instead.
MAX_INVALIDATED = 200

#: How many marks all paths share.  Those that share one are taken as changed
#: together, which costs a render now and then.
SHARED_MARKS = 512


class PurgeMark(Persistent):
    """Written at each purge: its serial is a part of every key.

    A serial rises with every write, undo included; a counter would come
    back with undo.
    """

    purged_at = None

    def mark(self):
        """Make this transaction forget all pages."""
        self.purged_at = time.time()

    def _p_resolveConflict(self, old, saved, new):
        return new  # both purge, and the serial is new in any case


class ContentMark(PurgeMark):
    """Written with a change of content or set-up, never by itself."""


class Invalidations(Persistent):
    """Names of templates, contexts and pages, each with a mark of its own."""

    def __init__(self):
        self.marks = {}

    def mark(self, names):
        """Give each of `names` a new mark; return whether there is room."""
        mark = uuid4().hex[:16]
        self.marks = {**self.marks, **dict.fromkeys(names, mark)}
        return len(self.marks) <= MAX_INVALIDATED

    def clear(self):
        self.marks = {}

    def _p_resolveConflict(self, old, saved, new):
        return {**new, 'marks': {**saved['marks'], **new['marks']}}


class ContentMarks(Persistent):
    """What of a site's content and set-up changed, a mark for each.

    Only pages of views are concerned.  A mark is written in the transaction
    of the change, so all clients of the database know of it at once.
    """

    def __init__(self):
        #: Settings that show on any page: theme, language, portlets ...
        self.site = ContentMark()
        #: What of some content shows on other pages: titles, states ...
        self.listed = ContentMark()
        #: Any content.
        self.anything = ContentMark()
        #: For each path one of these; with a slash at the end, of what is
        #: in it.  All are there from the start: a mark that came with a
        #: change would make it conflict with others, and forbid its undo.
        self.changed = tuple(ContentMark() for _ in range(SHARED_MARKS))

    def content_changed(self, path):
        """Mark the content at the physical `path`, and what it is in."""
        self.anything.mark()
        # a comment has the path of a namespace, and shows on its content
        page = path.partition('/++')[0]
        for name in {page, path, path.rpartition('/')[0] + '/'}:
            self._of_path(name).mark()

    def _of_path(self, path):
        return self.changed[int(digest(path), 16) % len(self.changed)]

    def of(self, shows, path):
        """Return the marks that count for a page of the content at `path`.
        """
        found = [self.site, self.listed]
        if shows == 'site':
            return [*found, self.anything]
        names = [path, f'{path}/'] if shows == 'folder' else [path]
        return found + [self._of_path(name) for name in names]
