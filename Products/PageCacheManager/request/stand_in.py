"""The way of a request for a browser view, which never asks a cache itself.

Zope calls whatever traversal found.  A stand-in is given to it in place of
a view: when it is called the user is known, access was checked and all other
code that is told of the traversal had its say.  It answers with the stored
page, or calls the view.
"""
import logging

from ZPublisher.mapply import mapply
from ZPublisher.WSGIPublisher import call_object
from ZPublisher.WSGIPublisher import dont_publish_class
from ZPublisher.WSGIPublisher import missing_name

from ..core.http.cache_status import Outcome
from ..key.versions import holds_changes
from ..origin import published as views
from ..origin.site import here
from ..origin.view import ViewCall
from .lookup import answer
from .lookup import give_up
from .visit import begin
from .visit import start
from .visit import visit_of


logger = logging.getLogger(__name__)

#: Stops the transforms of plone.transformchain.
NO_TRANSFORMS = 'plone.transformchain.disable'


def watch(request):
    """Have a stand-in published where `request` leads to a view.

    What is set on the request itself goes with the first traversal:
    subrequests are copies that do not have it.
    """
    start(request)

    def traverse(*args, **keywords):
        del request.__dict__['traverse']
        published = request.traverse(*args, **keywords)
        begin(request)
        return stand_in_for(published, request)

    request.__dict__['traverse'] = traverse


def stand_in_for(published, request):
    """Return what is to be called in place of `published`."""
    if request.args:  # which the view is called with
        return published
    try:
        view = views.published_view(published)
    except Exception:
        logger.exception('View is published without the cache')
        return published
    return published if view is None else StandIn(published, view, request)


class StandIn:
    """Is published in place of a view."""

    def __init__(self, published, view, request):
        self._published = published
        self._view = view
        self._request = request
        # by these Zope describes the transaction
        self.__name__ = getattr(published, '__name__', None)
        self.__parent__ = views.owner(published)
        if self.__parent__ is None:
            self.__parent__ = view.context

    def __call__(self):
        """Return the view's result, or '' if a stored page is sent."""
        request = self._request
        visit = visit_of(request)
        if visit is None or visit.call is not None:
            return self._render()
        if visit.head is not None:
            # only rendering tells whether GET would give a page at all
            return '' if visit.head.is_sure else self._render()
        if _look(visit, self._view) is not None:
            request.environ[NO_TRANSFORMS] = True
            return ''
        if visit.is_head:
            return ''
        try:
            result = self._render()
            if visit.call is not None:
                visit.call.note_headers()
            return result
        finally:
            if visit.call is not None:
                visit.unquieten(visit.call.keywords)

    def _render(self):
        request = self._request
        return mapply(
            self._published, request.args, request, call_object, 1,
            missing_name, dont_publish_class, request, bind=1)


def _look(visit, view):
    """Return '' where the cache answers, None where the view is to render.
    """
    try:
        call = visit.call = _call_of(visit, view)
        if call is None or call.outcome is not None:
            return None
        return answer(call)
    except Exception:
        logger.exception('View is rendered without the cache')
        return give_up(visit)


def _call_of(visit, view):
    """Return the call of a view that the cache keeps, None for others."""
    around = here()
    claim = around.claim(visit.request)
    manager, shows = views.manager_of(view, claim)
    if manager is None:
        visit.noters = views.noters(view)
        return None
    call = ViewCall(view, shows, manager, visit, around, claim)
    if holds_changes(manager._p_jar):
        call.outcome = Outcome('BYPASS', 'changes')
    return call
