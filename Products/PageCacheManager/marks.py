"""Small persistent objects whose writes make pages of before invalid.

They stand beside the manager, so that a purge writes nothing else and two
of them at once do not conflict.
"""
import time
from uuid import uuid4

from BTrees.Length import Length
from BTrees.OOBTree import OOBTree
from persistent import Persistent


#: More invalidated paths than this, and all pages are forgotten instead.
MAX_INVALIDATED = 200

#: When content under more paths than this has changed, all are taken as
#: changed.
MAX_CHANGED = 10_000


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
        self.site = PurgeMark()
        #: What of some content shows on other pages: titles, states ...
        self.listed = PurgeMark()
        #: Any content.
        self.anything = PurgeMark()
        #: Physical path to mark; with a slash at the end, of what is in it.
        self.changed = OOBTree()
        self._number = Length()

    def content_changed(self, path):
        """Mark the content at the physical `path`, and what it is in."""
        self.anything.mark()
        for name in (path, path.rpartition('/')[0] + '/'):
            mark = self.changed.get(name)
            if mark is None:
                mark = self._add(name)
            mark.mark()

    def _add(self, name):
        if self._number() >= MAX_CHANGED:
            self.changed.clear()
            self._number.set(0)
            self.site.mark()
        self._number.change(1)
        mark = self.changed[name] = PurgeMark()
        return mark

    def of(self, shows, path):
        """Return the marks that count for a page of the content at `path`.
        """
        found = [self.site, self.listed]
        if shows == 'site':
            return [*found, self.anything]
        names = [path, f'{path}/'] if shows == 'folder' else [path]
        return found + [
            self.changed[name] for name in names if name in self.changed]
