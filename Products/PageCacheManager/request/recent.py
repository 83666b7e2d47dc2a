"""Answers of a moment ago, for the same request of the same visitor.

What is remembered is the policy's answer, the key, and the headers of the
page.  It is worked out anew after `late_ms` at the latest, and once anything
was committed that was read for it, or that the page was made from.  What a
request carries and who is logged in is compared each time; the store says
whether the page is still there.
"""
import math
import time
import weakref
from hashlib import sha256
from itertools import compress
from typing import Any
from typing import NamedTuple

from ..core.reads.read_set import ReadSet
from ..core.recent import MAX_SEEN
from ..core.recent import Fingerprint
from ..fastlane import permit
from ..key import visitor
from ..key.versions import identity_of
from ..key.versions import snapshots
from ..manager.caches import recent_answers
from ..publisher import response as http_response
from ..publisher.own_request import MAKER
from ..publisher.request import PLAIN
from ..publisher.watch import RING_MARKS
from ..reads import freshness
from . import preconditions
from .from_store import Found
from .hit import Hit
from .hit import NotModified


#: A request that takes more characters is not remembered.
MAX_LENGTH = 8000

#: What an answer takes beside texts and read sets, about.
_OWN_BYTES = 6000

_NO_CONDITIONS = None, None

#: Parts of a request that comes again, which few others have alike.
_MARKS = (
    'PATH_INFO', 'QUERY_STRING', 'REMOTE_ADDR', 'HTTP_X_FORWARDED_FOR',
    'HTTP_USER_AGENT', 'HTTP_COOKIE', 'HTTP_AUTHORIZATION')

#: The highest value of the setting `late_ms`, in seconds.
MAX_LATE_SECS = 60

#: With one of these begin the names under which servers, and Zope's own
#: filter, pass objects that no page is made from.
_OF_SERVERS = (
    'wsgi.', 'waitress.', 'gunicorn.', 'mod_wsgi.', 'werkzeug.',
    'Zope2.httpexceptions')

#: Where a request keeps what :func:`recall` returned, until the look-up.
RECALLED = '_page_cache_recalled'


class Remembered(NamedTuple):
    """The remembered answer to a request that a stored page answered."""

    #: A weak reference to the :class:`.caches.ManagerCache`.
    cache: Any
    #: What other machinery said of the page, or None.
    claim: Any
    #: The policy's answer, and the key, without objects of a connection.
    policy: Any
    key: Any
    #: Where the page is stored, and when it was rendered: another one may
    #: have taken its place.
    index: Any
    created: float
    varies: tuple[str, ...]
    #: The headers of the page, without those that depend on the time.
    headers: dict[str, str]
    #: The client's own copy by the conditions of the request, None where it
    #: held none.
    held: Any
    #: When the page has to be looked at anew, seconds since 1970.
    until: float
    #: Whether the snapshots that were read are all that the page depends on.
    is_of_snapshots: bool
    #: What was read to answer, None where that is not known.
    reads: ReadSet | None
    #: How long it is remembered, and the bytes of all this and of its
    #: fingerprint without conditions, about.
    late_secs: float
    size: int
    #: How it was sent, see :class:`.repeated.Sent`, None where it can't be
    #: sent so again.
    sent: Any = None


def recall(request, origin):
    """Return the :class:`Fingerprint` of a request; the same one of before
    with what is :class:`Remembered`, or None; and what :func:`visitor.who`
    returns for its user.  None where it has to be looked up each time, and
    for a request that was not seen before.
    """
    environ, marks = request.environ, request.__dict__.get(RING_MARKS)
    if (not marks or permit.TICKET in environ  # the lane remembers it so long
            or MAKER in environ):
        return None
    # most visitors ask once for a page: a fingerprint of that costs in vain
    seen, now = recent_answers.seen, time.time()
    mark = hash(tuple(map(environ.get, _MARKS)))
    last = seen.get(mark, 0)
    if len(seen) >= MAX_SEEN:
        seen.clear()
    seen[mark] = now
    if now - last > MAX_LATE_SECS:
        return None
    found = snapshots(marks[0].connection)
    if found is None:
        return None
    # of the environment all that a client, a server or a filter says
    said = dict(compress(environ.items(), map(
        PLAIN.__contains__, map(type, environ.values()))))
    for name in environ.keys() - said.keys():
        if not str(name).startswith(_OF_SERVERS):
            return None  # it can be neither compared nor kept
    said.pop('REMOTE_PORT', None)  # another one for the same client
    conditions = (
        said.pop('HTTP_IF_NONE_MATCH', None),
        said.pop('HTTP_IF_MODIFIED_SINCE', None))
    # and what code put into the request
    other = request.other
    put = dict(compress(other.items(), map(
        PLAIN.__contains__, map(type, other.values()))))
    who = visitor.who(other.get('AUTHENTICATED_USER'), origin.context)
    parts = (
        origin.kind, origin.name, origin.identity,
        identity_of(origin.context), origin.version_in_files(), who,
        # no password is kept
        request._auth and sha256(repr(request._auth).encode(
            'utf-8', 'surrogatepass')).digest(), request.response.base,
        request.response.headers.get('content-type'),
        request.__dict__.get('__provides__'),
        # hooks of traversal may have added some
        repr(request.cookies) if request.cookies else '',
        repr(request.form) if request.form else '',
        *said, *said.values(), *map(type, said.values()),  # 1 equals True
        '', *put, *put.values(), *map(type, put.values()))
    fingerprint = Fingerprint(parts, found, now, conditions)
    return fingerprint, recent_answers.get(fingerprint), who


def answer(exchange, fingerprint, before):
    """Return the step of the page that answered the same request `before`,
    None if there is none now.

    Sets ``policy`` and ``key`` of the exchange.
    """
    then, known = before
    if (known.cache() is not exchange.cache or known.claim != exchange.claim
            or fingerprint.conditions != _NO_CONDITIONS
            # there is no 304 then
            and http_response.is_status_locked(exchange.response)):
        return None
    store = exchange.cache.pages
    if not (known.is_of_snapshots
            and then.snapshots.items() <= fingerprint.snapshots.items()):
        known = _outlasting(store, known)
        if known is None:
            return None
        # the next request of this moment need not look again
        then = then._replace(
            snapshots={**then.snapshots, **fingerprint.snapshots})
        keep(then, known)
    page = store.get(known.index, known.created) if (
        fingerprint.time < known.until) else None
    if page is None:
        return None
    exchange.policy, exchange.key = known.policy, known.key
    headers, held = known.headers, known.held
    if known.policy.max_age_secs is not None:
        now = known.policy.headers_at(fingerprint.time)
        headers = {**headers, 'expires': now['expires']}
    if fingerprint.conditions != then.conditions:
        held = preconditions.held(
            exchange, fingerprint.conditions, page.tag, page.date,
            fingerprint.time, is_stored=True)
        keep(then._replace(conditions=fingerprint.conditions),
             known._replace(held=held, sent=None))
    return (Hit if held is None else NotModified)(
        exchange, Found(known.index, known.varies, page), held,
        headers)


def _outlasting(store, known):
    """Return an answer that the last commits left as it was, or None."""
    page = None if known.reads is None else store.peek(known.index)
    if (page is None or page.created != known.created
            or not freshness.are_unmoved(page.made_from, known.reads)):
        return None
    return known._replace(until=freshness.until(page.made_from))


def remember(exchange, fingerprint, step):
    """Remember how a stored page came to be the answer.

    What was read for that is found out for a request that comes again and
    again while other things are committed: it costs more than it saves
    others.
    """
    now = snapshots(exchange.manager._p_jar)
    length = len(repr(fingerprint.parts))
    policy, page, headers = exchange.policy, step.page, {**step.headers}
    if headers.pop('expires', None) is not None and (
            policy.max_age_secs is None):
        return  # it depends on the time
    if (now is None or None in now.values()
            or not fingerprint.snapshots.items() <= now.items()
            or length > MAX_LENGTH
            or http_response.is_status_locked(exchange.response)):
        return
    key, made = exchange.key, page.made_from
    is_again = made is not None and recent_answers.get(fingerprint) is not None
    reads = permit.reads(exchange) if is_again else None
    keep(fingerprint._replace(snapshots=now), Remembered(
        cache=weakref.ref(exchange.cache), claim=exchange.claim,
        policy=policy.without_date(), key=key.without_objects(),
        index=key.index_for(exchange.request, step.varies),
        created=page.created, varies=step.varies, headers=headers,
        held=step.held,
        until=math.inf if made is None else freshness.until(made),
        is_of_snapshots=made is None or (
            freshness.databases_of(made) <= now.keys()),
        reads=reads, late_secs=exchange.settings.late_ms / 1000,
        size=_OWN_BYTES + length + len(repr(headers)) + (
            0 if reads is None else reads.size)))


def keep(fingerprint, known):
    """Remember an answer, if the request's conditions are not too long."""
    length = sum(len(one) for one in fingerprint.conditions if one)
    if length <= MAX_LENGTH:
        size = known.size + (0 if known.sent is None else known.sent.size)
        recent_answers.put(fingerprint, known, known.late_secs, size + length)
