"""Puts headers and bodies into a response, and removes them again."""
from ..core.http.conditional import coded_tag
from ..core.http.headers import is_private
from ..core.http.headers import merged
from ..core.http.headers import not_modified_headers
from ..core.http.lists import directives
from ..core.http.lists import joined
from . import response as http_response
from .response_headers import OF_THE_BODY
from .response_headers import lower_headers
from .response_headers import sets_cookie


_ABSENT = object()
_GZIP_MAGIC = b'\x1f\x8b'


class Changes:
    """Remembers a response's state, to undo the changes of the cache."""

    def __init__(self, response):
        #: The headers before the changes.
        self.before = dict(response.headers)
        self._settled = self.before
        self._status = response.status, response.errmsg
        self._body = response.body
        self._streaming = response._streaming
        self._settled_body = self._body

    @classmethod
    def of_sent_again(cls, before, headers, body):
        """Return the changes that :func:`send_again` made.

        `before` are the headers before that call.
        """
        self = cls.__new__(cls)
        self.before, self._settled = before, headers
        self._status, self._streaming = (200, 'OK'), 0
        self._body, self._settled_body = b'', body
        return self

    def headers_before(self):
        """Return the names of the headers in `before`, in lower case."""
        return {name.lower() for name in self.before}

    def restore(self, response):
        """Restore the response; no other code may have changed it since."""
        response.headers.clear()
        response.headers.update(self.before)
        response.status, response.errmsg = self._status
        response.body = self._body
        response._streaming = self._streaming

    def settle(self, response):
        """Record the response as the cache leaves it."""
        self._settled = dict(response.headers)
        self._settled_body = response.body

    def is_settled(self, response):
        """Return whether no code changed the response after the cache."""
        return (
            response.headers == self._settled
            and response.body is self._settled_body
            and not response.accumulated_headers and not response.cookies)

    def take_back(self, response):
        """Restore the headers that still have the values of the cache.

        If other code streams a body now, its body stays unchanged.
        """
        now = response.headers
        is_stream = http_response.holds_stream(response)
        for name in {*self.before, *self._settled}:
            before = self.before.get(name, _ABSENT)
            settled = self._settled.get(name, _ABSENT)
            if before == settled or now.get(name, _ABSENT) != settled:
                continue
            if name in OF_THE_BODY and not is_stream:
                continue
            if before is _ABSENT:
                del now[name]
            else:
                now[name] = before
        if not is_stream:
            self._describe_body(response)
            response._streaming = self._streaming

    def _describe_body(self, response):
        """Make the headers fit the body, which may be an error page."""
        now = response.headers
        if all(self.before.get(name) == self._settled.get(name)
               for name in OF_THE_BODY):
            return  # the cache did not change them
        coded_in = 'gzip' if response.body[:2] == _GZIP_MAGIC else None
        if response.body is self._settled_body:
            now.pop('content-length', None)  # Zope adds it
            coded_in = self._settled.get('content-encoding')
        now.pop('content-encoding', None)
        if coded_in:
            now['content-encoding'] = coded_in


def put_headers(response, values):
    """Set headers by lower-case names; the value None removes a header.

    This changes the mapping itself: setHeader() costs ten times as much, and
    the values are clean.  The name of the entity-tag becomes ``ETag``.
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
    """Send a 200 with `body`.

    `coded_in` is the content coding of the body, '' for none.  `values` are
    the headers from :func:`core.http.headers.page_headers`.
    """
    response.body = body
    kind = values.get('content-type')
    if kind is not None and kind != response.headers.get('content-type'):
        # later code decodes the body by the charset that this sets
        response.setHeader('content-type', kind)
    sent = merged(values, lower_headers(response))
    sent['content-length'] = str(len(body))
    sent['content-encoding'] = coded_in or None
    if coded_in and 'etag' in sent:
        sent['etag'] = coded_tag(sent['etag'], coded_in)
    put_headers(response, sent)


def heed_others(response, is_cached):
    """Respect an entity-tag and cookies that other code set after the cache.

    A cookie, such as a renewed login, is for this visitor alone.  So a
    response with a cookie and the policy's headers (`is_cached`) becomes
    private.
    """
    # setHeader() uses lower case, so it does not replace the cache's ETag
    if 'etag' in response.headers:
        response.headers['ETag'] = response.headers.pop('etag')
    if is_cached and sets_cookie(response):
        keep_private(response)


def send_coded(response, body, coded_in):
    """Replace the body by `body`, the same page in a content coding."""
    present = lower_headers(response)
    values = {'vary': joined(present.get('vary', ''), ['Accept-Encoding'])}
    for name in ('cache-control', 'etag'):
        if name in present:
            values[name] = present[name]
    send_page(response, body, values, coded_in)


#: Headers that describe a body, which a 304 does not have.
_NOT_OF_A_304 = (
    'content-type', 'content-encoding', 'content-length', 'last-modified',
    'etag')


def send_not_modified(response, values):
    """Turn the response into a 304; `values` are the headers of the 200."""
    values = merged(values, lower_headers(response))
    send_304(response, not_modified_headers(values))


def send_again(response, body, headers, is_304):
    """Send `body` with exactly the `headers` that were sent before."""
    response.headers.clear()
    response.headers.update(headers)
    response.body = body
    if is_304:
        response.status, response.errmsg = 304, 'Not Modified'
        response._streaming = 1  # as in `without_length`


def send_bare_page(response, body, content_type):
    """Send `body`; set no headers except those that describe it."""
    response.body = body
    put_headers(response, {
        'content-type': content_type, 'content-length': str(len(body))})


def forbid_storing(response):
    """Forbid all caches to store a page, for instance one visitor's page.

    It removes dates too: a cache that does not know Cache-Control would use
    them.
    """
    values = dict.fromkeys(('etag', 'last-modified', 'expires'))
    if 'no-store' not in directives(
            lower_headers(response).get('cache-control', '')):
        values['cache-control'] = 'private, no-store'
    put_headers(response, values)


def take_tag_away(response, told_by):
    """Remove tag and date of a page; add the headers `told_by` to Vary.

    `told_by` are the request headers that identify the visitor.
    """
    vary = lower_headers(response).get('vary', '')
    put_headers(response, {
        'etag': None, 'last-modified': None,
        'vary': joined(vary, told_by) or None})


def keep_private(response):
    """Forbid shared caches to store a response.

    The client itself may store it, and ask for it again by its tag.
    """
    control = lower_headers(response).get('cache-control', '')
    if not is_private(control):
        put_headers(response, {
            'expires': None, **merged(
                {'cache-control': control}, {'cache-control': 'private'})})


def send_304(response, values):
    """Turn the response into a 304 with the headers `values`.

    It removes the headers that describe a body.
    """
    put_headers(response, {**dict.fromkeys(_NOT_OF_A_304), **values})
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
