"""Handlers for Zope's events: they call the exchange of the request."""
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
from . import audit
from . import hot_pages
from . import purge
from . import remembered
from . import sent_again
from . import stand_in
from . import traversal
from .exchange import EXCHANGE


def database_opened(event):
    """Compute the code version now, so that no visitor waits for it."""
    attempt(None, 'code version', code_version.code_version)


def publication(event):
    """Take the step of the request that belongs to an event of Zope.

    It is called before the handlers of other code, so the page of a template
    is captured before any transform.
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
    # without a function call, since most requests have no exchange
    exchange = request.__dict__.get(EXCHANGE)
    if kind is PubSuccess and stand_in.UNKEPT in request.__dict__:
        attempt(None, 'note', stand_in.note_unkept, request)
    if exchange is None:
        if kind is not PubBeforeCommit and (
                sent_again.SENT_AGAIN in request.__dict__):
            attempt(None, 'finish', sent_again.end, request, event)
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
                attempt(exchange, 'hot pages', hot_pages.count, exchange)
    elif kind is PubBeforeAbort:
        attempt(exchange, 'finish', exchange.abandon, event.retry)


def before_commit_at_last(event):
    """Capture the page of a view after all transforms.

    So a stored page has passed the transforms, and must not pass them twice.
    Handlers for the class of an event run after handlers for its interface.
    The transaction of a render without a visitor is doomed, unless its maker
    may commit.
    """
    exchange = event.request.__dict__.get(EXCHANGE)
    if exchange is not None and exchange.origin.is_captured_last:
        attempt(exchange, 'finish', exchange.deliver)
    maker = event.request.environ.get(own_request.MAKER)
    if maker is not None and not maker.may_commit:
        transaction.doom()


def request_ended(event):
    """Remove the cache's data from the request, and end the exchange."""
    own = getattr(event.request, '__dict__', {})
    # these hold references to the request
    for name in (
            stand_in.UNKEPT, sent_again.SENT_AGAIN, remembered.RECALLED,
            watch.WATCH, watch.RING_MARKS, 'clone'):
        own.pop(name, None)
    exchange = own.pop(EXCHANGE, None)
    if exchange is not None and exchange.step.rendering is not None:
        attempt(exchange, 'finish', exchange.end)
