"""From a request to its step: Hit, NotModified, Miss or Bypass."""
import logging
import time

from AccessControl import getSecurityManager

from ..cmf import guard
from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..core.attempt import log_limit
from ..core.flights import Flight
from ..core.http.cache_status import Outcome
from ..core.reads.unknown import Unknown
from ..core.reads.unknown import Why
from ..core.reasons import Reason
from ..core.reasons import lasts
from ..core.store.expiry import is_too_old
from ..key import key as keys
from ..key import trace
from ..key import visitor
from ..key.key import RuledOut
from ..key.versions import holds_changes
from ..manager.caches import is_active
from ..publisher import cookies
from ..publisher import request as http_request
from ..publisher import response as http_response
from ..reads import pages
from . import journal
from . import page_headers
from . import preconditions
from . import recent
from . import shared_store
from .from_store import Found
from .from_store import found_in
from .hit import Hit
from .hit import HitOfCalled
from .hit import NotModified
from .miss import Miss
from .rendered import Bypass
from .rendering import Rendering


logger = logging.getLogger(__name__)


_NOTHING = Found()


def next_step(exchange):
    """Return the step that the request is at once it was looked up."""
    settings = exchange.settings
    if settings.active != 'on_always' and not is_active(settings):
        return Bypass(Outcome('OFF', Reason.OFF))
    reason = _why_not(exchange)
    if reason:
        return Bypass(Outcome('BYPASS', reason))
    question = before = step = None
    if settings.late_ms and not (exchange.is_dry or exchange.origin.is_called):
        asked = exchange.request.__dict__.pop(recent.ASKED, None) or (
            recent.asked(exchange.request, exchange.origin))
        if asked is not None:
            question, before, exchange.who = asked
    exchange.question = question
    if before is not None:
        step = recent.answer(exchange, question, before)
    if step is None:
        step = _look_up(exchange)
        if question is not None and step.is_answered:
            recent.remember(exchange, question, step)
    return step


def _why_not(exchange):
    """Return why the request itself rules caching out, or ''."""
    request, origin = exchange.request, exchange.origin
    reason = http_response.why_no_page(request)
    if reason:
        # no conditions, so that CMF makes no 304 of it (RFC 9110 13.2.1)
        origin.forget_conditions(request)
        return reason
    if not origin.may_write and holds_changes(exchange.manager._p_jar):
        return Reason.WROTE_TO_DATABASE
    if exchange.is_beside_another and exchange.claim.why_not:
        return exchange.claim.why_not
    if request.cookies and http_request.carries_cookie(
            request, exchange.settings.bypass_cookies):
        return Reason.REQUEST_COOKIE
    if exchange.touched_session():
        return Reason.SESSION
    if not visitor.is_of_request(request, origin.context):
        return Reason.USER
    return ''


def _look_up(exchange):
    """Return the step by the policy's answer of now.

    Expressions have the rights of the origin.  A policy may call a template,
    of which CMF would ask the policies: it asks none meanwhile.
    """
    is_quiet = guard.keep_cmf_from_asking(exchange.request)
    executable = exchange.origin.executable
    if executable is not None:
        # its owner and proxy roles decide which rights the user has
        security = getSecurityManager()
        security.addContext(executable)
    try:
        return _answer_of_now(exchange)
    except RuledOut as why:
        return _ruled_out(exchange, why)
    finally:
        if executable is not None:
            security.removeContext(executable)
        if is_quiet:
            guard.let_cmf_ask_again(exchange.request)


def _answer_of_now(exchange):
    keys.ask(exchange)
    policy, key = exchange.policy, exchange.key
    if policy is None:
        return Bypass(
            Outcome('NO-ETAG', Reason.NO_POLICY),
            rendering=Rendering(exchange))
    found = _find(exchange) if key.index is not None else _NOTHING
    asked = http_request.conditions(exchange.request)
    if found.page is not None:
        return _answer(exchange, found, asked, time.time())
    # what is stored has the date that it was sent with
    _date(exchange)
    if key.index is None:
        outcome = Outcome('NO-ETAG', Reason.NO_ETAG)
    elif found.trouble:
        outcome = Outcome('BYPASS', found.trouble)
    else:
        return _board(exchange, found, asked, time.time())
    return Bypass(
        outcome, rendering=Rendering(exchange, outcome, found.varies),
        asked=asked)


def _answer(exchange, found, asked, now, collapsed=False):
    """Return the step of a page that is stored, or that has just landed."""
    page, kind = found.page, Hit
    held = asked and preconditions.held(
        exchange, asked, page.tag, page.date, now, is_stored=True)
    if exchange.origin.is_called:
        kind = HitOfCalled
    elif held is not None:
        kind = NotModified
    return kind(
        exchange, found, held, page_headers.of_page(exchange, page, now),
        collapsed)


def _ruled_out(exchange, why):
    """Return the step of a page that turns out not to be kept."""
    outcome = Outcome('BYPASS', why.reason)
    if why.error is not None:
        _report(exchange, why)
        return Bypass(
            outcome, rendering=Rendering(exchange), failure=why.failure)
    if why.reason == Reason.UNKEYED_ARGUMENTS:
        _date(exchange)
    return Bypass(outcome, rendering=Rendering(exchange, outcome))


def _date(exchange):
    """Ask when the page changed.  A policy that fails costs the date alone.
    """
    exchange.changed_at, exchange.modified = keys.dates(exchange)
    if exchange.no_date is not None:
        _report(exchange, exchange.no_date)


def _report(exchange, why):
    if why.reason != Reason.POLICY_ERROR:
        return
    path = exchange.origin.path
    if log_limit.is_due(('policy', path, why.failure)):
        # which one is found out only now, since it is rare
        failed = trace.failed(exchange)
        if failed is not None and not exchange.is_dry:
            exchange.cache.policy_failed(
                failed.policy_id, failed.failed, failed.error)
        which = 'A caching policy' if failed is None else (
            f'The {failed.failed} of caching policy {failed.policy_id}')
        logger.error('%s failed for %s', which, path, exc_info=why.error)


# the store

def _find(exchange):
    """Return what is stored, found through a signpost if there is one.

    Raises RuledOut for a page that is not for this request.
    """
    found = attempt(exchange, 'store', _find_in_store, exchange)
    if found is FAILED:
        return Found(
            index=exchange.key.index, trouble=Reason.STORE_ERROR)
    if (found.page is not None and found.page.absent_cookies
            and (exchange.request.cookies
                 or 'HTTP_COOKIE' in exchange.request.environ)):
        _check_cookies(exchange, found.page)
    return found


def _find_in_store(exchange):
    store = exchange.cache.pages
    is_counted = not (exchange.is_dry or exchange.counted_as)
    found = found_in(exchange, store.get if is_counted else store.peek)
    if found.page is not None and _is_stale(exchange, found.page):
        if is_counted:
            store.drop_stale(found.index, found.page.created)
        found = found._replace(page=None)
    if found.page is None and exchange.settings.store != 'process':
        adopted = shared_store.adopted(exchange)
        if adopted is not None and not _is_stale(exchange, adopted.page):
            found = adopted
    if found.page is not None and exchange.origin.is_called:
        # other code is given its text
        found = found._replace(page=found.page.whole())
    return found


def _is_stale(exchange, page):
    """Return whether anything that a page was made from changed since.

    Sets `exchange.stale`.
    """
    if page.made_from is None:
        return False
    found = attempt(
        exchange, 'reads', pages.what_changed, page.made_from,
        exchange.manager._p_jar, exchange.recording, exchange.ask)
    exchange.stale = Unknown(Why.LOST) if found is FAILED else found
    return found is not None


def _check_cookies(exchange, page):
    """Raise RuledOut where `page` was made without a cookie that is here."""
    name = cookies.conflict(
        cookies.sent_by(exchange.request), page.absent_cookies,
        exchange.settings, exchange.session_cookies)
    if name:
        raise RuledOut(cookies.reason(name))


# flights

def _board(exchange, found, asked, now):
    """Return the step of a page that is not stored: a Miss to render it, an
    Answer if it came while this request waited.
    """
    flights = exchange.cache.flights
    refusal = flights.refusal(found.index)
    if lasts(refusal):
        outcome = Outcome('BYPASS', refusal)
        return Bypass(
            outcome, rendering=Rendering(exchange, outcome, found.varies),
            asked=asked)
    if exchange.is_dry:
        return _miss(exchange, found, asked)
    boarding = flights.board(
        found.index, exchange.settings.wait_secs,
        exchange.settings.max_waiting)
    if isinstance(boarding, Flight):
        try:
            return _lead(exchange, boarding, found, asked, now)
        except BaseException:
            boarding.abandon()
            raise
    if boarding is not None and boarding.is_signpost:
        found = _find(exchange)
    elif boarding is not None and not is_too_old(
            boarding.created, now, exchange.settings.max_age,
            boarding.max_age_secs) and not _is_stale(exchange, boarding):
        _check_cookies(exchange, boarding)
        found = found._replace(page=boarding)
    if found.page is None:
        return _miss(exchange, found, asked)
    return _answer(exchange, found, asked, now, collapsed=True)


def _lead(exchange, flight, found, asked, now):
    """Return the Miss that leads a flight, an Answer if the page just landed.
    """
    if flight.follows_landing:
        found = _find(exchange)
        if found.page is not None:
            if flight.key == found.index:
                flight.land(found.page)  # those who wait came too late, too
            else:
                flight.abandon()
            return _answer(exchange, found, asked, now)
    return _miss(exchange, found, asked, flight)


def _miss(exchange, found, asked, flight=None):
    forward = 'vary-miss' if found.varies else 'uri-miss'
    if exchange.stale is not None:
        forward = 'stale'
    outcome = Outcome(
        'MISS', journal.why_rendered(exchange, found.index), forward)
    # it is known by now that the page is kept, but for its parameters
    hides = bool(exchange.request.environ.get('QUERY_STRING')) and (
        exchange.cache.flights.last_refusal(found.index)
        == Reason.PARAMETER)
    return Miss(
        outcome, rendering=Rendering(exchange, outcome, found.varies, hides),
        asked=asked, flight=flight)
