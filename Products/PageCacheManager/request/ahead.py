"""Hot pages: rendered again after a commit, before the next visitor asks.

Each render is a request like that of an anonymous visitor, in a thread of its
own, one after the other.  The thread looks after the pages once a second.
"""
import sys
from contextlib import suppress

from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..core.key import slot
from ..core.worker import Worker
from ..fastlane import permit
from ..manager import caches
from ..publisher import own_request
from ..publisher.request import PLAIN
from ..reads import freshness
from .exchange import Exchange


#: So long after each round.
PAUSE_SECS = 1

#: So often after a commit: a value in memory that changed is made anew for
#: the second.
MAX_RENDERS = 2

#: An environment of more characters is not kept.
MAX_LENGTH = 8000

_OF_A_VISITOR = frozenset(['HTTP_COOKIE', 'HTTP_REFERER'])

#: How names of variables begin that servers, and Zope's own filters, set for
#: a connection.  No page is made from these.
_OF_A_SERVER = (
    'wsgi.', 'waitress.', 'gunicorn.', 'uwsgi.', 'mod_wsgi.', 'apache.',
    'werkzeug.', 'paste.', 'Zope2.')


class HotPage:
    """A page, and a visitor's request for it, without cookies."""

    may_commit = True
    #: The last commit that it was rendered after, and when the pages were
    #: made that were stored before each of these renders.
    commit, before = None, ()
    #: Whether that gave this page, and no other one.
    is_made = False

    def __init__(self, index, environ):
        self.index = index
        self.environ = environ

    def new_exchange(self, request, origin, manager, site, claim):
        """Return the exchange of the request, or of its repetition."""
        return AheadExchange(request, origin, manager, site, claim)


class AheadExchange(Exchange):
    """A request that no visitor waits for."""

    counted_as = 'AHEAD'

    def commit(self):
        """Store the page, and note whether it is the hot one."""
        super().commit()
        page, hot = self.step.page, self.request.environ[own_request.MAKER]
        # a cookie may have led the visitor to one in another language
        hot.is_made = page is not None and slot(self.key.index_for(
            self.request, page.varies)) == slot(hot.index)


def count(exchange):
    """Count the hit that was just sent, if it may be anybody's."""
    step, settings = exchange.step, exchange.settings
    if (step.page.made_from is None
            # the code that calls it runs for each visitor, and for no other
            or exchange.origin.is_called
            or not permit.is_of_any_visitor(exchange)):
        return
    index = exchange.key.index_for(exchange.request, step.varies)
    exchange.cache.hot.count(
        slot(index), settings.hot_pages,
        lambda: _hot_page(exchange.request, index))
    worker.put(None)


def _hot_page(request, index):
    """Return what to render later, None where that is not possible."""
    environ = own_request.environ_of(request)
    if environ is None:
        return None
    kept = {
        name: value for name, value in environ.items()
        if type(value) in PLAIN and name not in _OF_A_VISITOR}
    # what a filter of the site put there is in the page, perhaps, and of the
    # one request
    if len(repr(kept)) > MAX_LENGTH or any(
            type(value) not in PLAIN and not name.startswith(_OF_A_SERVER)
            for name, value in environ.items()):
        return None
    return HotPage(index, {
        **kept, 'wsgi.errors': sys.stderr,
        # no error is shown to anybody, or stands in the site's error log
        'x-wsgiorg.throw_errors': True})


def _look_after(_):
    """Render hot pages that changed, as long as there are any."""
    while worker.rest(PAUSE_SECS) and any([
            _round(cache) for cache in caches.all_caches()]):
        pass


def _round(cache):
    """Render the hot pages of a manager that changed; return whether it has
    any.
    """
    settings = cache.settings
    if not settings.hot_pages or not caches.is_active(settings):
        cache.hot.clear()
        return False
    hottest = cache.hot.hottest(settings.hot_pages)
    # once for all of them: some storages are asked over the network for it
    is_heard = bool(hottest) and attempt(None, 'hot pages', freshness.hear)
    for hot in hottest:
        if attempt(None, 'hot pages', _renew, cache, hot,
                   is_heard is True) is FAILED:
            cache.hot.forget(slot(hot.index))
    return bool(hottest)


def _renew(cache, hot, is_heard):
    """Render a page if a commit changed it."""
    index = cache.pages.older(hot.index)
    page = None if index is None else cache.pages.peek(index)
    # a signpost is made from nothing: the page varies by headers now
    if page is None or page.made_from is None or (
            freshness.are_unmoved(page.made_from, is_heard=is_heard)):
        return
    commit = freshness.table.sequence
    before = hot.before if hot.commit == commit else ()
    if (page.created in before or len(before) == MAX_RENDERS
            or not cache.hot.rate.allows(cache.settings.hot_per_minute)):
        return
    hot.commit, hot.before = commit, (*before, page.created)
    hot.is_made = False
    # what writes when it renders waits for a visitor
    with suppress(own_request.Refused):
        own_request.publish(hot, hot.environ)
    if hot.is_made:
        # no visitor's headers make the page for long
        cache.hot.wear_out(slot(index))
    else:
        cache.hot.forget(slot(index))


worker = Worker('Page Cache hot pages', _look_after, max_jobs=1)
