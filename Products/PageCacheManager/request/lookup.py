"""From a request to its step: Hit, NotModified, Miss or Bypass."""
import logging
import time
from typing import NamedTuple

from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..core.attempt import log_limit
from ..core.flights import Flight
from ..core.http import conditional
from ..core.http.cache_status import Outcome
from ..core.reasons import Reason
from ..core.reasons import lasts
from ..core.store.expiry import is_too_old
from ..key import key as keys
from ..key import visitor
from ..key.key import RuledOut
from ..key.versions import holds_changes
from ..manager.caches import is_active
from ..publisher import cookies
from ..publisher import request as http_request
from ..publisher import response as http_response
from .hit import Hit
from .hit import NotModified
from .miss import Miss
from .rendered import Bypass
from .rendering import Rendering


logger = logging.getLogger(__name__)

#: Reasons for which CMF, too, is kept from its policies.
_QUIET = (Reason.REQUEST_COOKIE, Reason.SESSION, Reason.USER)

#: The conditions of a request that has none.
_UNCONDITIONAL = None, None


class Held(NamedTuple):
    """The client's own copy is the page."""

    #: The tag by which the client holds it, '' if by a date or ``*``.
    tag: str
    #: Whether the page is known to be a 200.
    is_sure: bool


class Found(NamedTuple):
    """The result of a look into the store."""

    page: object = None
    #: Request headers beyond the key by which the stored pages vary.
    varies: tuple = ()
    store: object = None
    #: Why there is no store, '' where there is one.
    trouble: str = ''


_NOTHING = Found()


def next_step(exchange):
    """Return the step that the request is at once it was looked up."""
    if not is_active(exchange.settings):
        return Bypass(Outcome('OFF', Reason.OFF))
    reason = _why_not(exchange)
    if reason:
        return Bypass(Outcome('BYPASS', reason), is_quiet=reason in _QUIET)
    try:
        return _look_up(exchange)
    except RuledOut as why:
        return _ruled_out(exchange, why)


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
    keys.ask(exchange)
    policy, key = exchange.policy, exchange.key
    if policy is None:
        return Bypass(
            Outcome('NO-ETAG', Reason.NO_POLICY), Rendering(exchange))
    found = _find(exchange) if key.index is not None else _NOTHING
    asked = http_request.conditions(exchange.request)
    if found.page is None or asked[1] is not None:
        # what is stored has the date that it was sent with
        exchange.changed_at, exchange.modified = keys.dates(exchange)
    now = time.time()
    if found.page is not None:
        return _answer(exchange, found, asked, now)
    held = None if asked == _UNCONDITIONAL else _held(
        exchange, found, asked, now)
    if held is not None and held.is_sure and not exchange.origin.is_called:
        return NotModified(exchange, found, held, now)
    if key.index is None:
        outcome = Outcome('NO-ETAG', Reason.NO_ETAG)
    elif found.trouble:
        outcome = Outcome('BYPASS', found.trouble)
    else:
        return _board(exchange, found, held, asked, now)
    return Bypass(outcome, Rendering(exchange, outcome, found.varies), held)


def _answer(exchange, found, asked, now, collapsed=False):
    """Return the step of a page that is stored, or that has just landed."""
    held = None if asked == _UNCONDITIONAL else _held(
        exchange, found, asked, now)
    if held is None or exchange.origin.is_called:
        return Hit(exchange, found, held, now, collapsed)
    return NotModified(exchange, found, held, now, collapsed)


def _ruled_out(exchange, why):
    """Return the step of a page that turns out not to be kept."""
    outcome = Outcome('BYPASS', why.reason)
    if why.error is not None:
        _report(exchange, why)
        return Bypass(outcome, Rendering(exchange), failure=why.failure)
    if why.reason == Reason.UNKEYED_ARGUMENTS:
        try:
            exchange.changed_at, exchange.modified = keys.dates(exchange)
        except RuledOut as worse:
            return _ruled_out(exchange, worse)
    return Bypass(outcome, Rendering(exchange, outcome))


def _report(exchange, why):
    if why.reason != Reason.POLICY_ERROR:
        return
    path = exchange.origin.path
    if log_limit.is_due(('policy', path, why.failure)):
        logger.error(
            'Caching policy failed for %s', path, exc_info=why.error)


# the store

def _find(exchange):
    """Return what is stored, found through a signpost if there is one.

    Raises RuledOut for a page that is not for this request.
    """
    found = attempt(exchange, 'store', _find_in_store, exchange)
    if found is FAILED:
        return Found(trouble=Reason.STORE_ERROR)
    if (found.page is not None and found.page.absent_cookies
            and (exchange.request.cookies
                 or 'HTTP_COOKIE' in exchange.request.environ)):
        _check_cookies(exchange, found.page)
    return found


def _find_in_store(exchange):
    key = exchange.key
    store = exchange.cache.store(exchange.settings, key.versions[0])
    if store is None:
        return Found(trouble=Reason.STORE_OFF)
    get = store.peek if exchange.is_dry else store.get
    page, varies = get(key.index), ()
    if page is not None and page.varies:  # a signpost
        varies = page.varies
        page = get(key.index_for(exchange.request, varies))
    if page is not None and exchange.origin.is_called:
        page = page.whole()  # other code is given its text
    return Found(page, varies, store)


def _check_cookies(exchange, page):
    """Raise RuledOut where `page` was made without a cookie that is here."""
    sent = cookies.sent_by(exchange.request)
    name = sent and cookies.conflict(
        sent, page.absent_cookies, exchange.settings,
        exchange.session_cookies())
    if name:
        raise RuledOut(cookies.reason(name))


# conditional requests

def _held(exchange, found, asked, now):
    """Return the :class:`Held` copy of the client that is the answer, or
    None (RFC 9110 13.2.2).

    `asked` are If-None-Match and If-Modified-Since, None where absent.
    A date counts for anonymous visitors alone.  Where the page varies by
    headers only what is stored says which variant the client may hold.  A
    tag comes from a 200, and so does what is stored.  Without a stored page
    only rendering tells whether a cookie makes it another.
    """
    if_none_match, since = asked
    if (not exchange.policy.allows_304 or exchange.response._locked_status
            # rendering would tell whether there is a page at all
            or found.page is None and not exchange.key.may_view):
        return None
    tags = tags_of(exchange, found.page, found.varies)
    is_sure = found.page is not None
    if if_none_match is not None:
        tag = conditional.held_tag(if_none_match, tags)
        if not tag:
            return None
        if if_none_match.strip() == '*':
            return Held('', is_sure)
        return Held(
            conditional.tag_for_304(tag),
            is_sure or not foreign_cookie(exchange, found.varies))
    if not tags and is_sure:
        return None  # a page without a tag has no date either
    if conditional.not_modified(
            None, since, tags, exchange.modified, now,
            _dates_count(exchange, found)):
        return Held('', is_sure)
    return None


def tags_of(exchange, page, varies):
    """Return the tags of the page that this client can be told of.

    RFC 9110 13.1.2: a tag counts for what would be selected now.  A cache
    asks with the tags of all that it has (RFC 9111 section 4.1), and would
    give the page in gzip to a client that did not ask for it.  Of several
    the one that the client likes best comes first.
    """
    if page is not None:
        tag = page.tag
    else:
        # where a page varies only what is stored says by what
        tag = '' if varies else keys.entity_tag(exchange)
    return conditional.tag_variants(
        tag, http_request.codings(exchange.request)) if tag else ()


def _dates_count(exchange, found):
    key = exchange.key
    if visitor.current_user() is not None or key.partition:
        return False  # a date does not tell whose page it is of
    if not exchange.origin.dates_count:
        return False
    if exchange.settings.key_cookies or visitor.language(exchange.request):
        return False  # a date does not tell which of the pages it is of
    return found.page is not None or not (found.varies or key.varies)


def foreign_cookie(exchange, varies):
    """Return a cookie of the request that the key lacks, '' for none."""
    sent = cookies.sent_by(exchange.request)
    if not sent or exchange.key.has_all_cookies(varies):
        return ''
    if len(sent) > 1:
        sent.discard(cookies.HEADER)
    return cookies.first_foreign(
        sent, exchange.settings, exchange.session_cookies(),
        exchange.site.cookies(exchange.request))


# flights

def _board(exchange, found, held, asked, now):
    """Return the step of a page that is not stored: a Miss to render it, an
    Answer if it came while this request waited.
    """
    index = exchange.key.index_for(exchange.request, found.varies)
    flights = exchange.cache.flights
    refusal = flights.refusal(index)
    if lasts(refusal):
        outcome = Outcome('BYPASS', refusal)
        return Bypass(
            outcome, Rendering(exchange, outcome, found.varies), held)
    if exchange.is_dry:
        return _miss(exchange, found, held)
    boarding = flights.board(
        index, exchange.settings.wait_secs, exchange.settings.max_waiting)
    if isinstance(boarding, Flight):
        try:
            return _lead(exchange, boarding, found, held, asked, now)
        except BaseException:
            boarding.abandon()
            raise
    if boarding is not None and boarding.is_signpost:
        found = _find(exchange)
    elif boarding is not None and _is_young(exchange, boarding):
        _check_cookies(exchange, boarding)
        found = found._replace(page=boarding)
    if found.page is None:
        return _miss(exchange, found, held)
    return _answer(exchange, found, asked, now, collapsed=True)


def _lead(exchange, flight, found, held, asked, now):
    """Return the Miss that leads a flight, an Answer if the page just landed.
    """
    if flight.follows_landing:
        found = _find(exchange)
        if found.page is not None:
            index = exchange.key.index_for(exchange.request, found.varies)
            if flight.key == index:
                flight.land(found.page)  # those who wait came too late, too
            else:
                flight.abandon()
            return _answer(exchange, found, asked, now)
    return _miss(exchange, found, held, flight)


def _miss(exchange, found, held, flight=None):
    outcome = Outcome(
        'MISS', forward='vary-miss' if found.varies else 'uri-miss')
    return Miss(
        outcome, Rendering(exchange, outcome, found.varies), held, flight)


def _is_young(exchange, page):
    """Return whether a page that has just landed is within the age limit."""
    return not is_too_old(
        page.created, time.time(), exchange.settings.max_age,
        page.max_age_secs)
