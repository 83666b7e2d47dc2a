"""Handlers for managers that come, move and go."""
from Acquisition import aq_base
from OFS.Cache import ZCM_MANAGERS

from . import caches


def manager_added(manager, event):
    """Give a manager that was added, pasted or imported an own identity."""
    manager.renew()


def manager_moved(manager, event):
    """Forget what is held for a manager that goes, and take it off lists."""
    if event.newParent is None:
        caches.drop_after_commit(manager.cache_name())
    is_alone = aq_base(event.object) is aq_base(manager)
    if is_alone and event.oldParent is not None:
        _unlist(event.oldParent, event.oldName)


def _unlist(container, name):
    """Take a manager that went away off its container's list.

    A name that stays on the list would make whatever comes to stand under
    it pass for a cache manager.
    """
    names = getattr(aq_base(container), ZCM_MANAGERS, ())
    if name in names and name not in container.objectIds():
        setattr(container, ZCM_MANAGERS, tuple(
            other for other in names if other != name))
