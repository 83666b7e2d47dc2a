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
        #: The headers that were there.
        self.before = dict(response.headers)
        self._settled = self.before
        self._status = response.status, response.errmsg
        self._body = response.body
        self._streaming = response._streaming
        self._settled_body = self._body

    @classmethod
    def of_sent_again(cls, before, headers, body):
        """Return those of :func:`send_again`; `before` are the headers that
        were there.
        """
        self = cls.__new__(cls)
        self.before, self._settled = before, headers
        self._status, self._streaming = (200, 'OK'), 0
        self._body, self._settled_body = b'', body
        return self

    def headers_before(self):
        """Return the names of the headers that were there, lower case."""
        return {name.lower() for name in self.before}

    def restore(self, response):
        """Put all back: nothing else touched the response since."""
        response.headers.clear()
        response.headers.update(self.before)
        response.status, response.errmsg = self._status
        response.body = self._body
        response._streaming = self._streaming

    def settle(self, response):
        """Note how the cache left the response."""
        self._settled = dict(response.headers)
        self._settled_body = response.body

    def is_settled(self, response):
        """Return whether nobody touched the response after the cache."""
        return (
            response.headers == self._settled
            and response.body is self._settled_body
            and not response.accumulated_headers and not response.cookies)

    def take_back(self, response):
        """Restore headers that still are as the cache left them.

        What other code streams since then stays as that code left it.
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
        """Let the headers fit the body, an error page perhaps."""
        now = response.headers
        if all(self.before.get(name) == self._settled.get(name)
               for name in OF_THE_BODY):
            return  # the cache has no part in them
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

    `values` are from :func:`core.http.headers.page_headers`.
    """
    response.body = body
    kind = values.get('content-type')
    if kind is not None and kind != response.headers.get('content-type'):
        # later code decodes the body by the charset that this notes
        response.setHeader('content-type', kind)
    sent = merged(values, lower_headers(response))
    sent['content-length'] = str(len(body))
    sent['content-encoding'] = coded_in or None
    if coded_in and 'etag' in sent:
        sent['etag'] = coded_tag(sent['etag'], coded_in)
    put_headers(response, sent)


def heed_others(response, is_cached):
    """Heed what other code set after the cache: an entity-tag, a cookie.

    A cookie, such as a login that is renewed, is for this visitor alone: so
    is a response with the policy's headers, if it `is_cached`.
    """
    # setHeader() knows names in lower case alone, and ours is in another
    if 'etag' in response.headers:
        response.headers['ETag'] = response.headers.pop('etag')
    if is_cached and sets_cookie(response):
        keep_private(response)


def send_coded(response, body, coded_in):
    """Send the page that is there in a content coding instead."""
    present = lower_headers(response)
    values = {'vary': joined(present.get('vary', ''), ['Accept-Encoding'])}
    for name in ('cache-control', 'etag'):
        if name in present:
            values[name] = present[name]
    send_page(response, body, values, coded_in)


#: Headers that describe a body: a 304 has none.
_NOT_OF_A_304 = (
    'content-type', 'content-encoding', 'content-length', 'last-modified',
    'etag')


def send_not_modified(response, values):
    """Turn the response into a 304; `values` are the headers of the 200."""
    values = merged(values, lower_headers(response))
    send_304(response, not_modified_headers(values))


def send_again(response, body, headers, is_304):
    """Send the headers that were sent before, all of them, and a body."""
    response.headers.clear()
    response.headers.update(headers)
    response.body = body
    if is_304:
        response.status, response.errmsg = 304, 'Not Modified'
        response._streaming = 1  # as in `without_length`


def send_bare_page(response, body, content_type):
    """Send `body` with no headers but those that describe it."""
    response.body = body
    put_headers(response, {
        'content-type': content_type, 'content-length': str(len(body))})


def forbid_storing(response):
    """Keep all caches from a page, as from one that is a visitor's alone.

    No date stays that a cache which knows no Cache-Control would go by.
    """
    values = dict.fromkeys(('etag', 'last-modified', 'expires'))
    if 'no-store' not in directives(
            lower_headers(response).get('cache-control', '')):
        values['cache-control'] = 'private, no-store'
    put_headers(response, values)


def take_tag_away(response, told_by):
    """Send a page without a tag; request headers tell whose page it is."""
    vary = lower_headers(response).get('vary', '')
    put_headers(response, {
        'etag': None, 'last-modified': None,
        'vary': joined(vary, told_by) or None})


def keep_private(response):
    """Keep shared caches from a page that others may get as well.

    The client itself may go on using it, and ask for it by its tag.
    """
    control = lower_headers(response).get('cache-control', '')
    if not is_private(control):
        put_headers(response, {
            'expires': None, **merged(
                {'cache-control': control}, {'cache-control': 'private'})})


def send_304(response, values):
    """Turn the response into a 304 with no headers but these of its own."""
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
