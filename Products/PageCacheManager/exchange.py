"""Reads a request, and captures a response.

Only here and in `sending`, `visit` and `head` are ZPublisher's objects known.
"""
from functools import lru_cache
from hashlib import sha256

from zope.component import getSiteManager
from zope.event import subscribers
from zope.interface import implementedBy
from ZPublisher.HTTPRequest import record
from ZPublisher.HTTPResponse import HTTPBaseResponse
from ZPublisher.pubevents import PubBeforeCommit

from .core import coding
from .core.keys import digest
from .core.keys import is_ignored
from .core.keys import query_key


#: What our own handlers, and any others that come after them, are found by.
_BEFORE_COMMIT = implementedBy(PubBeforeCommit)
_OURS = (f'{__package__}.subscribers', f'{__package__}.integrations.')

#: What calls the transforms of a Plone site.
TRANSFORMS = 'plone.transformchain.zpublisher'

#: setBody() sets these anew for each response, from the body.
OF_THE_BODY = ('content-length', 'content-encoding')


# reading

def method(request):
    """Return the request's method, of which the case counts (RFC 9110 9.1).

    Zope takes ``get`` for a GET too, but lets a page read its body.
    """
    return request.environ.get('REQUEST_METHOD', 'GET')


def url(request, ignored_parameters):
    """Return the URL that the client sees, without ignored parameters."""
    address = request.other.get('ACTUAL_URL', '')
    query = request.environ.get('QUERY_STRING', '')
    query = query_key(query, ignored_parameters)
    return f'{address}?{query}' if query else address


class Aside:
    """What a page must not show of a request, since the key leaves it out.

    A page that is kept for everybody would give the parameters that one
    visitor came with to the next.  It is made as if they were not there.
    """

    def __init__(self, request, ignored_parameters, known_cookies):
        self._request = request
        self._was = None
        self._cookies = request.cookies
        request.cookies = {
            name: value for name, value in request.cookies.items()
            if name in known_cookies}
        query = request.environ.get('QUERY_STRING', '')
        kept = query_key(query, ignored_parameters)
        if kept == query:
            return
        self._was = request.form, request.taintedform, query
        copy = request.clone()
        copy.environ['QUERY_STRING'] = request.environ['QUERY_STRING'] = kept
        copy.processInputs()
        request.form, request.taintedform = (
            {**{name: value for name, value in fields.items()
                if not is_ignored(name, ignored_parameters)},
             # the same name may stand in the key in another spelling
             **{name: value for name, value in read.items()
                if is_ignored(name, ignored_parameters)}}
            for fields, read in (
                (request.form, copy.form),
                (request.taintedform, copy.taintedform)))
        copy.clear()

    def put_back(self):
        """Let the request be as it came; again does nothing."""
        request = self._request
        if self._cookies is not None:
            request.cookies, self._cookies = self._cookies, None
        if self._was is not None:
            request.form, request.taintedform, query = self._was
            request.environ['QUERY_STRING'] = query
            self._was = None


def header(request, name):
    """Return a request header's value, or None."""
    key = _environ_key(name)
    if key == 'HTTP_AUTHORIZATION':  # which the request takes out of environ
        return request._auth
    return request.environ.get(key)


@lru_cache(maxsize=256)
def _environ_key(name):
    """Return where a header stands in a WSGI environment (PEP 3333)."""
    key = name.upper().replace('-', '_')
    return key if key in ('CONTENT_TYPE', 'CONTENT_LENGTH') else f'HTTP_{key}'


def forget_conditions(request):
    """Keep CMF from a 304 where there must be none (RFC 9110 13.2.1)."""
    for name in ('HTTP_IF_NONE_MATCH', 'HTTP_IF_MODIFIED_SINCE'):
        request.environ.pop(name, None)


def headers(request, names):
    """Return an unambiguous spelling of the named headers' values."""
    if not names:
        return ()
    return tuple(
        f'{name.lower()}={header(request, name)!r}' for name in names)


def cookies(request, names):
    """Return an unambiguous spelling of the named cookies' values."""
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


def carries_cookie(request, names):
    """Tell whether the request carries one of the cookies."""
    return any(name in request.cookies for name in names)


def is_authorized(request):
    """Tell whether the request has an Authorization header."""
    return bool(request._auth)


def address(request):
    """Return all that the URLs in a page are made of, each a string.

    The URL as the client sees it does not say where its parts begin: a host
    may hold a path, a path that was rewritten may have had others before.
    """
    root = request.other.get('VirtualRootPhysicalPath', ())
    return (
        request.other.get('SERVER_URL', ''), '/'.join(request._script),
        request.environ.get('PATH_INFO', ''), '/'.join(root))


def layers(request):
    """Return a digest of the layers that mark a request.

    Views, viewlets and resources are chosen by these.
    """
    # one object for all requests with the same marks
    return _digest_of_layers(request.__dict__.get('__provides__'))


def layer_names(request):
    """Return the names of the layers that mark a request."""
    return _names_of(request.__dict__.get('__provides__'))


def _names_of(declaration):
    return [] if declaration is None else [
        layer.__identifier__ for layer in declaration.flattened()]


@lru_cache(maxsize=256)
def _digest_of_layers(declaration):
    return digest(' '.join(_names_of(declaration)))


def codings(request):
    """Return the content codings that the client takes, the best first."""
    return coding.preferences(header(request, 'Accept-Encoding'))


def touched_session(request):
    """Tell whether the session was looked at, which creates it."""
    return 'SESSION' in request.other


def records(value):
    """Return what a form sent as records, dicts; None if it sent others."""
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(one, record) for one in found):
        return None
    return [dict(vars(one)) for one in found]


# capturing

def lower_headers(response):
    """Return the response's headers under lower-case names."""
    return {name.lower(): value for name, value in response.headers.items()}


def changed_headers(response, before):
    """Return the headers that were set since `before`, and Content-Type.

    What other code sets belongs to each request.
    """
    return {
        name: value for name, value in lower_headers(response).items()
        if before.get(name) != value or name == 'content-type'
        if name not in OF_THE_BODY}


def kept_headers(response, left_out):
    """Return the headers of a whole response, but those of one request.

    `left_out` are names or patterns, of which the case does not count.
    """
    patterns = tuple(name.lower() for name in left_out)
    return {
        name: value for name, value in lower_headers(response).items()
        if name not in _OF_ONE_RESPONSE
        and not (patterns and is_ignored(name, patterns))}


#: What belongs to one response, to the connection, or to the cache.
_OF_ONE_RESPONSE = frozenset([
    *OF_THE_BODY, 'age', 'cache-status', 'connection', 'date', 'etag',
    'keep-alive', 'server', 'set-cookie', 'transfer-encoding',
    'x-pagecache'])


def appended_headers(own, before):
    """Return headers to which rendering added something.

    What stood there before belongs to each request; in Vary it does no harm.
    """
    return [
        name for name, value in own.items()
        if name != 'vary' and before.get(name)
        and value.startswith(f'{before[name]},')]


def sets_cookie(response):
    """Tell whether there is a Set-Cookie in any of the places for one."""
    if response.cookies:
        return True
    named = [*response.headers, *(n for n, _ in response.accumulated_headers)]
    return any(name.lower() == 'set-cookie' for name in named)


def is_streamed(response):
    """Tell whether the body is, or began to be, streamed."""
    return bool(
        response._streaming or not isinstance(response.body, bytes)
        or response.stdout.tell())


def has_begun(response):
    """Tell whether there is, or must not be, a body before the page's."""
    return bool(
        response.body or response._locked_body or is_streamed(response))


def is_as_it_is(response):
    """Tell whether this is a 200 with a body in no coding."""
    return (
        response.status == 200 and not is_streamed(response)
        and 'content-encoding' not in lower_headers(response))


def plain_body(response):
    """Return the body without gzip, or None where it can't be known."""
    kind = response.headers.get('content-encoding')
    if kind is None:
        return response.body
    if kind != 'gzip':
        return None
    return coding.gunzip(response.body, limit=1 << 30)


def made_body(response, result):
    """Return what setBody() makes of a published `result`, uncompressed.

    It encodes, mends an XML preamble and inserts a base element.
    """
    probe = HTTPBaseResponse()
    probe.charset = response.charset
    probe.base = response.base
    kind = response.headers.get('content-type')
    if kind is not None:
        probe.headers['content-type'] = kind
    try:
        probe.setBody(result)
    except Exception:
        return None
    return probe.body


def content_type(response):
    """Return the Content-Type that is set so far, '' for none."""
    return response.headers.get('content-type', '')


def zipped_by_zope(response):
    """Return the body if setBody() put it in gzip, else b''."""
    if response.headers.get('content-encoding') == 'gzip':
        return response.body
    return b''


def others_follow(but=None):
    """Tell whether other code gets to see a response before the commit.

    It may change the body, which it does not expect to be in a coding.
    Handlers of the module `but` do not count.
    """
    # the one that zope.component has there asks the component registries
    if len(subscribers) > 1:
        return True
    found = getSiteManager().adapters.subscriptions([_BEFORE_COMMIT], None)
    modules = {getattr(handler, '__module__', '') or '' for handler in found}
    return any(
        module != but and not module.startswith(_OURS)
        for module in modules)


#: Digests of the bytes that are sent (RFC 9530, RFC 3230, RFC 2616 14.15).
_OF_THE_BYTES = frozenset([
    'content-digest', 'content-md5', 'digest', 'repr-digest'])


def speaks_of_bytes(response, page):
    """Tell whether a header holds for the body only as it is."""
    return not (
        _OF_THE_BYTES.isdisjoint(map(str.lower, response.headers))
        and _OF_THE_BYTES.isdisjoint(name for name, _ in page.headers))


def is_zope_to_compress(request):
    """Tell whether Zope was told to compress this response."""
    return bool(request.response.use_HTTP_content_compression)
