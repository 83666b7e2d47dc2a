"""Finds the step of a request: Hit, NotModified, Miss or Bypass."""
import logging
import time

from AccessControl import getSecurityManager

from ..cmf import guard
from ..core.attempt import log_limit
from ..core.http.cache_status import Outcome
from ..core.reasons import Reason
from ..key import key as keys
from ..key import trace
from ..key import visitor
from ..key.key import RuledOut
from ..key.versions import holds_changes
from ..manager.caches import is_active
from ..publisher import request as http_request
from ..publisher import response as http_response
from . import boarding
from . import find
from . import remembered
from .bypass import Bypass
from .from_store import Found
from .rendering import Rendering


logger = logging.getLogger(__name__)


_NOTHING = Found()


def next_step(exchange):
    """Look the request up; return its step."""
    settings = exchange.settings
    if settings.active != 'on_always' and not is_active(settings):
        return Bypass(Outcome('OFF', Reason.OFF))
    reason = _why_not(exchange)
    if reason:
        return Bypass(Outcome('BYPASS', reason))
    fingerprint = before = step = None
    if settings.late_ms and not (exchange.is_dry or exchange.origin.is_called):
        attributes = exchange.request.__dict__
        if remembered.RECALLED in attributes:
            recalled = attributes.pop(remembered.RECALLED)
        else:
            recalled = remembered.recall(exchange.request, exchange.origin)
        if recalled is not None:
            fingerprint, before, exchange.who = recalled
    exchange.fingerprint = fingerprint
    if before is not None:
        step = remembered.answer(exchange, fingerprint, before)
    if step is None:
        step = _look_up(exchange)
        if fingerprint is not None and step.is_answered:
            remembered.remember(exchange, fingerprint, step)
    return step


def _why_not(exchange):
    """Return the reason why the request itself forbids caching, or ''."""
    request, origin = exchange.request, exchange.origin
    reason = http_response.why_no_page(request)
    if reason:
        # without conditions CMF makes no 304 of it (RFC 9110 13.2.1)
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
    """Ask the policy; return the step.

    Expressions run with the rights of the origin.  A policy may call a
    template; CMF must not ask the policies about that template.
    """
    is_quiet = guard.keep_cmf_from_asking(exchange.request)
    executable = exchange.origin.executable
    if executable is not None:
        # its owner and proxy roles affect the rights of the user
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
    keys.ask_policy(exchange)
    policy, key = exchange.policy, exchange.key
    if policy is None:
        return Bypass(
            Outcome('NO-ETAG', Reason.NO_POLICY),
            rendering=Rendering(exchange))
    found = find.find(exchange) if key.index is not None else _NOTHING
    conditions = http_request.conditions(exchange.request)
    if found.page is not None:
        return find.answer(exchange, found, conditions, time.time())
    # only now, since a stored page has the date of its first answer
    _date(exchange)
    if key.index is None:
        outcome = Outcome('NO-ETAG', Reason.NO_ETAG)
    elif found.trouble:
        outcome = Outcome('BYPASS', found.trouble)
    else:
        return boarding.board(exchange, found, conditions, time.time())
    return Bypass(
        outcome, rendering=Rendering(exchange, outcome, found.varies),
        conditions=conditions)


def _ruled_out(exchange, why):
    """Return the step of a page that must not be stored."""
    outcome = Outcome('BYPASS', why.reason)
    if why.error is not None:
        _report(exchange, why)
        return Bypass(
            outcome, rendering=Rendering(exchange), failure=why.failure)
    if why.reason == Reason.UNKEYED_ARGUMENTS:
        _date(exchange)
    return Bypass(outcome, rendering=Rendering(exchange, outcome))


def _date(exchange):
    """Set the dates of the page.  If the policy fails, no date is sent."""
    exchange.changed_at, exchange.date = keys.dates(exchange)
    if exchange.no_date is not None:
        _report(exchange, exchange.no_date)


def _report(exchange, why):
    if why.reason != Reason.POLICY_ERROR:
        return
    path = exchange.origin.path
    # an entry of Explain must not hide the failure of a visitor's request
    if log_limit.is_due(('policy', path, why.failure, exchange.is_dry)):
        # the policy that failed is searched only now, since this is rare
        failed = trace.failed(exchange)
        if failed is not None and not exchange.is_dry:
            exchange.cache.policy_failed(
                failed.policy_id, failed.failed, failed.error)
        which = 'A caching policy' if failed is None else (
            f'The {failed.failed} of caching policy {failed.policy_id}')
        logger.error('%s failed for %s', which, path, exc_info=why.error)
