"""Small persistent objects whose writes make pages of before invalid.

The version of a mark is its serial, which rises with every write, undo
included; a counter would come back with undo.

Marks are BTrees' lengths: any database resolves conflicts of their writes,
a ZEO server too that has nothing but ZEO, and a purge can be undone though
others came after it.  All are there from the start: one that came with a
change would make it conflict with others, and forbid its undo.
"""
import time
from zlib import crc32

from BTrees.Length import Length
from persistent import Persistent

from .core.key import row_id
from .key.versions import is_newest
from .key.versions import latest_of


#: How many marks all names share.  Those that share one are taken as changed
#: together, which costs a render now and then.
SHARED_MARKS = 512


def is_below(name):
    """Return whether `name` is a path with all that is below it."""
    return name.startswith('/') and name.endswith('/')


def write(mark):
    """Make pages of before this transaction invalid."""
    mark.change(1)
    mark._v_is_mark = True


def is_mark(ob):
    """Return whether `ob`, which was changed, is a mark."""
    return '_v_is_mark' in getattr(ob, '__dict__', ())


class PurgeMark(Persistent):
    """A mark of a release that had classes of its own.

    Conflicts of it resolve only where the product is installed.
    """

    purged_at = None

    @property
    def value(self):
        """The value: not 0 once it was written."""
        return self.purged_at or 0

    def change(self, delta):
        """Be written."""
        self.purged_at = time.time()

    def _p_resolveConflict(self, old, saved, new):
        return new  # the serial is new in any case


class Invalidations(Persistent):
    """Names of contexts, rows and templates that were invalidated.

    They share marks, by a hash of each.  The version of this object itself
    counts too: undo may bring those marks back that were there before
    `modernize`.
    """

    # absent where an earlier release wrote names
    changed = ()
    # absent where an earlier release had none of these
    below, anything_below = (), None

    def __init__(self):
        self.renew()

    def renew(self):
        """Take new marks."""
        self.changed = _new_marks(SHARED_MARKS)
        #: Of templates and views, apart: all their pages have the mark.
        self.templates = _new_marks(SHARED_MARKS // 4)
        #: Of paths with all that is below them.
        self.below = _new_marks(SHARED_MARKS // 4)
        #: Written with any of `below`: tells whether these are worth a look.
        self.anything_below = Length()
        #: Written with any other: tells whether others are worth a look.
        self.anything = Length()

    def modernize(self):
        """Replace marks of an earlier release by lengths."""
        if not self.below or not isinstance(self.changed[0], Length):
            vars(self).clear()
            self.renew()

    def of_name(self, name):
        """Return the mark of `name`."""
        return _of_name(self.changed, name)

    def mark(self, names, templates):
        """Give each of `names`, and of `templates`, a new version."""
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
                return latest  # no name counts
        return latest_of(self.of(identity, page, purged))

    def of(self, identity, page, purged):
        """Return the marks that count for a page of a template or view.

        No name does that was invalidated before all pages were purged, which
        saves each request the search; `purged` is the mark of that.
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
    """What managers of earlier releases had for content; see `Generation`."""


def _new_marks(count):
    return tuple(Length() for _ in range(count))


def _above(path):
    """Return the names that stand for content at `path` and all below it:
    those of the root, of each folder on the way, and its own.
    """
    parts = path.split('/')
    return [
        '/'.join([*parts[:number], ''])
        for number in range(1, len(parts) + 1)]


def _of_name(marks, name):
    data = name.encode('utf-8', 'surrogatepass')
    return marks[crc32(data) % len(marks)]
