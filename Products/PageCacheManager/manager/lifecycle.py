"""Handlers for managers that are added, moved or deleted."""
from Acquisition import aq_base
from OFS.Cache import ZCM_MANAGERS

from . import caches


def manager_added(manager, event):
    """Give a manager that was added, pasted or imported a new identity."""
    manager.renew()


def manager_moved(manager, event):
    """Drop the cache of a deleted manager.

    Remove a manager that was deleted, moved or renamed from the list of its
    old container.
    """
    if event.newParent is None:
        caches.drop_after_commit(manager.cache_name())
    is_alone = aq_base(event.object) is aq_base(manager)
    if is_alone and event.oldParent is not None:
        _unlist(event.oldParent, event.oldName)


def _unlist(container, name):
    """Remove the name of a manager from its container's list of managers.

    If the name stayed there, the next object with this name would count as a
    cache manager.
    """
    names = getattr(aq_base(container), ZCM_MANAGERS, ())
    if name in names and name not in container.objectIds():
        setattr(container, ZCM_MANAGERS, tuple(
            other for other in names if other != name))
