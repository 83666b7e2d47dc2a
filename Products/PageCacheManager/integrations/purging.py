"""Purge events: what a proxy is to forget, the managers forget as well."""
from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent

from ..versions import path_of
from ..views import managers


def purged(event):
    """Forget the pages of content, in the transaction that says so."""
    paths = _paths(event.object)
    if not paths:
        return
    for manager in managers(event.object):
        try:
            manager.manage_invalidate(paths)
        except ValueError:  # longer than a path that it takes
            manager.manage_purge()


def _paths(ob):
    """Return the path of `ob`, and of the folder of which it is the page."""
    paths = [path_of(ob)]
    parent = aq_parent(aq_inner(ob))
    if hasattr(aq_base(parent), 'getDefaultPage') and (
            parent.getDefaultPage() == ob.getId()):
        paths.append(path_of(parent))
    return [path for path in paths if path]
