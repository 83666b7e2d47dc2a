"""Invalidates pages of content at purge events for proxies."""
from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent

from ..key.versions import path_of
from ..key.versions import version_of_content
from ..manager.find import managers


def purged(event):
    """Invalidate the pages of content, in the transaction of the event.

    If the content changes in this transaction its pages are new anyway.
    """
    paths = _paths(event.object)
    if not paths or version_of_content(event.object) is None:
        return
    for manager in managers(event.object):
        manager.invalidate(paths)


def _paths(ob):
    """Return the path of `ob`, and of the folder whose default page it is.
    """
    paths = {path_of(ob)}
    parent = aq_parent(aq_inner(ob))
    if hasattr(aq_base(parent), 'getDefaultPage') and (
            parent.getDefaultPage() == ob.getId()):
        paths.add(path_of(parent))
    return paths - {''}
