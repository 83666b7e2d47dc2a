"""Hot pages: rendered again after a commit, before the next visitor asks.

Each render is a request like that of an anonymous visitor.  One thread makes
these requests, one after the other.  It checks the pages once a second.
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


#: The pause after each round.
PAUSE_SECS = 1

#: A page is rendered at most this often after one commit.  The second render
#: is for changed values in memory, which are made again only then.
MAX_RENDERS = 2

#: An environment with more characters is not kept.
MAX_LENGTH = 8000

_OF_A_VISITOR = frozenset(['HTTP_COOKIE', 'HTTP_REFERER'])

#: Beginnings of names in the environment.  Under such names servers and Zope's
#: own filters set variables of a connection; no page depends on them.
_OF_A_SERVER = (
    'wsgi.', 'waitress.', 'gunicorn.', 'uwsgi.', 'mod_wsgi.', 'apache.',
    'werkzeug.', 'paste.', 'Zope2.')


class HotPage:
    """A page, and a visitor's request for it, without cookies."""

    may_commit = True
    #: The last commit that led to a render; and for each render after it, the
    #: creation time of the page that was stored before.
    commit, before = None, ()
    #: Whether the last render made this page, and no other page.
    is_made = False

    def __init__(self, index, environ):
        self.index = index
        self.environ = environ

    def new_exchange(self, request, origin, manager, site, claim):
        """Return the exchange of the request, or of its repetition."""
        return AheadExchange(request, origin, manager, site, claim)


class AheadExchange(Exchange):
    """A request without a visitor."""

    counted_as = 'AHEAD'

    def commit(self):
        """Store the page, and record whether it is the hot page."""
        super().commit()
        page, hot = self.step.page, self.request.environ[own_request.MAKER]
        # with a cookie, the visitor may have got another language
        hot.is_made = page is not None and slot(self.key.index_for(
            self.request, page.varies)) == slot(hot.index)


def count(exchange):
    """Count the hit that was just sent, if any visitor may get the page."""
    step, settings = exchange.step, exchange.settings
    if (step.page.made_from is None
            # the calling code may count visits or send mail, so it must not
            # run without a visitor
            or exchange.origin.is_called
            or not permit.is_of_any_visitor(exchange)):
        return
    index = exchange.key.index_for(exchange.request, step.varies)
    exchange.cache.hot.count(
        slot(index), settings.hot_pages,
        lambda: _hot_page(exchange.request, index))
    worker.put(None)


def _hot_page(request, index):
    """Return the :class:`HotPage` to render later, None if not possible."""
    environ = own_request.environ_of(request)
    if environ is None:
        return None
    kept = {
        name: value for name, value in environ.items()
        if type(value) in PLAIN and name not in _OF_A_VISITOR}
    # an object from a filter of the site may change the page, and may be of
    # this request alone
    if len(repr(kept)) > MAX_LENGTH or any(
            type(value) not in PLAIN and not name.startswith(_OF_A_SERVER)
            for name, value in environ.items()):
        return None
    return HotPage(index, {
        **kept, 'wsgi.errors': sys.stderr,
        # errors are neither shown nor put into the site's error log
        'x-wsgiorg.throw_errors': True})


def _look_after(_):
    """Render changed hot pages, as long as any manager has hot pages."""
    while worker.rest(PAUSE_SECS) and any([
            _round(cache) for cache in caches.all_caches()]):
        pass


def _round(cache):
    """Render the changed hot pages of a manager.

    Return whether the manager has hot pages.
    """
    settings = cache.settings
    if not settings.hot_pages or not caches.is_active(settings):
        cache.hot.clear()
        return False
    hottest = cache.hot.hottest(settings.hot_pages)
    # once for all pages, since some storages use the network for it
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
    # a signpost has no sources: the page varies by headers now
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
    # a page that writes when it renders is left to visitors
    with suppress(own_request.Refused):
        own_request.publish(hot, hot.environ)
    if hot.is_made:
        # the next hit replaces the environment: the headers of one visitor
        # are not used for long
        cache.hot.wear_out(slot(index))
    else:
        cache.hot.forget(slot(index))


worker = Worker('Page Cache hot pages', _look_after, max_jobs=1)
