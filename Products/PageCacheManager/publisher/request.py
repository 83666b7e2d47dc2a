"""Reads a request."""
from functools import lru_cache
from hashlib import sha256
from ipaddress import ip_address
from typing import NamedTuple

from Acquisition import aq_base
from ZPublisher.HTTPRequest import record
from ZPublisher.mapply import mapply
from ZPublisher.WSGIPublisher import call_object
from ZPublisher.WSGIPublisher import dont_publish_class
from ZPublisher.WSGIPublisher import missing_name

from ..core.http import content_coding
from ..core.http.conditional import tag_variants
from ..core.key import digest
from ..core.key import query_key
from ..core.memo import remembered


#: Types of environment values that can be compared and stored.  Others are
#: objects, such as bodies and connections.
PLAIN = frozenset([str, bytes, bool, int, float, type(None)])

#: Attribute of a request that Zope publishes and has traversed.
ARRIVED = '_page_cache_arrived'


def call(published, request):
    """Call the published object as Zope's publisher does; return the result.
    """
    return mapply(
        published, request.args, request, call_object, 1, missing_name,
        dont_publish_class, request, bind=1)


def has_arrived(request):
    """Return whether Zope publishes `request` and has traversed it.

    Zope publishes neither subrequests nor requests made by scripts.
    """
    return ARRIVED in getattr(request, '__dict__', ())


def method(request):
    """Return the request's method, which is case-sensitive (RFC 9110 9.1).

    Zope treats ``get`` as a GET too, but lets a page read its body.
    """
    return request.environ.get('REQUEST_METHOD', 'GET')


def is_post_to(request, name):
    """Return whether this is a POST to the method `name`."""
    if not has_arrived(request) or method(request) != 'POST':
        return False
    published = request.other.get('PUBLISHED')
    return getattr(aq_base(published), '__name__', None) == name


def url(request, ignored_parameters):
    """Return the URL that the client sees, without ignored parameters."""
    address = request.other.get('ACTUAL_URL', '')
    query = request.environ.get('QUERY_STRING', '')
    if query:
        query = query_key(query, ignored_parameters)
    return f'{address}?{query}' if query else address


def header(request, name):
    """Return a request header's value, or None."""
    key = environ_key(name)
    if key == 'HTTP_AUTHORIZATION':  # the request removes it from environ
        return request._auth
    return request.environ.get(key)


@remembered(256, 200)
def environ_key(name):
    """Return the name of a header in a WSGI environment (PEP 3333)."""
    key = name.upper().replace('-', '_')
    return key if key in ('CONTENT_TYPE', 'CONTENT_LENGTH') else f'HTTP_{key}'


def forget_conditions(request):
    """Remove conditions, so that CMF sends no wrong 304 (RFC 9110 13.2.1).
    """
    for name in ('HTTP_IF_NONE_MATCH', 'HTTP_IF_MODIFIED_SINCE'):
        request.environ.pop(name, None)


def headers(request, names):
    """Return the values of the named headers as unambiguous strings."""
    if not names:
        return ()
    return tuple(
        f'{name.lower()}={header(request, name)!r}' for name in names)


def cookies(request, names):
    """Return the values of the named cookies as unambiguous strings."""
    if not names or not request.cookies:
        return ()
    return tuple(
        f'{name}={request.cookies[name]!r}'
        for name in names if name in request.cookies)


def session(request, names):
    """Return a digest of the session cookies of a request, '' for none."""
    values = cookies(request, names)
    if not values:
        return ''
    return sha256(repr(values).encode('utf-8', 'surrogatepass')).hexdigest()


def credentials(request):
    """Return a digest of all credentials, also if Zope does not know them."""
    given = request._auth, request.environ.get('REMOTE_USER')
    return sha256(repr(given).encode('utf-8', 'surrogatepass')).hexdigest()


def carries_cookie(request, names):
    """Return whether the request carries one of the cookies."""
    if request.cookies:
        for name in names:
            if name in request.cookies:
                return True
    return False


class Conditions(NamedTuple):
    """The conditions of a request (RFC 9110 section 13.1)."""

    #: If-None-Match and If-Modified-Since, None where absent.
    if_none_match: str | None
    since: str | None


def conditions(request):
    """Return the :class:`Conditions`, None for a request without them."""
    tags = request.environ.get('HTTP_IF_NONE_MATCH')
    since = request.environ.get('HTTP_IF_MODIFIED_SINCE')
    return None if tags is None and since is None else Conditions(tags, since)


def client_address(request):
    """Return the client's IP address, None if it is not known.

    A proxy that ``trusted-proxy`` of zope.conf names sends the address in a
    header.  Behind another proxy the address is not known, because the
    connection has the address of the proxy.
    """
    address = request.getClientAddr()
    if address == request.environ.get('REMOTE_ADDR') and any(
            name in request.environ for name in _OF_PROXIES):
        return None
    try:
        found = ip_address(address)
    except ValueError:
        return None
    return getattr(found, 'ipv4_mapped', None) or found


#: Headers that proxies add to a request.
_OF_PROXIES = (
    'HTTP_FORWARDED', 'HTTP_VIA', 'HTTP_X_FORWARDED_FOR', 'HTTP_X_REAL_IP')


def is_authorized(request):
    """Return whether the request has an Authorization header."""
    return bool(request._auth)


def address(request):
    """Return the parts from which the URLs in a page are made, as strings.

    The URL of the client is not enough, because it does not show where its
    parts begin: the value for the host may contain a path, and a rewritten
    path may come from several paths.
    """
    root = request.other.get('VirtualRootPhysicalPath', ())
    return (
        request.other.get('SERVER_URL', ''), '/'.join(request._script),
        request.environ.get('PATH_INFO', ''), '/'.join(root))


def layers(request):
    """Return a digest of the browser layers of a request.

    Zope chooses views, viewlets and resources by the layers.
    """
    # requests with the same layers share this object
    return _digest_of_layers(request.__dict__.get('__provides__'))


def layer_names(request):
    """Return the names of the browser layers of a request."""
    return _names_of(request.__dict__.get('__provides__'))


def _names_of(declaration):
    return [] if declaration is None else [
        layer.__identifier__ for layer in declaration.flattened()]


@lru_cache(maxsize=256)
def _digest_of_layers(declaration):
    return digest(' '.join(_names_of(declaration)))


def codings(request):
    """Return the content codings that the client accepts, the best first."""
    return content_coding.preferences(
        request.environ.get('HTTP_ACCEPT_ENCODING'))


def records(value):
    """Return the records in a form's `value` as dicts.

    None if `value` is neither a record nor a list of records.
    """
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(one, record) for one in found):
        return None
    return [dict(vars(one)) for one in found]


def tags(request, tag):
    """Return the entity-tags under which this client may hold a page.

    `tag` is the tag of the page without a coding, '' for none.  Only tags of
    the codings that this client accepts count (RFC 9110 13.1.2).  A shared
    cache asks with the tags of all its stored responses (RFC 9111 section
    4.1).  Otherwise it would give the page in gzip to a client that did not
    ask for gzip.  The tag of the client's best coding comes first.
    """
    return tag_variants(tag, codings(request)) if tag else ()
