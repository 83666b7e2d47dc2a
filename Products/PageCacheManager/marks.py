"""Small persistent objects: a write to one of them invalidates older pages.

The version of a mark is its serial, which rises with every write, also with
an undo.  A counter would return to its old value with an undo.

Marks are objects of ``BTrees.Length``.  Every database resolves conflicts of
their writes, even a ZEO server without this product.  So a purge can be
undone although other purges came after it.  All marks exist from the start:
if a change created a mark, it would conflict with other changes and could
not be undone.
"""
import time
from zlib import crc32

from BTrees.Length import Length
from persistent import Persistent

from .core.key import row_id
from .key.versions import is_newest
from .key.versions import latest_of


#: The number of marks that all names share.  Names with the same mark are
#: invalidated together, which sometimes costs a render without need.
SHARED_MARKS = 512


def is_below(name):
    """Return whether `name` stands for a path and all content below it."""
    return name.startswith('/') and name.endswith('/')


def write(mark):
    """Invalidate the pages of `mark` that are older than this transaction.
    """
    mark.change(1)
    mark._v_is_mark = True


def is_mark(ob):
    """Return whether a changed object `ob` is a mark."""
    return '_v_is_mark' in getattr(ob, '__dict__', ())


class PurgeMark(Persistent):
    """A mark of an earlier release, which had its own class for marks.

    Its conflicts resolve only if the product is installed in the process
    that stores the data.
    """

    purged_at = None

    @property
    def value(self):
        """The time of the last write, 0 before the first one."""
        return self.purged_at or 0

    def change(self, delta):
        """Mark this object as changed."""
        self.purged_at = time.time()

    def _p_resolveConflict(self, old, saved, new):
        return new  # the serial is new in any case


class Invalidations(Persistent):
    """The marks for names of contexts, rows and templates.

    A hash of the name chooses one of the shared marks.  The version of this
    object counts too, because an undo may restore the marks from before
    `modernize`.
    """

    # missing in objects of an earlier release that stored names
    changed = ()
    # missing in objects of an earlier release without these marks
    below, anything_below = (), None

    def __init__(self):
        self.renew()

    def renew(self):
        """Create new marks."""
        self.changed = _new_marks(SHARED_MARKS)
        #: Marks of templates and views.  They are separate, because all
        #: pages of a template or view depend on its mark.
        self.templates = _new_marks(SHARED_MARKS // 4)
        #: Marks of paths with all content below.
        self.below = _new_marks(SHARED_MARKS // 4)
        #: Written with each mark in `below`, so that a look-up can skip them.
        self.anything_below = Length()
        #: Written with every other mark, so that a look-up can skip them.
        self.anything = Length()

    def modernize(self):
        """Replace the marks of an earlier release by new ones."""
        if not self.below or not isinstance(self.changed[0], Length):
            vars(self).clear()
            self.renew()

    def of_name(self, name):
        """Return the mark of `name`."""
        return _of_name(self.changed, name)

    def mark(self, names, templates):
        """Write the marks of `names` and of `templates`."""
        write(self.anything)
        for name in names:
            if is_below(name):
                write(self.anything_below)
                write(_of_name(self.below, name))
            else:
                write(self.of_name(name))
        for name in templates:
            write(_of_name(self.templates, name))

    def latest(self, identity, page, purged):
        """Return the version of the marks that `of` returns, or None."""
        if self.changed:
            latest = latest_of([self, purged, self.anything])
            if latest is not None and self.anything._p_serial <= max(
                    self._p_serial, purged._p_serial):
                return latest  # no name was invalidated since the purge
        return latest_of(self.of(identity, page, purged))

    def of(self, identity, page, purged):
        """Return the marks on which a page of a template or view depends.

        `purged` is the mark of the last purge of all pages.  Marks of names
        are left out if no name was invalidated after it.  So most requests
        need no search for them.
        """
        found = [self, purged]
        if not self.changed or not is_newest(self.anything, found):
            return found
        names = (identity, page[0]) if identity else page[:1]
        of_names = [
            self.of_name(page[1]), self.of_name(row_id(page)),
            *(_of_name(self.templates, name) for name in names)]
        if self.below and is_newest(self.anything_below, found):
            of_names += [
                _of_name(self.below, name) for name in _above(page[1])]
        return found + of_names


class ContentMarks(Persistent):
    """Marks of content in managers of earlier releases; see `Generation`."""


def _new_marks(count):
    return tuple(Length() for _ in range(count))


def _above(path):
    """Return the names, with a slash at the end, that include `path`.

    They are those of the root, of each folder on the way, and of `path`.
    """
    parts = path.split('/')
    return [
        '/'.join([*parts[:number], ''])
        for number in range(1, len(parts) + 1)]


def _of_name(marks, name):
    data = name.encode('utf-8', 'surrogatepass')
    return marks[crc32(data) % len(marks)]
