"""What of a request counts in the fast lane.

Whatever may be a sign of who asks keeps a request out.  Of the others all
that may shape a page stands in the key, as raw as it came.
"""
from typing import NamedTuple

from .core.keys import is_ignored
from .core.keys import query_key


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

#: A request of which the key takes more characters is not remembered.
MAX_KEY_LENGTH = 4000


class Rules(NamedTuple):
    """What of a request matters at one address, besides the address."""

    #: Where the headers by which pages vary stand in a WSGI environment.
    varies: tuple[str, ...]
    ignored_parameters: tuple[str, ...]


def signs_of_identity(identity_headers):
    """Return where a WSGI environment tells who asks."""
    return _IDENTITY + tuple(map(environ_key, identity_headers))


def parts_of_address(key_headers):
    """Return where it has all that Zope makes the address of a page from."""
    return _ADDRESS + tuple(map(environ_key, key_headers))


def names_of_cookies(environ, signs, ignored_cookies):
    """Return the names of the cookies, all of which are ignored.

    None if there is another cookie, any of the `signs` of who asks, or a
    body.
    """
    get = environ.get
    if environ['REQUEST_METHOD'] not in ('GET', 'HEAD'):
        return None
    if get('CONTENT_LENGTH') not in (None, '', '0'):
        return None
    if any(map(get, signs)) or _REDIRECTED in ''.join(environ):
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
