"""A WSGI filter that answers anonymous hits before Zope is asked.

Nothing is traversed, no database is opened, no transaction begins.  That is
exact for what is in the ZODB: an answer is given only while no database has
seen a commit since before the page last went the whole way.  All else that
pages, policies and access rules read (the clock, files, SQL, LDAP) is late by
as long as the lane trusts a page that it has not asked for.

A request goes: the filter notes the last transaction of every database, and
leaves a ticket in the request.  If the answer is a hit that anybody may have
the engine writes a permit on the ticket, and the filter keeps how the page
was sent, for requests that are the same in all that may matter.
"""
import logging
import threading
import time
import weakref
from collections.abc import Callable
from email.utils import formatdate
from typing import NamedTuple

from ZODB.interfaces import IMVCCStorage

from .core.conditional import if_none_match
from .core.headers import not_modified_headers
from .core.keys import is_ignored
from .core.keys import query_key
from .core.outcome import Outcome
from .core.outcome import cache_status
from .core.settings import Names
from .core.settings import Number
from .lane import TICKET
from .lane import Permit
from .lane import Ticket


logger = logging.getLogger(__name__)

FIELDS = {
    'late_ms': Number(
        'late_ms', 'Latest', 'For how long a page is given without asking '
        'Zope whether it still is the one.', unit='milliseconds',
        low=0, high=60_000),
    'max_entries': Number(
        'max_entries', 'Most entries', 'How many kinds of request are '
        'remembered.', unit='entries', low=1, high=1_000_000),
    'ignored_cookies': Names(
        'ignored_cookies', 'Ignored cookies', 'Cookies that shape no page; * '
        'stands for anything. With any other Zope is asked.',
        pattern=r'[A-Za-z0-9_.~*\-]+', example='_ga_*'),
    'identity_headers': Names(
        'identity_headers', 'Identity headers', 'Request headers by which '
        'visitors are known. With one of these Zope is asked.',
        example='X-Remote-User'),
    'key_headers': Names(
        'key_headers', 'Request headers in the key', 'Request headers by '
        'which answers differ, though no page names them in Vary.',
        example='X-Tenant'),
}

DEFAULTS = {
    'late_ms': 1000,
    'max_entries': 1000,
    'ignored_cookies': (
        '_ga', '_ga_*', '_gid', '_gat*', '_gcl_*', '_fbp', '_pk_*'),
    'identity_headers': (
        'X-Remote-User', 'Remote-User', 'X-Forwarded-User',
        'X-Forwarded-Email', 'X-Auth-Request-User', 'X-SSL-Client-S-DN',
        'SSL-Client-S-DN'),
    'key_headers': (),
}

#: What a server says of who asks, before Zope does (RFC 3875 4.1).
_IDENTITY = (
    'HTTP_AUTHORIZATION', 'HTTP_CGI_AUTHORIZATION',
    'HTTP_PROXY_AUTHORIZATION', 'REMOTE_USER', 'AUTH_TYPE',
    'SSL_CLIENT_S_DN', 'HTTP_TRANSFER_ENCODING')

#: What Zope makes the address of a page from, besides path and query.
_ADDRESS = (
    'wsgi.url_scheme', 'HTTPS', 'SERVER_PORT_SECURE', 'REQUEST_SCHEME',
    'SERVER_URL', 'HTTP_HOST', 'SERVER_NAME', 'SERVER_PORT', 'SCRIPT_NAME',
    'PATH_INFO', 'WEBDAV_SOURCE_PORT')

#: Zope takes this from the names in an environment, Apache's way to pass
#: them on.
_REDIRECTED = 'REDIRECT_'

#: Where one of these stands in a Cookie header Zope reads more cookies than
#: there are parts between semicolons.
_ODD_IN_COOKIES = frozenset('",')

#: A request of which the key takes more characters is not remembered.
_MAX_KEY_LENGTH = 4000

#: What Zope and the server add to each response.
_OF_THE_SERVER = frozenset(['date', 'server', 'via', 'x-powered-by'])

#: What is said anew in each answer.
_OF_THE_MOMENT = frozenset(['date', 'cache-status'])

_HIT = Outcome('HIT', 'fast')
_NOT_MODIFIED = Outcome('HIT', 'not-modified')

#: For each database, by name, its last transaction.
Moment = tuple[tuple[str, bytes], ...]


class Rules(NamedTuple):
    """What of a request matters at one address, besides the address."""

    #: Where the headers by which pages vary stand in a WSGI environment.
    varies: tuple[str, ...]
    ignored_parameters: tuple[str, ...]


class Entry(NamedTuple):
    """How a page was sent that may be sent again."""

    #: Without the cache, which may go with its manager.
    permit: Permit
    cache: weakref.ref
    #: Read before Zope was asked.
    moment: Moment
    #: When Zope was asked, on the clock of the lane.
    asked_at: float
    headers: tuple[tuple[str, str], ...]
    says_status: bool


def filter_app(app, global_config, **options):
    """Make the filter for PasteDeploy; ValueError names a wrong option."""
    unknown = sorted(options.keys() - FIELDS.keys())
    if unknown:
        raise ValueError(f'The fast lane has no option {unknown[0]!r}.')
    return FastLane(app, **options)


class FastLane:
    """The filter; every method may be called by any thread."""

    def __init__(
            self, app, clock: Callable[[], float] = time.monotonic,
            **options):
        values = {
            name: field.read(options.get(name, DEFAULTS[name]))
            for name, field in FIELDS.items()}
        self._app = app
        self._clock = clock
        self._late_secs = values['late_ms'] / 1000
        self._max_entries = values['max_entries']
        self._ignored_cookies = values['ignored_cookies']
        self._identity = _IDENTITY + tuple(
            map(_environ_key, values['identity_headers']))
        self._address = _ADDRESS + tuple(
            map(_environ_key, values['key_headers']))
        self._databases = None
        self._is_refused = False
        self._lock = threading.Lock()
        self._rules: dict[tuple, Rules] = {}
        self._entries: dict[tuple, Entry] = {}

    def __call__(self, environ, start_response):
        if not self._may_take(environ):
            return self._app(environ, start_response)
        address = tuple(environ.get(name) for name in self._address)
        moment = self._moment_or_none()
        if moment is not None:
            try:
                answer = self._answer(environ, address, moment)
            except Exception:
                logger.exception('Zope is asked instead')
                answer = None
            if answer is not None:
                status, headers, body = answer
                start_response(status, headers)
                return [body]
        return self._ask(environ, start_response, address, moment)

    def _may_take(self, environ):
        """Tell whether the request has no sign of who asks, and no body."""
        if environ['REQUEST_METHOD'] not in ('GET', 'HEAD'):
            return False
        if environ.get('CONTENT_LENGTH') not in (None, '', '0'):
            return False
        if any(environ.get(name) for name in self._identity):
            return False
        if _REDIRECTED in ''.join(environ):
            return False
        cookies = environ.get('HTTP_COOKIE')
        return not cookies or _ODD_IN_COOKIES.isdisjoint(cookies) and all(
            is_ignored(name, self._ignored_cookies)
            for name in _cookie_names(cookies))

    def _moment_or_none(self):
        try:
            return self._moment()
        except Exception:
            logger.exception('Zope is asked instead')
            return None

    def _moment(self):
        """Return the last transaction of each database, None if unknown."""
        if self._databases is None:
            return None
        found = []
        for name, database in list(self._databases.items()):
            if not self._is_exact(name, database.storage):
                return None
            found.append((name, database.lastTransaction()))
        return tuple(found)

    def _is_exact(self, name, storage):
        """Tell whether `storage` knows of all commits, its own and others'.
        """
        if IMVCCStorage.providedBy(storage):
            if not self._is_refused:
                self._is_refused = True
                logger.warning(
                    'The fast lane is closed: the storage of database %r '
                    "does not tell of other clients' commits", name)
            return False
        is_connected = getattr(storage, 'is_connected', None)
        if is_connected is not None and not is_connected():
            return False
        # with server-sync ZEO asks its server here, as for each transaction
        getattr(storage, 'sync', _nothing)()
        for which in ('base', 'changes'):  # of a demo storage
            below = getattr(storage, which, None)
            if below is not None and not self._is_exact(name, below):
                return False
        return True

    # the answer of the lane

    def _answer(self, environ, address, moment):
        """Return status, headers and body, or None to ask Zope."""
        rules = self._rules.get(address)
        if rules is None:
            return None
        entry = self._entries.get(self._key(environ, address, rules))
        if (entry is None or entry.moment != moment
                or self._clock() - entry.asked_at > self._late_secs):
            return None
        tags = environ.get('HTTP_IF_NONE_MATCH')
        if tags is None and 'HTTP_IF_MODIFIED_SINCE' in environ:
            return None
        if tags is not None and not _holds(entry, tags):
            return None  # it may be the tag of another variant
        permit, cache = entry.permit, entry.cache()
        cookies = environ.get('HTTP_COOKIE')
        if cookies and not permit.cookies.isdisjoint(_cookie_names(cookies)):
            return None
        if cache is None:
            return None
        page = cache.pages.get(permit.key)
        if page is None or page.created != permit.created:
            return None
        said = self._said(entry, cache, page)
        if tags is not None:
            cache.tally.add(_HIT.word, _NOT_MODIFIED.detail)
            return '304 Not Modified', _of_a_304(entry, said), b''
        cache.tally.add(_HIT.word, _HIT.detail)
        body = page.gzip if permit.is_coded else page.body
        return '200 OK', [*entry.headers, *said], (
            b'' if environ['REQUEST_METHOD'] == 'HEAD' else body)

    def _said(self, entry, cache, page):
        """Return the headers that each answer has of its own."""
        now = time.time()
        said = [('Date', formatdate(now, usegmt=True))]
        if entry.says_status:
            limit = cache.settings.max_age
            ttl = max(0, limit - page.age(now)) if limit else None
            said.append(('Cache-Status', cache_status(_HIT._replace(ttl=ttl))))
        return said

    @staticmethod
    def _key(environ, address, rules):
        query = query_key(
            environ.get('QUERY_STRING', ''), rules.ignored_parameters)
        return (
            address, rules, query,
            *[environ.get(name) for name in rules.varies])

    # the whole way

    def _ask(self, environ, start_response, address, moment):
        asked_at = self._clock()
        # Zope changes the environment
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
                try:
                    self._note(
                        asked, address, permit, moment, asked_at, *sent[-1],
                        result)
                except Exception:
                    logger.exception('Page is not given again')
        return result

    def _note(
            self, environ, address, permit, moment, asked_at, status,
            headers, result):
        """Keep how the page was sent, or that it still is the one."""
        with self._lock:
            rules = self._learned(address, permit)
            key = self._key(environ, address, rules)
            if _length(key) > _MAX_KEY_LENGTH:
                return
            self._put(self._rules, address, rules)
        if not _are_as_permitted(headers, permit):
            return
        lines = tuple(
            line for line in headers
            if line[0].lower() not in _OF_THE_MOMENT)
        if status[:3] == '304':
            entry = self._entries.get(key)
            if entry is None or (entry.permit.key, entry.permit.created) != (
                    permit.key, permit.created):
                return
            entry = entry._replace(
                moment=moment, asked_at=asked_at,
                headers=_renewed(entry.headers, lines))
        elif (status[:3] == '200' and environ['REQUEST_METHOD'] == 'GET'
                and _is_body_as_permitted(result, permit)):
            entry = Entry(
                permit._replace(
                    body=b'', cache=None, databases=None),
                weakref.ref(permit.cache), moment, asked_at, lines,
                any(name == 'cache-status' for name, _ in permit.headers))
        else:
            return
        with self._lock:
            self._put(self._entries, key, entry)

    def _learned(self, address, permit):
        """Return the rules of an address, with those of a permit in them."""
        rules = self._rules.get(address)
        varies = set(map(_environ_key, permit.varies))
        if rules is not None:
            varies |= set(rules.varies)
        return Rules(tuple(sorted(varies)), permit.ignored_parameters)

    def _put(self, table, key, value):
        """Keep `value`; called with the lock held."""
        table[key] = value
        while len(table) > self._max_entries:
            del table[next(iter(table))]


def _environ_key(name):
    return f'HTTP_{name.upper().replace("-", "_")}'


def _nothing():
    """Stand for what a storage does not have."""


def _cookie_names(cookies):
    return [part.partition('=')[0].strip() for part in cookies.split(';')]


def _length(key):
    address, rules, *values = key
    return sum(len(str(part)) for part in (*address, *rules.varies, *values))


def _are_as_permitted(headers, permit):
    """Tell whether nobody added to the headers, or changed one."""
    lines = [(name.lower(), value) for name, value in headers]
    lines = [line for line in lines if line[0] not in _OF_THE_SERVER]
    names = {name for name, _ in lines}
    return len(names) == len(lines) and permit.headers.issuperset(lines)


def _is_body_as_permitted(result, permit):
    parts = [part for part in result if part] if type(result) in (
        list, tuple) else []
    return len(parts) == 1 and parts[0] is permit.body


def _renewed(lines, lines_of_304):
    """Return `lines` with what a 304 says anew (RFC 9111 section 4.3.4).

    It may name the page by the tag of another coding.
    """
    said = {name.lower(): value for name, value in lines_of_304}
    said.pop('etag', None)
    return tuple(
        (name, said.get(name.lower(), value)) for name, value in lines)


def _holds(entry, tags):
    """Tell whether the client holds just what the entry would send."""
    held = dict(_lower(entry)).get('etag')
    return bool(
        held and entry.permit.allows_304 and if_none_match(tags, [held]))


def _of_a_304(entry, said):
    kept = not_modified_headers(dict(_lower(entry)))
    kept = {*kept, 'x-pagecache', *_OF_THE_SERVER}
    return [*(line for line in entry.headers if line[0].lower() in kept),
            *said]


def _lower(entry):
    return ((name.lower(), value) for name, value in entry.headers)
