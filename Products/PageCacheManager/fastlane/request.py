"""The parts of a request that count in the fast lane.

Whatever may be a sign of who asks keeps a request out.  Of the others all
that may shape a page stands in the key, as raw as it came.
"""
import re
from typing import NamedTuple

from ..core.key import is_ignored
from ..core.key import query_key


#: What a server says of who asks, before Zope does (RFC 3875 4.1).
IDENTITY = (
    'HTTP_AUTHORIZATION', 'HTTP_CGI_AUTHORIZATION',
    'HTTP_PROXY_AUTHORIZATION', 'REMOTE_USER', 'AUTH_TYPE', 'REMOTE_IDENT',
    'SSL_CLIENT_S_DN', 'HTTP_TRANSFER_ENCODING')

#: What Zope makes the address of a page from, besides path and query.
_ADDRESS = (
    'wsgi.url_scheme', 'HTTPS', 'SERVER_PORT_SECURE', 'REQUEST_SCHEME',
    'SERVER_URL', 'HTTP_HOST', 'SERVER_NAME', 'SERVER_PORT', 'SCRIPT_NAME',
    'PATH_INFO', 'WEBDAV_SOURCE_PORT')

#: Zope takes this from the names in an environment, Apache's way to pass
#: them on.
_REDIRECTED = 'REDIRECT_'

#: A request of which the key takes more characters is not remembered.
MAX_KEY_LENGTH = 4000


class Rules(NamedTuple):
    """The parts of a request that matter at one address, besides it."""

    #: Where the headers by which pages vary stand in a WSGI environment.
    varies: tuple[str, ...]
    ignored_parameters: tuple[str, ...]


class Signs(NamedTuple):
    """Variables of a WSGI environment that identify the visitor."""

    names: frozenset[str]
    #: Finds others among lines with a name each, None if there are none.
    others: re.Pattern[str] | None

    def are_in(self, environ):
        """Return whether the environment has a value under any of them.

        The time does not grow with the number of names, and patterns cost
        it only where there are some.
        """
        if not self.names.isdisjoint(environ) and any(
                map(environ.get, self.names)):
            return True
        return self.others is not None and any(
            environ[found.group()]
            for found in self.others.finditer('\n'.join(environ)))


def signs_of_identity(given):
    """Return the :class:`Signs` for names of headers and of variables.

    A server may pass on what it knows of a visitor as a header and as a
    variable; which of them it is a name does not tell.
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
    """Return where it has all that Zope makes the address of a page from."""
    return _ADDRESS + tuple(map(environ_key, key_headers))


def names_of_cookies(environ, signs, ignored_cookies):
    """Return the names of the cookies, all of which are ignored.

    None if there is another cookie, any of the `signs` of who asks (a
    :class:`Signs`), or a body.
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
    # Zope reads more cookies than there are parts between semicolons
    if '"' in cookies or ',' in cookies:
        return None
    names = [part.partition('=')[0].strip() for part in cookies.split(';')]
    for name in names:
        if not is_ignored(name, ignored_cookies):
            return None
    return names


def address(environ, parts):
    """Return from what Zope makes the address of a page."""
    return tuple(map(environ.get, parts))


def key(environ, address, rules):
    """Return the index into the entries of the lane."""
    query = environ.get('QUERY_STRING', '')
    if query:
        query = query_key(query, rules.ignored_parameters)
    return (address, rules, query, *map(environ.get, rules.varies))


def length(key):
    """Return how many characters a key takes."""
    address, rules, *values = key
    return sum(len(str(part)) for part in (*address, *rules.varies, *values))


def environ_key(name):
    """Return where a header stands in a WSGI environment (PEP 3333)."""
    key = name.upper().replace('-', '_')
    return key if key in ('CONTENT_TYPE', 'CONTENT_LENGTH') else f'HTTP_{key}'
