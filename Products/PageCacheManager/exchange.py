"""Reads a request, captures and sends a response.

No other module knows ZPublisher's objects.  What a client may name (forms,
cookies, headers) can shadow attributes of a request, so state is kept in the
request's own ``__dict__`` and read from there.
"""
from hashlib import sha256

from Acquisition import aq_base
from Acquisition import aq_get
from ZPublisher.HTTPResponse import HTTPBaseResponse

from .core import coding
from .core.conditional import coded_tag
from .core.conditional import format_date
from .core.conditional import parse_date
from .core.keys import query_key
from .core.page import directives
from .core.page import joined
from .core.page import listed


_VISIT = '_page_cache_visit'
_ABSENT = object()

#: setBody() sets these anew for each response, from the body.
_OF_THE_BODY = frozenset(['content-length', 'content-encoding'])


class Visit:
    """What the cache knows of one published request.

    A request without one is not published (a subrequest, a script): the
    cache takes no part in it.
    """

    __slots__ = (
        'request', 'published', 'call', 'is_head', 'head', 'undo',
        'committed', 'captured')

    def __init__(self, request, is_head=False):
        self.request = request
        self.published = aq_base(request.other.get('PUBLISHED'))
        #: The template call that may become the page.
        self.call = None
        #: For HEAD: the visit that a GET would have made.
        self.head = None
        self.is_head = is_head
        #: What to restore if the request fails.
        self.undo = None
        self.committed = False
        #: What to store once the transaction is through.
        self.captured = None

    def is_post_to(self, name):
        """Tell whether the method `name` is what was asked for, by POST."""
        return (
            getattr(self.published, '__name__', None) == name
            and method(self.request) == 'POST')

    @property
    def reported_call(self):
        """The call that the response speaks of, or None."""
        return self.call if self.head is None else self.head.visit.call


def begin(request, is_head=False):
    """Let the cache take part in `request`; return its :class:`Visit`."""
    visit = request.__dict__[_VISIT] = Visit(request, is_head)
    return visit


def visit_of(request):
    """Return the visit of `request`, or None."""
    return getattr(request, '__dict__', {}).get(_VISIT)


def end_visit(request):
    """Let go of the visit of `request` and return it, or None."""
    return request.__dict__.pop(_VISIT, None)


def current_visit(ob):
    """Return the visit of the request that `ob` is wrapped in, or None."""
    return visit_of(aq_get(ob, 'REQUEST', None))


# reading

def method(request):
    """Return the request's method, upper case."""
    return request.environ.get('REQUEST_METHOD', 'GET').upper()


def url(request, ignored_parameters):
    """Return the URL that the client sees, without ignored parameters."""
    address = request.other.get('ACTUAL_URL', '')
    query = request.environ.get('QUERY_STRING', '')
    query = query_key(query, ignored_parameters)
    return f'{address}?{query}' if query else address


def header(request, name):
    """Return a request header's value, or None."""
    name = name.upper().replace('-', '_')
    if name == 'AUTHORIZATION':  # which the request takes out of environ
        return request._auth
    if name not in ('CONTENT_TYPE', 'CONTENT_LENGTH'):
        name = f'HTTP_{name}'
    return request.environ.get(name)


def headers(request, names):
    """Return an unambiguous spelling of the named headers' values."""
    return tuple(
        f'{name.lower()}={header(request, name)!r}' for name in names)


def cookies(request, names):
    """Return an unambiguous spelling of the named cookies' values."""
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
    """Return where the site is mounted for this client, and the base."""
    root = request.other.get('VirtualRootPhysicalPath', ())
    return '/'.join(root), request.response.base


def touched_session(request):
    """Tell whether the session was looked at, which creates it."""
    return 'SESSION' in request.other


# capturing

def snapshot(response):
    """Return the headers that are set so far."""
    return dict(response.headers)


def changed_headers(response, before):
    """Return the headers that were set since `before`, and Content-Type.

    Names are lower case.  What other code sets belongs to each request.
    """
    return {
        name.lower(): value for name, value in response.headers.items()
        if before.get(name, _ABSENT) != value or name == 'content-type'
        if name.lower() not in _OF_THE_BODY}


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


def zipped_by_zope(response):
    """Return the body if setBody() put it in gzip, else b''."""
    if response.headers.get('content-encoding') == 'gzip':
        return response.body
    return b''


def lower_headers(response):
    """Return the response's headers under lower-case names."""
    return {name.lower(): value for name, value in response.headers.items()}


# sending

class Undo:
    """Remembers a response's state, to take back what the cache did."""

    def __init__(self, response):
        self._headers = dict(response.headers)
        self._settled = self._headers
        self._status = response.status, response.errmsg
        self._body = response.body
        self._streaming = response._streaming

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

    def take_back(self, response):
        """Restore headers that still are as the cache left them."""
        now = response.headers
        for name in {*self._headers, *self._settled}:
            before = self._headers.get(name, _ABSENT)
            settled = self._settled.get(name, _ABSENT)
            if before == settled or now.get(name, _ABSENT) != settled:
                continue
            if before is _ABSENT:
                del now[name]
            else:
                now[name] = before
        response._streaming = self._streaming


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
    present = lower_headers(response).get(name)
    put_headers(response, {name: f'{present}, {value}' if present else value})


def last_modified(moment, now):
    """Return the date to send for what was last changed at `moment`.

    What was changed in this very second may change once more in it, so such
    a date is sent as the second before: it will not validate.
    """
    return format_date(min(moment, int(now) - 1))


def page_headers(own, answer, tag, last_modified, age=0):
    """Return the headers of a 200.

    `own` are those that rendering set `age` seconds ago, `answer` is the
    policy's word, `tag` the entity-tag or '', `last_modified` the date to
    send where the policy has one.  The policy wins, but for what rendering said to keep a
    page private; Vary has the names of both.
    """
    values = {**own, **answer.headers}
    if age and 'expires' in own and 'expires' not in answer.headers:
        values['expires'] = _later(own['expires'], age)
    if _is_private(own.get('cache-control', '')):
        values['cache-control'] = own['cache-control']
    values['vary'] = joined(
        own.get('vary', ''), listed(answer.headers.get('vary', '')))
    if _may_be_coded(values.get('content-type', '')):
        values['vary'] = joined(values['vary'], ['Accept-Encoding'])
    if not values['vary']:
        del values['vary']
    values.pop('last-modified', None)
    if last_modified and 'last-modified' in answer.headers:
        values['last-modified'] = last_modified
    if tag:
        values['etag'] = tag
    return values


def without_later(values, response, before, own):
    """Return `values` without those that other code set since the call.

    `before` are the headers at the call, `own` those that rendering set.
    The entity-tag is the page's whatever happens, and Vary is merged.
    """
    later = {
        name.lower() for name, value in response.headers.items()
        if value not in (before.get(name), own.get(name.lower()))}
    later -= {'etag', 'vary', *_OF_THE_BODY}
    return {n: value for n, value in values.items() if n not in later}


def _later(date, secs):
    moment = parse_date(date)
    return date if moment is None else format_date(moment + secs)


def _is_private(cache_control):
    return bool(directives(cache_control) & {'no-store', 'private'})


def _may_be_coded(content_type):
    return not content_type.startswith('image/')


def send_page(response, body, zipped, values):
    """Send a 200: `zipped` where that is given and shorter, else `body`.

    `values` are from :func:`page_headers`.  What other code of this request
    said to keep the answer private stands, and so does its Vary.
    """
    is_coded = bool(zipped) and len(zipped) < len(body)
    response.body = zipped if is_coded else body
    present = lower_headers(response)
    sent = {
        **values,
        'content-length': str(len(response.body)),
        'content-encoding': 'gzip' if is_coded else None}
    if 'vary' in present:
        sent['vary'] = joined(values.get('vary', ''), listed(present['vary']))
    if _is_private(present.get('cache-control', '')):
        sent['cache-control'] = present['cache-control']
    if is_coded and values.get('etag'):
        sent['etag'] = coded_tag(values['etag'], 'gzip')
    put_headers(response, sent)


#: What a 304 repeats of the 200 (RFC 9110 section 15.4.5), and the date,
#: which serves clients where there is no entity-tag.
_OF_A_304 = (
    'cache-control', 'content-location', 'etag', 'expires', 'vary')


def send_not_modified(response, values):
    """Turn the response into a 304; `values` are the headers of the 200."""
    kept = {name: values[name] for name in _OF_A_304 if name in values}
    if not values.get('etag') and 'last-modified' in values:
        kept['last-modified'] = values['last-modified']
    gone = dict.fromkeys(
        ['content-type', 'content-encoding', 'content-length',
         'last-modified', 'etag'])
    put_headers(response, {**gone, **kept})
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


def zipped(request, page, compression):
    """Return a stored page in gzip, b'' where the client is to get it plain.

    `compression` is true where Zope was told to compress this response.
    Who did not ask for gzip never gets it (RFC 9110 section 12.5.3).
    """
    if not accepts_gzip(request):
        return b''
    if compression and not page.gzip:
        return coding.gzip(page.body)
    return page.gzip
