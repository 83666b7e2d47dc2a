"""What Zope's events tell: the stages of a request, the fate of a manager."""
import logging

from Acquisition import aq_base
from OFS.Cache import ZCM_MANAGERS
from ZPublisher import pubevents

from ..key import code_version
from ..key.versions import path_of
from ..manager import caches
from ..origin import published
from . import finish
from . import head
from . import stand_in
from . import visit as visits


logger = logging.getLogger(__name__)


def opened(event):
    """Work out now which code it is: later a visitor would wait for it."""
    try:
        code_version.code_version()
    except Exception:
        logger.exception('The first request finds out which code it is')


def publication(event):
    """Pass a stage of a request on to where it is dealt with.

    It is registered for all of them at once, since such handlers run before
    those for single stages: the page is captured before any transform.
    """
    stage = _STAGES.get(type(event))
    if stage is not None:
        stage(event)


def before_commit_at_last(event):
    """Capture the page of a view, which transforms had their part in.

    Handlers for the event's class come after those for its interface.
    """
    visit = visits.visit_of(event.request)
    if visit is not None:
        finish.before_commit_at_last(visit)


def _start(event):
    stand_in.watch(event.request)


def _after_traversal(event):
    head.after_traversal(visits.take_part(event.request))


def _before_commit(event):
    visit = visits.visit_of(event.request)
    if visit is not None:
        finish.before_commit(visit)


def _success(event):
    visit = visits.visit_of(event.request)
    if visit is not None:
        finish.succeeded(visit)


def _before_abort(event):
    visit = visits.visit_of(event.request)
    if visit is not None:
        finish.failed(visit, event.retry)


_STAGES = {
    pubevents.PubStart: _start,
    pubevents.PubAfterTraversal: _after_traversal,
    pubevents.PubBeforeCommit: _before_commit,
    pubevents.PubSuccess: _success,
    pubevents.PubBeforeAbort: _before_abort,
}


def request_ended(event):
    """End what the request still holds, whichever way it went."""
    visit = visits.end_visit(event.request)
    if visit is not None:
        finish.end(visit)


def manager_added(manager, event):
    """Give a manager that was added, pasted or imported an own identity."""
    manager.renew()


def content_changed(ob, event):
    """Mark what was changed, added, moved or removed, for pages of views."""
    path = path_of(ob)
    if path:
        for marks in published.content_marks(ob):
            marks.content_changed(path)


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
