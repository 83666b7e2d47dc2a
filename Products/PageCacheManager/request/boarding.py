"""A page that is not stored: one request renders it, the others wait for it.
"""
from ..core.flights import Flight
from ..core.http.cache_status import Outcome
from ..core.reasons import Reason
from ..core.reasons import lasts
from ..core.store.expiry import is_too_old
from . import find
from . import journal
from .bypass import Bypass
from .miss import Miss
from .rendering import Rendering


def board(exchange, found, conditions, now):
    """Return the step for a page that is not stored.

    It is a Miss to render the page, or a Hit or NotModified if the page came
    while this request waited.  If the page was refused twice in a row for a
    lasting reason, it is a Bypass.
    """
    flights = exchange.cache.flights
    refusal = flights.refusal(found.index)
    if lasts(refusal):
        outcome = Outcome('BYPASS', refusal)
        return Bypass(
            outcome, rendering=Rendering(exchange, outcome, found.varies),
            conditions=conditions)
    if exchange.is_dry:
        return _miss(exchange, found, conditions)
    landed = flights.board(
        found.index, exchange.settings.wait_secs,
        exchange.settings.max_waiting)
    if isinstance(landed, Flight):
        try:
            return _lead(exchange, landed, found, conditions, now)
        except BaseException:
            landed.abandon()
            raise
    if landed is not None and landed.is_signpost:
        found = find.find(exchange)
    elif landed is not None and not is_too_old(
            landed.created, now, exchange.settings.max_age,
            landed.max_age_secs) and not find.is_stale(exchange, landed):
        find.check_cookies(exchange, landed)
        found = found._replace(page=landed)
    if found.page is None:
        return _miss(exchange, found, conditions)
    return find.answer(exchange, found, conditions, now, collapsed=True)


def _lead(exchange, flight, found, conditions, now):
    """Return the Miss that leads a flight, the answer if the page just landed.
    """
    if flight.follows_landing:
        found = find.find(exchange)
        if found.page is not None:
            if flight.key == found.index:
                flight.land(found.page)  # waiting requests missed it too
            else:
                flight.abandon()
            return find.answer(exchange, found, conditions, now)
    return _miss(exchange, found, conditions, flight)


def _miss(exchange, found, conditions, flight=None):
    forward = 'vary-miss' if found.varies else 'uri-miss'
    if exchange.stale is not None:
        forward = 'stale'
    outcome = Outcome(
        'MISS', _why_rendered(exchange, found.index), forward)
    # the last render was refused only for its parameters: hide them now
    hides = bool(exchange.request.environ.get('QUERY_STRING')) and (
        exchange.cache.flights.last_refusal(found.index)
        == Reason.PARAMETER)
    return Miss(
        outcome, rendering=Rendering(exchange, outcome, found.varies, hides),
        conditions=conditions, flight=flight)


def _why_rendered(exchange, index):
    """Return the reason for the render, '' if no page was stored before."""
    if exchange.stale is not None:
        return journal.why_stale(exchange.stale)
    older = exchange.cache.pages.older(index)
    if older is None or older == index:
        return ''
    return Reason.VERSION_CHANGED if older[4][0] == index[4][0] else (
        Reason.ETAG_CHANGED)
