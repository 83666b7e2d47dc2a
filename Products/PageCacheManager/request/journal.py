"""Records the requests that were not answered from memory, with reasons."""
import time

from zope.event import notify

from ..core.reads.unknown import Changed
from ..core.reads.unknown import Unknown
from ..core.reasons import Reason
from ..core.report import journal
from ..key import visitor
from ..key.key import VARIANT
from ..key.versions import path_of
from ..manager.events import PageDropped
from ..publisher import request as http_request
from ..reads import freshness


#: A page is compared with at most this many other entries.
MAX_COMPARED = 8


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


def compare_with_others(exchange, index, page):
    """Record the policy if visitors with one ETag have different pages."""
    cache, policy_id = exchange.cache, exchange.policy.policy_id
    if policy_id in cache.policies_without_user:
        return
    variant = _of_all_visitors(index)
    if any(other.tag != page.tag and key[4] == index[4]
           and _of_all_visitors(key) == variant
           # a current page, not a page from before an edit
           and other.made_from is not None
           and freshness.are_unmoved(other.made_from)
           for key, other in cache.pages.of_page(
               index[:3], MAX_COMPARED)):
        cache.policy_names_no_user(policy_id, index[2])


def _of_all_visitors(index):
    """Return the variant without the parts that separate visitors."""
    variant = list(index[3])
    for name in ('partition', 'viewed', 'listed'):
        variant[VARIANT.index(name)] = ''
    return variant


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
