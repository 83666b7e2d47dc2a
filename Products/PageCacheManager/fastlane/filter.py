"""A WSGI filter that answers anonymous hits before Zope.

It traverses nothing, opens no database and begins no transaction.  For
content of the ZODB it is exact.  The lane does not answer if a commit changed
an object that the page was made from, or that Zope read for its last answer to
this request.  Changes in other sources of pages, policies and access rules
(the clock, files, SQL, LDAP) may be late by `late_ms`.

For each request that goes to Zope the filter records the last transaction of
every database, and puts a ticket into the request.  If the answer is a hit
that any anonymous visitor may get, the engine writes a permit on the ticket.
Then the filter keeps the sent headers for later requests that are equal in all
relevant parts.
"""
import logging
import threading
import time
from collections.abc import Callable

from ..core.attempt import attempt
from ..core.attempt import report
from ..core.http.cache_status import Outcome
from ..core.http.cache_status import with_ttl
from ..core.http.conditional import format_date
from ..reads import freshness
from . import entry as lane_entry
from . import options as lane_options
from . import request
from .commits import CommitWatch
from .entry import Entry
from .permit import TICKET
from .permit import Ticket
from .request import Rules


logger = logging.getLogger(__name__)

_HIT = Outcome('HIT', 'fast')
_NOT_MODIFIED = Outcome('HIT', 'not-modified')


def filter_app(app, global_config, **options):
    """Make the filter for PasteDeploy; ValueError names a wrong option."""
    return FastLane(app, **lane_options.read(options)._asdict())


class FastLane:
    """The filter; any thread may call any method."""

    def __init__(
            self, app, clock: Callable[[], float] = time.monotonic,
            **given):
        options = lane_options.read(given)
        self._app = app
        self._clock = clock
        self._late_secs = options.late_ms / 1000
        self._max_entries = options.max_entries
        self._ignored_cookies = options.ignored_cookies
        self._signs = request.signs_of_identity(options.identity_headers)
        logger.info(
            'Zope answers every request that has any of: %s', ', '.join(
                request.IDENTITY + options.identity_headers))
        self._parts = request.parts_of_address(options.key_headers)
        self._watch = CommitWatch()
        self._databases = None
        self._lock = threading.Lock()
        self._rules: dict[tuple, Rules] = {}
        self._entries: dict[tuple, Entry] = {}

    def __call__(self, environ, start_response):
        cookies = request.names_of_cookies(
            environ, self._signs, self._ignored_cookies)
        if cookies is None:
            return self._app(environ, start_response)
        address = request.address(environ, self._parts)
        moment = answer = None
        # inline: each call costs time on every request
        try:
            if self._databases is not None:
                moment = self._watch.moment(self._databases)
            if moment is not None:
                answer = self._answer(environ, cookies, address, moment)
        except Exception as error:
            report(None, 'fast lane', error)
        if answer is None:
            return self._ask(environ, start_response, address, moment)
        status, headers, body = answer
        start_response(status, headers)
        return [body]

    # the answer of the lane

    def _answer(self, environ, cookies, address, moment):
        """Return status, headers and body, or None to ask Zope."""
        rules = self._rules.get(address)
        if rules is None:
            return None
        key = request.key(environ, address, rules)
        entry = self._entries.get(key)
        if entry is None or (
                self._clock() - entry.asked_at > self._late_secs):
            return None
        tags = environ.get('HTTP_IF_NONE_MATCH')
        if tags is None and 'HTTP_IF_MODIFIED_SINCE' in environ:
            return None
        held = '' if tags is None else entry.held(tags)
        if tags is not None and not held:
            return None  # another variant may have this tag
        permit, cache = entry.permit, entry.cache()
        if cookies and not permit.cookies.isdisjoint((*cookies, '*')):
            return None
        if cache is None:
            return None
        page = cache.pages.get(permit.key)
        if page is None or page.created != permit.created:
            return None
        if entry.moment != moment and not self._outlasts(
                key, entry, page, moment):
            return None
        if (permit.coding and (tags is None or '*' in tags)
                and not page.coded(permit.coding)):
            return None  # the store dropped the coding: Zope sends another
        body = b''
        if tags is None and environ['REQUEST_METHOD'] != 'HEAD':
            body = (page.coded(permit.coding) if permit.coding
                    else page.whole().body)
        said = self._said(entry, cache, page)
        if tags is not None:
            cache.tally.add(
                _HIT.word, _NOT_MODIFIED.detail, permit.policy_id)
            return (
                '304 Not Modified', [*entry.lines_of_304(held), *said], b'')
        cache.tally.add(_HIT.word, _HIT.detail, permit.policy_id)
        return '200 OK', [*entry.headers, *said], body

    def _outlasts(self, key, entry, page, moment):
        """Return whether an answer is as it was before the last commits."""
        reads, made = entry.permit.reads, page.made_from
        if reads is None or made is None or (
                not freshness.are_unmoved(made, reads)):
            return False
        with self._lock:
            if self._entries.get(key) is entry:
                self._entries[key] = entry._replace(moment=moment)
        return True

    @staticmethod
    def _said(entry, cache, page):
        """Return the headers that are new in each answer."""
        now = time.time()
        said = [('Date', format_date(int(now)))]
        if entry.says_status:
            limit = cache.settings.max_age
            ttl = max(0, limit - page.age(now)) if limit else None
            said.append(('Cache-Status', with_ttl(_HIT, ttl)))
        return said

    # the answer of Zope

    def _ask(self, environ, start_response, address, moment):
        asked_at = self._clock()
        # a copy, since Zope changes the environment
        asked = dict(environ)
        ticket = environ[TICKET] = Ticket()
        sent = []

        def start(status, headers, *error):
            sent.append((status, headers))
            return start_response(status, headers, *error)

        result = self._app(environ, start)
        permit = ticket.permit
        if permit is not None:
            self._databases = permit.databases
            if moment is not None and sent:
                attempt(
                    None, 'fast lane', self._note, asked, address, permit,
                    moment, asked_at, *sent[-1], result)
        return result

    def _note(
            self, environ, address, permit, moment, asked_at, status,
            headers, result):
        """Keep the headers of a page, or renew the entry after a 304."""
        with self._lock:
            rules = self._learned(address, permit)
            key = request.key(environ, address, rules)
            if request.length(key) > request.MAX_KEY_LENGTH:
                return
            self._put(self._rules, address, rules)
        if not lane_entry.are_as_permitted(headers, permit):
            return
        if status[:3] == '304':
            entry = self._entries.get(key)
            if entry is None or not entry.is_of(permit):
                return
            entry = lane_entry.renewed(
                entry, permit, moment, asked_at, headers)
        elif (status[:3] == '200' and environ['REQUEST_METHOD'] == 'GET'
                and _is_body_as_permitted(result, permit)):
            entry = lane_entry.entry(permit, moment, asked_at, headers)
        else:
            return
        with self._lock:
            self._put(self._entries, key, entry)

    def _learned(self, address, permit):
        """Return the rules of an address, extended by those of a permit."""
        rules = self._rules.get(address)
        varies = set(map(request.environ_key, permit.varies))
        if rules is not None:
            varies |= set(rules.varies)
        return Rules(tuple(sorted(varies)), permit.ignored_parameters)

    def _put(self, table, key, value):
        """Keep `value`; called with the lock held."""
        table[key] = value
        while len(table) > self._max_entries:
            del table[next(iter(table))]


def _is_body_as_permitted(result, permit):
    parts = [part for part in result if part] if type(result) in (
        list, tuple) else []
    return len(parts) == 1 and parts[0] is permit.body
