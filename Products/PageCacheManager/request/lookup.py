"""What the cache answers to a call: a stored page, a 304, or nothing yet."""
import logging
import time

from ..core.flights import Flight
from ..core.http import conditional
from ..core.http.cache_status import Outcome
from ..core.report.reasons import lasts
from ..core.store.expiry import is_too_old
from ..key import key as question
from ..key import visitor
from ..manager.caches import is_active
from ..publisher import cookies
from ..publisher import request
from . import coding


logger = logging.getLogger(__name__)


def answer(call):
    """Return what the template is to give, or None if it is to render."""
    if not is_active(call.settings):
        call.outcome = Outcome('OFF', 'off')
        return None
    try:
        return _answer(call)
    except question.Bypass as why:
        call.let_go()
        call.page = None
        call.outcome = Outcome('BYPASS', str(why))
        return _let_render(call)


def _answer(call):
    question.rule_out(call)
    call.headers_before = request.lower_headers(call.request.response)
    call.added_before = len(call.request.response.accumulated_headers)
    call.base_before = call.request.response.base
    question.ask(call)
    trouble = look_up(call) if call.has_etag else ''
    if call.answer is not None:
        question.date(call)
    now = time.time()
    if call.answer is not None and client_holds_page(call, now):
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
    return _let_render(call)


def _let_render(call):
    """Return None, and watch rendering where headers or a page follow."""
    if call.page_id is not None and not call.is_head:
        call.watch()
    return None


def _board(call):
    """Lead the flight for the page, or wait for the one that does."""
    call.outcome = Outcome(
        'MISS', forward='vary-miss' if call.varies else 'uri-miss')
    key = call.key_for(call.varies)
    refusal = call.cache.flights.refusal(key)
    if lasts(refusal):
        raise question.Bypass(refusal)
    if call.is_head:
        return
    boarding = call.cache.flights.board(
        key, call.settings.wait_secs, call.settings.max_waiting)
    if isinstance(boarding, Flight):
        call.flight = boarding
        if boarding.follows_landing:
            _look_again(call)
        return
    if boarding is not None and boarding.is_signpost:
        look_up(call)
    elif boarding is not None and is_young(call, boarding):
        _check_cookies(call, boarding)
        call.page = boarding
    if call.page is not None:
        call.outcome = call.outcome._replace(word='HIT', collapsed=True)


def _check_cookies(call, page):
    """Raise Bypass where `page` was made without a cookie that is here."""
    name = call.cookie_against(page)
    if name:
        raise question.Bypass(cookies.reason(name))


def _look_again(call):
    """Look for a page that landed between the first look and boarding."""
    look_up(call)
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
            coding.make_sure(call)
        call.hit_headers = call.headers_of_page(now)
        if call.page.shows_failure:
            call.outcome = call.outcome._replace(detail='render-error')
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


def give_up(visit):
    """Leave the request as if there were no cache."""
    call = visit.call
    if call is not None:
        call.outcome = Outcome('BYPASS', 'error')
        call.cache.tally.add('ERROR', 'answer')
        call.page = call.headers_before = call.hit_headers = None
        call.has_ended = False
        call.put_back()
    return None


def look_up(call):
    """Find the stored page, through a signpost if there is one.

    Return '' or, where there is no store or one that fails, the reason.
    Raises Bypass for a page that is not for this request.
    """
    try:
        call.store = call.cache.store(call.settings, call.versions[0])
        if call.store is None:
            return 'store-off'
        page = call.store.get(call.key)
        if page is not None and page.is_signpost:
            call.varies = page.varies
            page = call.store.get(call.key_for(call.varies))
        if page is not None and not call.is_published:
            page = page.whole()  # other code is given its text
    except Exception:
        logger.exception('Store failed')
        call.cache.tally.add('ERROR', 'store')
        return 'store-error'
    if page is not None:
        _check_cookies(call, page)
    call.page = page
    return ''


def client_holds_page(call, now):
    """Tell whether the client's own copy is the answer (RFC 9110 13.2.2).

    A date counts for anonymous visitors alone.  Where the page varies by
    headers only what is stored says which variant the client may hold.
    `call.is_sure` says whether the page is known to be a 200 as well: a tag
    comes from one, and so does what is stored.  Without a stored page only
    rendering tells whether a cookie makes it another.
    """
    if_none_match = request.header(call.request, 'If-None-Match')
    since = request.header(call.request, 'If-Modified-Since')
    if if_none_match is None and since is None:
        return False
    if not call.answer.allows_304 or call.request.response._locked_status:
        return False
    if call.page is None and not call.may_view:
        return False  # rendering would tell whether there is a page at all
    tags = call.tags()
    call.is_sure = call.page is not None
    if not tags and (if_none_match is not None or call.page is not None):
        return False  # a page without a tag has no date either
    if if_none_match is not None:
        held = conditional.held_tag(if_none_match, tags)
        if held and if_none_match.strip() != '*':
            call.held_tag = conditional.tag_for_304(held)
            call.is_sure = call.is_sure or not call.foreign_cookie()
        return bool(held)
    return conditional.not_modified(
        if_none_match, since, tags, call.modified, now, _dates_count(call))


def _dates_count(call):
    if visitor.current_user() is not None or call.partition:
        return False  # a date does not tell whose page it is of
    if call.kind == 'view':
        return False  # no date tells of all that a view shows
    if call.settings.key_cookies or visitor.language(call.request):
        return False  # a date does not tell which of the pages it is of
    if call.page is not None:
        return True
    return not call.varies and not call.known_varies


def is_young(call, page):
    """Tell whether a page that has just landed is within the age limit."""
    return not is_too_old(
        page.created, time.time(), call.settings.max_age, page.max_age_secs)
