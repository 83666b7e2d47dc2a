"""Answers of a moment ago, for the same request of the same visitor.

The cache remembers the policy's answer, the key, and the headers of the page.
It computes them again after `late_ms` at the latest.  It computes them sooner
if a commit changed an object that was read for the answer, or a source of the
page.  Each time it compares the data of the request and the user, and it asks
the store for the page.
"""
import math
import time
import weakref
from hashlib import sha256
from itertools import compress
from typing import Any
from typing import NamedTuple

from ..core.key import arguments_key
from ..core.reads.read_set import ReadSet
from ..core.recent_answers import MAX_SEEN
from ..core.recent_answers import Fingerprint
from ..core.settings import BY_NAME
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


#: A request with more characters is not remembered.
MAX_LENGTH = 8000

#: The approximate size of an answer without its texts and read sets.
_OWN_BYTES = 6000

_NO_CONDITIONS = None, None

#: Objects that Zope, CMF and Plone put into each request.  They depend on the
#: URL, the user, the language and the database alone.
_OF_ZOPE = frozenset([
    'RESPONSE', 'PARENTS', 'PUBLISHED', 'AUTHENTICATED_USER', 'LANGUAGE_TOOL',
    '_plone_registry_cache'])

#: Parts by which a request that comes again is known.
_SEEN_BY = (
    'PATH_INFO', 'QUERY_STRING', 'REMOTE_ADDR', 'HTTP_X_FORWARDED_FOR',
    'HTTP_USER_AGENT', 'HTTP_COOKIE', 'HTTP_AUTHORIZATION')

#: No answer is remembered longer.
MAX_LATE_SECS = BY_NAME['late_ms'].high / 1000

#: Beginnings of names in the environment.  Under such names servers and Zope's
#: own filter pass objects that no page depends on.
_OF_SERVERS = (
    'wsgi.', 'waitress.', 'gunicorn.', 'mod_wsgi.', 'werkzeug.',
    'Zope2.httpexceptions')

#: Attribute of a request: the result of :func:`recall`, until the look-up.
RECALLED = '_page_cache_recalled'


class Remembered(NamedTuple):
    """The remembered answer to a request that got a stored page."""

    #: A weak reference to the :class:`.caches.ManagerCache`.
    cache: Any
    #: The claim of other machinery on the page, or None.
    claim: Any
    #: The policy's answer, and the key, without objects of a connection.
    policy: Any
    key: Any
    #: The index of the page in the store, and the time of its render: another
    #: page may have taken its place.
    index: Any
    created: float
    varies: tuple[str, ...]
    #: The headers of the page, without headers that depend on the time.
    headers: dict[str, str]
    #: The :class:`.Held` copy of the client by the conditions of the request,
    #: or None.
    held: Any
    #: The time at which the page must be checked again, seconds since 1970.
    until: float
    #: Whether the page depends only on databases with a snapshot that was
    #: read.
    is_of_snapshots: bool
    #: The objects that were read for the answer, None if they are not known.
    reads: ReadSet | None
    #: How long the answer is remembered, and its approximate size in bytes
    #: with its fingerprint, but without conditions.
    late_secs: float
    size: int
    #: The :class:`.sent_again.Sent`, None if the answer can't be sent again as
    #: it was.
    sent: Any = None


def recall(request, origin):
    """Return ``(fingerprint, before, who)`` of a request.

    `fingerprint` is its :class:`Fingerprint`.  `before` is None, or the equal
    fingerprint of an earlier request with its :class:`Remembered`.  `who` is
    the result of :func:`visitor.who`.  Return None in place of all three if
    the request must be looked up each time, or was not seen before.
    """
    environ, marks = request.environ, request.__dict__.get(RING_MARKS)
    if (not marks or permit.TICKET in environ  # the fast lane remembers it
            or MAKER in environ):
        return None
    # most clients ask once for a page: their fingerprint would serve nobody
    seen, now = recent_answers.seen, time.time()
    mark = hash(tuple(map(environ.get, _SEEN_BY)))
    with recent_answers.lock:
        last = seen.pop(mark, 0)
        if len(seen) >= MAX_SEEN:
            del seen[next(iter(seen))]
        seen[mark] = now
    if now - last > MAX_LATE_SECS:
        return None
    found = snapshots(marks[0].connection)
    if found is None:
        return None
    # all plain values in the environment, of client, server and filters
    said = dict(compress(environ.items(), map(
        PLAIN.__contains__, map(type, environ.values()))))
    for name in environ.keys() - said.keys():
        if not str(name).startswith(_OF_SERVERS):
            return None  # an object can be neither compared nor kept
    said.pop('REMOTE_PORT', None)  # it changes for the same client
    conditions = (
        said.pop('HTTP_IF_NONE_MATCH', None),
        said.pop('HTTP_IF_MODIFIED_SINCE', None))
    # and all plain values that code put into the request
    other, put = request.other, {}
    for name, value in other.items():
        if type(value) in PLAIN:
            put[name] = value
        elif name not in _OF_ZOPE:
            # Zope puts an empty list there
            spelled = '[]' if type(value) is list and not value else (
                arguments_key(value))
            if spelled is None:
                return None
            put[name] = spelled,  # equal to no text
    who = visitor.who(other.get('AUTHENTICATED_USER'), origin.context)
    parts = (
        origin.kind, origin.name, origin.identity,
        identity_of(origin.context), origin.version_in_files(), who,
        # no password is kept
        request._auth and sha256(repr(request._auth).encode(
            'utf-8', 'surrogatepass')).digest(), request.response.base,
        request.response.headers.get('content-type'),
        request.__dict__.get('__provides__'),
        # hooks of traversal may have added cookies and fields
        repr(request.cookies) if request.cookies else '',
        repr(request.form) if request.form else '',
        *said, *said.values(), *map(type, said.values()),  # 1 equals True
        '', *put, *put.values(), *map(type, put.values()))
    fingerprint = Fingerprint(parts, found, now, conditions)
    return fingerprint, recent_answers.get(fingerprint), who


def answer(exchange, fingerprint, before):
    """Return the step for the page that answered the same request `before`.

    None if that answer is not valid now.  Sets ``policy`` and ``key`` of the
    exchange.
    """
    then, known = before
    if (known.cache() is not exchange.cache or known.claim != exchange.claim
            or fingerprint.conditions != _NO_CONDITIONS
            # then no 304 can be sent
            and http_response.is_status_locked(exchange.response)):
        return None
    store = exchange.cache.pages
    if not (known.is_of_snapshots
            and then.snapshots.items() <= fingerprint.snapshots.items()):
        known = _outlasting(store, known)
        if known is None:
            return None
        # the next request with these snapshots need not check again
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
    """Return the answer if the last commits did not change it, else None.
    """
    page = None if known.reads is None else store.peek(known.index)
    if (page is None or page.created != known.created
            or not freshness.are_unmoved(page.made_from, known.reads)):
        return None
    return known._replace(until=freshness.until(page.made_from))


def remember(exchange, fingerprint, step):
    """Remember the answer to a request that got a stored page.

    Its reads are determined only for a request that is repeated while other
    objects are committed.  For other requests this costs more than it saves.
    """
    now = snapshots(exchange.manager._p_jar)
    length = len(repr(fingerprint.parts))
    policy, page, headers = exchange.policy, step.page, {**step.headers}
    if headers.pop('expires', None) is not None and (
            policy.max_age_secs is None):
        return  # this Expires depends on the time
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
