"""Handlers for Zope's events, each a step of a request."""
from functools import partial

import transaction
from ZPublisher.pubevents import PubBeforeAbort
from ZPublisher.pubevents import PubBeforeCommit
from ZPublisher.pubevents import PubStart
from ZPublisher.pubevents import PubSuccess

from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..key import code_version
from ..publisher import own_request
from ..publisher import watch
from ..publisher.sessions import thread
from . import ahead
from . import audit
from . import purge
from . import recent
from . import repeated
from . import stand_in
from . import traversal
from .exchange import EXCHANGE


def database_opened(event):
    """Work out now which code it is: later a visitor would wait for it."""
    attempt(None, 'code version', code_version.code_version)


def publication(event):
    """Take the step of a request that an event of Zope stands for.

    It is called before handlers of others: a page is captured before any
    transform.
    """
    request, kind = event.request, type(event)
    if kind is PubStart:
        if request.environ.get('REQUEST_METHOD') == purge.METHOD:
            traverse = partial(purge.traverse, request)
        else:
            traverse = partial(
                traversal.traverse, request, thread.touches)
        request.__dict__['traverse'] = traverse
        return
    # looked up here, to cost other requests nothing
    exchange = request.__dict__.get(EXCHANGE)
    if kind is PubSuccess and stand_in.UNKEPT in request.__dict__:
        attempt(None, 'note', stand_in.note_unkept, request)
    if exchange is None:
        if kind is not PubBeforeCommit and (
                repeated.REPEATED in request.__dict__):
            attempt(None, 'finish', repeated.end, request, event)
        return
    if kind is PubBeforeCommit:
        attempt(exchange, 'finish', (
            exchange.show if exchange.origin.is_captured_last
            else exchange.deliver))
    elif kind is PubSuccess:
        if attempt(exchange, 'finish', exchange.commit) is not FAILED:
            del request.__dict__[EXCHANGE]  # nothing is left to end
        if exchange.step.is_answered and not exchange.counted_as:
            if exchange.settings.audit_every:
                attempt(exchange, 'audit', audit.consider, exchange)
            if exchange.settings.hot_pages:
                attempt(exchange, 'hot pages', ahead.count, exchange)
    elif kind is PubBeforeAbort:
        attempt(exchange, 'finish', exchange.abandon, event.retry)


def before_commit_at_last(event):
    """Capture the page of a view, which transforms had their part in.

    A stored page has that already, and must not get it twice.  Handlers for
    the event's class come after those for its interface.  A render that no
    visitor waits for is aborted, unless its maker may commit.
    """
    exchange = event.request.__dict__.get(EXCHANGE)
    if exchange is not None and exchange.origin.is_captured_last:
        attempt(exchange, 'finish', exchange.deliver)
    maker = event.request.environ.get(own_request.MAKER)
    if maker is not None and not maker.may_commit:
        transaction.doom()


def request_ended(event):
    """End what the request still holds, whichever way it went."""
    own = getattr(event.request, '__dict__', {})
    # these lead back to the request
    for name in (
            stand_in.UNKEPT, repeated.REPEATED, recent.RECALLED,
            watch.WATCH, watch.RING_MARKS, 'clone'):
        own.pop(name, None)
    exchange = own.pop(EXCHANGE, None)
    if exchange is not None and exchange.step.rendering is not None:
        attempt(exchange, 'finish', exchange.end)
