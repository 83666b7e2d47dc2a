"""Reads the body of a response, and computes the body that Zope makes."""
from ZPublisher.HTTPResponse import HTTPBaseResponse

from ..core.http import content_coding
from ..core.reasons import Reason
from .request import codings
from .response_headers import lower_headers


#: So many bytes at the beginning of a body are searched for HTML.
_HEAD = 256


def holds_stream(response):
    """Return whether the body, or its beginning, is not in memory."""
    return not isinstance(response.body, bytes) or bool(
        response.stdout.tell())


def why_no_page(request):
    """Return the reason why a request can get no whole page, or ''."""
    if request.environ.get('REQUEST_METHOD', 'GET') != 'GET':
        return Reason.METHOD
    response = request.response
    reason = why_not_whole(response)
    if reason == Reason.STATUS:
        return reason
    # a hit gives Zope no body, so Zope would send the present body
    return Reason.FRAGMENT if (
        reason or response.body or response._locked_body) else ''


def why_not_whole(response):
    """Return the reason why a response is no whole 200 in memory, or ''."""
    if response.status != 200:
        return Reason.STATUS
    # as in `holds_stream`, but without the cost of a call
    return Reason.STREAMED if (
        response._streaming or not isinstance(response.body, bytes)
        or response.stdout.tell()) else ''


def is_untouched(response):
    """Return whether code changed nothing in a response except headers."""
    return not (
        response.status != 200 or response.body or response.cookies
        or response.accumulated_headers or response._locked_status
        or response._locked_body or response._streaming
        or response.use_HTTP_content_compression
        or response.stdout.tell())


def is_locked(response):
    """Return whether code locked the body, so that Zope sends no other."""
    return bool(response._locked_body)


def is_status_locked(response):
    """Return whether other code locked the status, which rules out a 304."""
    return bool(response._locked_status)


def is_as_it_is(response):
    """Return whether the response is a 200 with an unencoded body."""
    return not why_not_whole(response) and (
        'content-encoding' not in lower_headers(response))


def is_page(response):
    """Return whether the response is a 200 with HTML.

    If no code sets its type, Zope sends it as plain text.  So the beginning
    of the body is searched, too.
    """
    kind = response.headers.get('content-type', '').lower()
    return (
        not why_not_whole(response) and bool(response.body) and (
            kind.startswith(('text/html', 'application/xhtml+xml'))
            or b'<html' in response.body[:_HEAD].lower()))


def plain_body(response):
    """Return the body without gzip, None if it cannot be unpacked."""
    kind = response.headers.get('content-encoding')
    if kind is None:
        return response.body
    if kind != 'gzip':
        return None
    return content_coding.gunzip(response.body, limit=1 << 30)


def made_body(response, result):
    """Return the body that setBody() makes from a published `result`.

    setBody() encodes the text, corrects an XML preamble and inserts a base
    element.  The body is not compressed.  None if setBody() fails.
    """
    probe = HTTPBaseResponse()
    probe.charset = response.charset
    probe.base = response.base
    kind = response.headers.get('content-type')
    if kind is not None:
        probe.headers['content-type'] = kind
    try:
        probe.setBody(result)
    except (AttributeError, LookupError, TypeError, ValueError):
        return None  # `result` cannot be encoded in the charset
    return probe.body


def zipped_by_zope(response):
    """Return the body if setBody() compressed it with gzip, else b''."""
    if response.headers.get('content-encoding') == 'gzip':
        return response.body
    return b''


def zopes_coding(request, zipped, body):
    """Return name and bytes of Zope's coding, both empty if it is not sent.
    """
    if zipped and len(zipped) < len(body) and 'gzip' in codings(request):
        return 'gzip', zipped
    return '', b''


#: Headers with digests of the sent bytes (RFC 9530, RFC 3230, RFC 2616 14.15).
_OF_THE_BYTES = frozenset([
    'content-digest', 'content-md5', 'digest', 'repr-digest'])


def speaks_of_bytes(response, page):
    """Return whether a header depends on the exact bytes of the body."""
    for name in response.headers:
        if name.lower() in _OF_THE_BYTES:
            return True
    for name, _ in page.headers:
        if name in _OF_THE_BYTES:
            return True
    return False


def is_zope_to_compress(request):
    """Return whether code asked Zope to compress this response."""
    return bool(request.response.use_HTTP_content_compression)
