"""Reads the body of a response, and tells what Zope makes of one."""
from ZPublisher.HTTPResponse import HTTPBaseResponse

from ..core.http import content_coding
from .request import lower_headers


#: So many bytes tell whether it is HTML.
_HEAD = 256


def is_streamed(response):
    """Return whether the body is, or began to be, streamed."""
    return bool(response._streaming or holds_stream(response))


def holds_stream(response):
    """Return whether the body, or its beginning, is not in memory."""
    return not isinstance(response.body, bytes) or bool(
        response.stdout.tell())


def has_begun(response):
    """Tell whether there is, or must not be, a body before the page's."""
    return bool(
        response.body or response._locked_body or is_streamed(response))


def is_as_it_is(response):
    """Tell whether this is a 200 with a body in no coding."""
    return (
        response.status == 200 and not is_streamed(response)
        and 'content-encoding' not in lower_headers(response))


def is_page(response):
    """Return whether this is a 200 with HTML in it.

    Zope takes it for plain text if no code says what it is.
    """
    kind = response.headers.get('content-type', '').lower()
    return (
        response.status == 200 and not is_streamed(response)
        and bool(response.body) and (
            kind.startswith(('text/html', 'application/xhtml+xml'))
            or b'<html' in response.body[:_HEAD].lower()))


def plain_body(response):
    """Return the body without gzip, or None where it can't be known."""
    kind = response.headers.get('content-encoding')
    if kind is None:
        return response.body
    if kind != 'gzip':
        return None
    return content_coding.gunzip(response.body, limit=1 << 30)


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
