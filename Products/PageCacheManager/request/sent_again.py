"""Sends an answer of a moment ago again, if the same request is repeated.

Only the cache took part in that answer, and nothing has changed since.  So
neither a manager nor an :class:`.Exchange` is needed.
"""
import time
from typing import Any
from typing import NamedTuple

from ZPublisher.pubevents import PubBeforeAbort
from ZPublisher.pubevents import PubSuccess

from ..core.http.cache_status import Outcome
from ..core.http.cache_status import with_ttl
from ..fastlane import permit
from ..key import visitor
from ..manager.caches import recent_answers
from ..publisher import other_handlers
from ..publisher import response as http_response
from ..publisher import sending
from ..publisher.sessions import BEFORE
from ..publisher.sessions import thread
from ..publisher.watch import WATCH
from . import remembered


#: Attribute of a request: its :class:`SentAgain`.
SENT_AGAIN = '_page_cache_sent_again'


class Sent(NamedTuple):
    """A page or a 304 as it was sent."""

    #: The headers before the cache changed them, and all headers that were
    #: sent, with Expires and Cache-Status of that time.
    before: dict[str, str]
    headers: dict[str, str]
    outcome: Outcome
    body: bytes
    #: The entry of the page in the store, and the time of its render.
    entry: Any
    created: float
    size: int
    says_status: bool
    #: The setting ``max_age``, 0 for no limit.
    max_age_secs: int
    #: The path of the template, and its association.
    path: str
    association: Any


class SentAgain(NamedTuple):
    """Data about a request that got an earlier answer again."""

    cache: Any
    known: Any
    #: The headers that were put into the response.
    headers: dict[str, str]
    began_at: float


def answered(request, origin):
    """Send the earlier answer again, if possible; return whether it was sent.
    """
    own, began_at = request.__dict__, time.perf_counter()
    if WATCH not in own:
        return False
    own[WATCH].pause(request)
    recalled = own[remembered.RECALLED] = remembered.recall(request, origin)
    if recalled is None or recalled[1] is None:
        return False
    fingerprint, (then, known), _ = recalled
    sent, response, now = known.sent, request.response, fingerprint.time
    if (sent is None or not known.is_of_snapshots
            or fingerprint.conditions != then.conditions
            or now >= known.until
            or not then.snapshots.items() <= fingerprint.snapshots.items()
            or response.headers != sent.before
            or thread.touches != own[BEFORE]
            or 'SESSION' in request.other
            or not http_response.is_untouched(response)
            or not visitor.is_of_request(request, origin.context)
            or other_handlers.others_follow()
            or origin.association() != sent.association):
        return False
    cache = known.cache()
    if cache is None or not cache.pages.again(sent.entry):
        return False
    headers = {**sent.headers}
    if known.policy.max_age_secs is not None:
        headers['expires'] = known.policy.headers_at(now)['expires']
    if sent.says_status:
        ttl = None if not sent.max_age_secs else max(
            0, sent.max_age_secs - max(0, int(now - sent.created)))
        headers['cache-status'] = with_ttl(sent.outcome, ttl)
    sending.send_again(response, sent.body, headers, not sent.body)
    own[SENT_AGAIN] = SentAgain(cache, known, headers, began_at)
    return True


def end(request, event):
    """Count the request after the commit.

    After an abort, remove the answer from the response, which is an error
    now.
    """
    cache, known, headers, began_at = request.__dict__[SENT_AGAIN]
    outcome = known.sent.outcome
    if type(event) is PubSuccess:
        cache.tally.add(
            outcome.word, outcome.detail, known.policy.policy_id,
            known.sent.path, time.perf_counter() - began_at)
    elif type(event) is PubBeforeAbort:
        changes = sending.Changes.of_sent_again(
            known.sent.before, headers, known.sent.body)
        changes.take_back(request.response)
        cache.tally.add('FAILED', 'retry' if event.retry else 'error')


def note(exchange):
    """Remember the answer as it was sent, to send it again.

    It is called after the commit.
    """
    before, step = recent_answers.get(exchange.fingerprint), exchange.step
    response, changes, settings = (
        exchange.response, exchange.changes, exchange.settings)
    if (before is None
            or before[0].conditions != exchange.fingerprint.conditions
            or exchange.claim is not None or exchange.others_follow
            or settings.audit_every or settings.hot_pages
            or step.page.max_age_secs
            or step.outcome.collapsed
            or not changes.is_settled(response)
            or {'expires', 'cache-status'} & changes.headers_before()):
        return
    then, known = before
    entry = exchange.cache.pages.entry(known.index, step.page.created)
    body = response.body
    if entry is None or response.status != 304 and (
            permit.coding_of(body, step.page) is None):
        return
    if known.sent is not None and known.sent.entry.record is entry.record:
        return
    headers = {**response.headers}
    remembered.keep(then, known._replace(sent=Sent(
        before=changes.before, headers=headers, outcome=step.outcome,
        body=body, entry=entry, created=step.page.created,
        size=len(repr(headers)) + len(repr(changes.before)) + len(body),
        says_status=settings.show_cache_status,
        max_age_secs=settings.max_age, path=exchange.origin.path,
        association=exchange.origin.association())))
