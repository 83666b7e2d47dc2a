"""The parts of a request that matter to the fast lane.

A request with any sign of identity goes to Zope.  For others the key has all
parts that may change the page, without any decoding.
"""
import re
from typing import NamedTuple

from ..core.key import is_ignored
from ..core.key import query_key
from ..publisher.request import environ_key


#: Variables by which a server identifies the visitor (RFC 3875 4.1).
IDENTITY = (
    'HTTP_AUTHORIZATION', 'HTTP_CGI_AUTHORIZATION',
    'HTTP_PROXY_AUTHORIZATION', 'REMOTE_USER', 'AUTH_TYPE', 'REMOTE_IDENT',
    'SSL_CLIENT_S_DN', 'HTTP_TRANSFER_ENCODING')

#: Variables from which Zope makes the URL of a page, except the query.
_ADDRESS = (
    'wsgi.url_scheme', 'HTTPS', 'SERVER_PORT_SECURE', 'REQUEST_SCHEME',
    'SERVER_URL', 'HTTP_HOST', 'SERVER_NAME', 'SERVER_PORT', 'SCRIPT_NAME',
    'PATH_INFO', 'WEBDAV_SOURCE_PORT')

#: Apache adds this prefix to names in an environment, and Zope removes it.
_REDIRECTED = 'REDIRECT_'

#: The maximum length of a key that is kept, in characters.
MAX_KEY_LENGTH = 4000


class Rules(NamedTuple):
    """The parts of a request that matter at one address."""

    #: WSGI names of the headers by which pages vary.
    varies: tuple[str, ...]
    ignored_parameters: tuple[str, ...]


class Signs(NamedTuple):
    """Variables of a WSGI environment that identify the visitor."""

    names: frozenset[str]
    #: Matches other names, one per line; None if there are no patterns.
    others: re.Pattern[str] | None

    def are_in(self, environ):
        """Return whether the environment has a value for any of them.

        The time does not depend on the number of names; patterns cost extra.
        """
        if not self.names.isdisjoint(environ) and any(
                map(environ.get, self.names)):
            return True
        return self.others is not None and any(
            environ[found.group()]
            for found in self.others.finditer('\n'.join(environ)))


def signs_of_identity(given):
    """Return the :class:`Signs` for names of headers and of variables.

    Each name stands for a header and for a variable: a server may pass on
    identities as either.
    """
    places = {place for name in given for place in (name, environ_key(name))}
    patterns = {place for place in places if '*' in place}
    choices = '|'.join(
        re.escape(pattern).replace(r'\*', '.*')
        for pattern in sorted(patterns))
    return Signs(
        frozenset(IDENTITY) | places - patterns,
        re.compile(f'^(?:{choices})$', re.MULTILINE) if patterns else None)


def parts_of_address(key_headers):
    """Return the names in an environment that make up the address."""
    return _ADDRESS + tuple(map(environ_key, key_headers))


def names_of_cookies(environ, signs, ignored_cookies):
    """Return the names of the cookies, None if Zope must answer.

    Zope must answer any method but GET and HEAD, and a request with a body, a
    cookie that is not ignored, or a sign of identity in `signs` (a
    :class:`Signs`).
    """
    get = environ.get
    if environ['REQUEST_METHOD'] not in ('GET', 'HEAD'):
        return None
    if get('CONTENT_LENGTH') not in (None, '', '0'):
        return None
    if signs.are_in(environ) or _REDIRECTED in ''.join(environ):
        return None
    cookies = get('HTTP_COOKIE')
    if not cookies:
        return ()
    # with these characters Zope does not split at semicolons alone
    if '"' in cookies or ',' in cookies:
        return None
    names = [part.partition('=')[0].strip() for part in cookies.split(';')]
    for name in names:
        if not is_ignored(name, ignored_cookies):
            return None
    return names


def address(environ, parts):
    """Return the values that make up the address of a page."""
    return tuple(map(environ.get, parts))


def key(environ, address, rules):
    """Return the index into the entries of the lane."""
    query = environ.get('QUERY_STRING', '')
    if query:
        query = query_key(query, rules.ignored_parameters)
    return (address, rules, query, *map(environ.get, rules.varies))


def length(key):
    """Return the number of characters in a key."""
    address, rules, *values = key
    return sum(len(str(part)) for part in (*address, *rules.varies, *values))
