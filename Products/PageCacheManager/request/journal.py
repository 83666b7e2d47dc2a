"""Records the requests that were not answered from memory, with reasons."""
import time

from zope.event import notify

from ..core.reads.unknown import Changed
from ..core.reads.unknown import Unknown
from ..core.reasons import Reason
from ..core.report import journal
from ..key import visitor
from ..key.versions import path_of
from ..manager.events import PageDropped
from ..publisher import request as http_request
from ..reads import freshness


def note(exchange):
    """Record the request, for the screens that show the reason.

    If a stored page was stale, other code gets the event PageDropped.
    """
    outcome, key = exchange.step.outcome, exchange.key
    rendering = exchange.step.rendering
    user = None if key is not None and not key.has_user else (
        visitor.current_user())
    exchange.cache.journal.note(journal.Entry(
        time.time(), key and key.page_id or _page_of(exchange),
        '' if user is None else user.getId() or user.getUserName(),
        exchange.counted_as or outcome.word, outcome.detail,
        exchange.stale and _dropped(exchange.stale),
        () if key is None or key.parts is None else tuple(
            map(hash, key.parts.variant)),
        0 if rendering is None else rendering.secs))
    if exchange.stale is not None:
        notify(PageDropped(
            exchange.manager, *key.page_id,
            reason=why_stale(exchange.stale)))


def why_stale(stale):
    """Return the reason that a stored page was dropped."""
    if isinstance(stale, Changed):
        return Reason.CONTENT_CHANGED
    return Reason.COMMITTED if isinstance(stale, Unknown) else (
        Reason.ANSWER_CHANGED)


def _page_of(exchange):
    origin = exchange.origin
    return origin.path, path_of(origin.context), http_request.url(
        exchange.request, exchange.settings.ignored_parameters)


def _dropped(stale):
    if isinstance(stale, Changed):
        return journal.Changed(
            freshness.commits.name_of(stale.source), stale.oid)
    if isinstance(stale, Unknown):
        return stale.why
    return stale.label
