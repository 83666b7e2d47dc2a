"""Reads a request, captures and sends a response.

Only here and in `visit` and `head` are ZPublisher's objects known.
"""
from functools import lru_cache
from hashlib import sha256

from zope.component import getSiteManager
from zope.event import subscribers
from zope.interface import implementedBy
from ZPublisher.HTTPResponse import HTTPBaseResponse
from ZPublisher.pubevents import PubBeforeCommit

from .core import coding
from .core.conditional import coded_tag
from .core.headers import merged
from .core.headers import not_modified_headers
from .core.keys import is_ignored
from .core.keys import query_key
from .core.page import directives
from .core.page import joined


_ABSENT = object()
_GZIP_MAGIC = b'\x1f\x8b'

#: What our own handler, and any others that come after it, are found by.
_BEFORE_COMMIT = implementedBy(PubBeforeCommit)

#: setBody() sets these anew for each response, from the body.
_OF_THE_BODY = ('content-length', 'content-encoding')


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

    def __init__(self, request, ignored_parameters):
        self._request = request
        self._was = None
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
        if self._was is not None:
            request = self._request
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


def touched_session(request):
    """Tell whether the session was looked at, which creates it."""
    return 'SESSION' in request.other


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
        if name not in _OF_THE_BODY}


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


# sending

class Undo:
    """Remembers a response's state, to take back what the cache did."""

    def __init__(self, response):
        self._headers = dict(response.headers)
        self._settled = self._headers
        self._status = response.status, response.errmsg
        self._body = response.body
        self._streaming = response._streaming
        self._settled_body = self._body

    def headers_before(self):
        """Return the names of the headers that were there, lower case."""
        return {name.lower() for name in self._headers}

    def restore(self, response):
        """Put all back: nothing else touched the response since."""
        response.headers.clear()
        response.headers.update(self._headers)
        response.status, response.errmsg = self._status
        response.body = self._body
        response._streaming = self._streaming

    def settle(self, response):
        """Note how the cache left the response."""
        self._settled = dict(response.headers)
        self._settled_body = response.body

    def is_settled(self, response):
        """Tell whether nobody touched the response after the cache."""
        return (
            response.headers == self._settled
            and response.body is self._settled_body
            and not response.accumulated_headers and not response.cookies)

    def take_back(self, response):
        """Restore headers that still are as the cache left them."""
        now = response.headers
        for name in {*self._headers, *self._settled}:
            before = self._headers.get(name, _ABSENT)
            settled = self._settled.get(name, _ABSENT)
            if before == settled or now.get(name, _ABSENT) != settled:
                continue
            if name in _OF_THE_BODY:
                continue
            if before is _ABSENT:
                del now[name]
            else:
                now[name] = before
        self._describe_body(response)
        response._streaming = self._streaming

    def _describe_body(self, response):
        """Let the headers fit the body, an error page perhaps."""
        now = response.headers
        coded_in = 'gzip' if response.body[:2] == _GZIP_MAGIC else None
        if response.body is self._settled_body:
            now.pop('content-length', None)  # Zope adds it
            coded_in = self._settled.get('content-encoding')
        now.pop('content-encoding', None)
        if coded_in:
            now['content-encoding'] = coded_in


def put_headers(response, values):
    """Set headers, lower-case names; a None removes one.

    They go into the mapping itself: setHeader() costs ten times as much and
    the values are clean.  The entity-tag gets its one right spelling.
    """
    mapping = response.headers
    for name in list(mapping):
        if name.lower() in values:
            del mapping[name]
    for name, value in values.items():
        if value is not None:
            mapping['ETag' if name == 'etag' else name] = value


def append_header(response, name, value):
    """Add `value` at the end of a list header; `name` is lower case."""
    mapping = response.headers
    for present in mapping:
        if present.lower() == name:
            value = f'{mapping.pop(present)}, {value}'
            break
    mapping[name] = value


def send_page(response, body, values, coded_in=''):
    """Send a 200 with `body`, which is in a content coding or in none.

    `values` are from :func:`core.headers.page_headers`.
    """
    response.body = body
    sent = merged(values, lower_headers(response))
    sent.update(_of_the_coding(body, sent.get('etag'), coded_in))
    put_headers(response, sent)


#: Digests of the bytes that are sent (RFC 9530, RFC 3230, RFC 2616 14.15).
_OF_THE_BYTES = frozenset([
    'content-digest', 'content-md5', 'digest', 'repr-digest'])


def take_later_tag(response):
    """Leave one entity-tag, that of other code where it set one after us.

    setHeader() knows names in lower case alone, and ours is in another.
    """
    if 'etag' in response.headers:
        response.headers['ETag'] = response.headers.pop('etag')


def speaks_of_bytes(response, page):
    """Tell whether a header holds for the body only as it is."""
    return not (
        _OF_THE_BYTES.isdisjoint(map(str.lower, response.headers))
        and _OF_THE_BYTES.isdisjoint(name for name, _ in page.headers))


def send_coded(response, body, coded_in):
    """Send the page that is there in a content coding instead."""
    response.body = body
    present = lower_headers(response)
    put_headers(response, {
        'vary': joined(present.get('vary', ''), ['Accept-Encoding']),
        **_of_the_coding(body, present.get('etag'), coded_in)})


def _of_the_coding(body, tag, coded_in):
    values = {
        'content-length': str(len(body)),
        'content-encoding': coded_in or None}
    if coded_in and tag:
        values['etag'] = coded_tag(tag, coded_in)
    return values


def others_follow():
    """Tell whether other code gets to see a response before the commit.

    It may change the body, which it does not expect to be in a coding.
    """
    # the one that zope.component has there asks the component registries
    return len(subscribers) > 1 or len(
        getSiteManager().adapters.subscriptions([_BEFORE_COMMIT], None)) > 1


#: What describes a body that a 304 does not have, or speaks of another one.
_NOT_OF_A_304 = (
    'content-type', 'content-encoding', 'content-length', 'last-modified',
    'etag')


def send_not_modified(response, values):
    """Turn the response into a 304; `values` are the headers of the 200."""
    values = merged(values, lower_headers(response))
    send_bare_304(response)
    put_headers(response, not_modified_headers(values))


def send_bare_page(response, body, content_type):
    """Send `body` with no headers but those that describe it."""
    response.body = body
    put_headers(response, {
        'content-type': content_type, 'content-length': str(len(body))})


def forbid_storing(response):
    """Keep all caches from a page that is meant for this moment."""
    if 'no-store' not in content_control(response):
        put_headers(response, {'cache-control': 'private, no-store'})


def content_control(response):
    """Return the directives of the response's Cache-Control."""
    return directives(lower_headers(response).get('cache-control', ''))


def send_bare_304(response):
    """Turn the response into a 304 with no headers of its own."""
    put_headers(response, dict.fromkeys(_NOT_OF_A_304))
    response.setStatus(304)
    response.body = b''
    without_length(response)


def without_length(response):
    """Send no Content-Length, and keep Zope from adding one.

    Zope adds one unless the body is streamed; 0 would be wrong on a 304 and
    on an answer to HEAD (RFC 9110 section 8.6).
    """
    response.headers.pop('content-length', None)
    response._streaming = 1


def accepts_gzip(request):
    """Tell whether the client takes gzip."""
    return coding.accepts(header(request, 'Accept-Encoding'), 'gzip')


def codings(request):
    """Return the content codings that the client takes, the best first."""
    return coding.preferences(header(request, 'Accept-Encoding'))


def is_zope_to_compress(request):
    """Tell whether Zope was told to compress this response."""
    return bool(request.response.use_HTTP_content_compression)
