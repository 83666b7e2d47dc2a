"""Small persistent objects whose writes make pages of before invalid.

They stand beside the manager, so that a purge writes nothing else and two
of them at once do not conflict.
"""
import time
from uuid import uuid4

from persistent import Persistent


#: More invalidated paths than this, and all pages are forgotten instead.
MAX_INVALIDATED = 200


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
