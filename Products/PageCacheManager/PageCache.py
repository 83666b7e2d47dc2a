"""The cache that Zope's ZCacheable machinery talks to.

One request goes: `ZCache_get` asks the policy and looks for the page; if it
is missing the template renders; `ZCache_set` notes the output.  What then
becomes of it is decided when the whole response is there, in `finish`.
"""
import logging
import time

from AccessControl.class_init import InitializeClass
from AccessControl.SecurityInfo import ClassSecurityInfo
from Acquisition import aq_base
from OFS.Cache import Cache

from . import call as calls
from . import coded
from . import exchange
from . import policy
from . import question
from .caches import is_active
from .core.flights import Flight
from .core.outcome import Outcome
from .interfaces import IPageCacheManager
from .versions import path_of
from .visit import current_visit


logger = logging.getLogger(__name__)


class PageCache(Cache):
    """Joins the parts.  It holds nothing itself: one serves all managers."""

    security = ClassSecurityInfo()

    @security.private
    def ZCache_get(self, ob, view_name='', keywords=None, mtime_func=None,
                   default=None):
        """Return the page to send, or `default` if `ob` is to render it."""
        visit = current_visit(ob)
        if visit is None or not _is_page_template_call(keywords):
            return default
        if visit.call is not None:
            # a fragment of the page that is being made
            if visit.call.headers_before is not None:
                visit.quieten(keywords)
            return default
        manager = _manager_of(ob)
        if manager is None:
            return default
        try:
            call = visit.call = calls.Call(ob, keywords, manager, visit)
            result = _answer(call)
        except Exception:
            logger.exception('Page is made without the cache')
            result = _give_up(visit)
        if result is None:
            return '' if visit.is_head else default
        return result

    @security.private
    def ZCache_set(self, ob, data, view_name='', keywords=None,
                   mtime_func=None):
        """Note what `ob` rendered; nothing is stored before the commit."""
        if data is None:  # a file or an image, which is no page
            policy.set_headers_of_file(ob)
            return
        visit = current_visit(ob)
        call = visit.call if visit is not None else None
        if call is None:
            return
        visit.unquieten(keywords)
        if call.has_ended or call.keywords is not keywords:
            return
        call.has_ended = True
        call.put_back()
        if call.headers_before is not None and isinstance(data, str):
            call.text = data
            call.own_headers = exchange.changed_headers(
                call.request.response, call.headers_before)

    @security.private
    def ZCache_invalidate(self, ob):
        """Drop the pages of `ob`.

        An edit of a template calls this, and needs to reach no other client,
        since there the template has another version as well.  Somebody who
        presses the button on its Cache tab means all clients.
        """
        manager = _manager_of(ob)
        if manager is None:
            return None
        visit = current_visit(ob)
        if visit is not None and visit.is_post_to('ZCacheable_invalidate'):
            manager.manage_invalidate([path_of(ob)])
            return 'Invalidated on every client.'
        return f'{manager.forget_template(ob)} entries dropped.'


InitializeClass(PageCache)

#: The only instance.
page_cache = PageCache()


def _is_page_template_call(keywords):
    return isinstance(keywords, dict) and isinstance(
        keywords.get('bound_names'), dict)


def _manager_of(ob):
    """Return the manager of `ob` in the calling connection."""
    manager = ob.ZCacheable_getManager()
    if IPageCacheManager.providedBy(manager):
        return manager
    # another one stands under its name: let ob ask that for its cache
    aq_base(ob)._v_ZCacheable_cache = None
    return None


def _answer(call):
    """Return what the template is to give, or None if it is to render."""
    if not is_active(call.settings):
        call.outcome = Outcome('OFF', 'off')
        return None
    try:
        question.rule_out(call)
        call.headers_before = exchange.lower_headers(call.request.response)
        call.added_before = len(call.request.response.accumulated_headers)
        call.base_before = call.request.response.base
        question.ask(call)
        trouble = calls.look_up(call) if call.has_etag else ''
        if call.answer is not None:
            question.date(call)
    except question.Bypass as reason:
        call.outcome = Outcome('BYPASS', str(reason))
        return None
    now = time.time()
    if call.answer is not None and calls.client_holds_page(call, now):
        call.client_holds_page = True
        if call.is_published and call.is_sure:
            call.outcome = Outcome('HIT', 'not-modified')
            return _hand_out(call, now)
    if not call.has_etag:
        call.outcome = Outcome(
            'NO-ETAG', 'no-policy' if call.answer is None else 'no-etag')
    elif trouble:
        call.outcome = Outcome('BYPASS', trouble)
    elif call.page is not None:
        call.outcome = Outcome('HIT')
    else:
        _board(call)
    if call.page is not None:
        return _hand_out(call, now)
    if call.outcome.word == 'MISS':
        call.aside = exchange.Aside(
            call.request, call.settings.ignored_parameters)
    return None


def _board(call):
    """Lead the flight for the page, or wait for the one that does."""
    call.outcome = Outcome(
        'MISS', forward='vary-miss' if call.varies else 'uri-miss')
    if call.is_head:
        return
    boarding = call.cache.flights.board(
        call.key_for(call.varies), call.settings.wait_secs,
        call.settings.max_waiting)
    if isinstance(boarding, Flight):
        call.flight = boarding
        if boarding.follows_landing:
            _look_again(call)
        return
    if boarding is not None and boarding.is_signpost:
        calls.look_up(call)
    elif boarding is not None and calls.is_young(call, boarding):
        call.page = boarding
    if call.page is not None:
        call.outcome = call.outcome._replace(word='HIT', collapsed=True)


def _look_again(call):
    """Look for a page that landed between the first look and boarding."""
    calls.look_up(call)
    if call.page is not None:
        flight, call.flight = call.flight, None
        if flight.key == call.key_for(call.varies):
            flight.land(call.page)  # those who wait came too late as well
        else:
            flight.abandon()
        call.outcome = Outcome('HIT')


def _hand_out(call, now):
    """Return what the template is to give in place of rendering."""
    if call.page is not None:
        if not call.client_holds_page:
            coded.make_sure(call)
        call.hit_headers = call.headers_of_page(now)
    else:
        call.hit_headers = call.headers_of({}, now, call.varies)
    call.has_ended = True
    call.visit.unquieten(call.keywords)
    if not call.is_published:
        call.text = call.page.body.decode('utf-8', 'surrogatepass')
        return call.text
    # nothing is to be done to the stored body: it is sent as it is, once it
    # is known that nothing else was published
    return ''


def _give_up(visit):
    """Leave the request as if there were no cache."""
    call = visit.call
    if call is not None:
        call.outcome = Outcome('BYPASS', 'error')
        call.cache.tally.add('ERROR', 'answer')
        call.page = call.headers_before = call.hit_headers = None
        call.has_ended = False
        call.put_back()
    return None
