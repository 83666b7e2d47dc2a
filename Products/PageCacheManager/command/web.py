"""Sends requests, with limits for time and size.

No redirect is followed: it could send the login to another server.
"""
import http.client
import re
import socket
import threading
import time
import urllib.request
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote
from urllib.parse import urlsplit

from .login import login
from .usage import Failure
from .usage import UsageError


#: The maximum number of bytes in a read.
_CHUNK = 1 << 16

# RFC 9110 5.6.2
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

#: Characters that are not quoted in a URL (RFC 3986 section 2.2), and ``%``.
_IN_URL = "%!#$&'()*+,/:;=?@[]~"


class Answer(NamedTuple):
    """The answer to a request."""

    status: int
    reason: str
    headers: http.client.HTTPMessage
    #: Empty if `Sender.send` was not told to keep it.
    body: bytes


class _AsItIs(urllib.request.HTTPErrorProcessor):
    """Returns each answer to the caller, with any status."""

    def http_response(self, request, response):
        return response

    https_response = http_response


class _Connection(http.client.HTTPConnection):
    """Ends if the headers of an answer take longer than the timeout in all.

    The timeout of a socket is that of one read; a server could send a byte at
    a time.
    """

    def getresponse(self):
        ends_at = time.monotonic() + self.timeout
        timer = threading.Timer(self.timeout, _end, [self.sock])
        timer.daemon = True
        timer.start()
        try:
            answer = super().getresponse()
        except (OSError, http.client.HTTPException):
            if time.monotonic() < ends_at:
                raise
        finally:
            timer.cancel()
        if time.monotonic() >= ends_at:
            raise TimeoutError('timed out')
        return answer


def _end(connected):
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


class _SecureConnection(_Connection, http.client.HTTPSConnection):
    pass


class _Handler(urllib.request.HTTPHandler):

    def http_open(self, request):
        return self.do_open(_Connection, request)


class _SecureHandler(urllib.request.HTTPSHandler):

    def https_open(self, request):
        return self.do_open(_SecureConnection, request)


_opener = urllib.request.build_opener(_AsItIs, _Handler, _SecureHandler)


def origin_of(url):
    """Return scheme, host and port of a URL.

    Raises ValueError for a wrong URL.  A URL with a user is wrong, because
    lists of processes would show it.
    """
    parts = urlsplit(url)
    port = parts.port or {'http': 80, 'https': 443}.get(parts.scheme)
    if port is None or parts.scheme not in ('http', 'https') or (
            not parts.hostname or '@' in parts.netloc):
        raise ValueError('It is no URL with http:// or https:// and a host')
    return parts.scheme, parts.hostname, port


class Sender:
    """Sends requests with the headers, login and timeout of the options."""

    def __init__(self, options):
        self._headers = {
            'User-Agent': 'pagecache', **login(options),
            **dict(map(_header, options.header))}
        self._timeout_secs = options.timeout

    def send(self, method, url, form=None, keep_bytes=0):
        """Return the :class:`Answer`.

        Raises Failure if no answer comes in time, or if the body has more
        than `keep_bytes`.  With 0 a body of any size is read and dropped.
        """
        ends_at = time.monotonic() + self._timeout_secs
        try:
            origin_of(url)
            asked = urllib.request.Request(
                quote(url, safe=_IN_URL), form, self._headers, method=method)
            with _opener.open(
                    asked, timeout=self._timeout_secs) as answer:
                return Answer(
                    answer.status, answer.reason, answer.headers,
                    _body(answer, keep_bytes, ends_at))
        except (OSError, http.client.HTTPException, ValueError) as error:
            # URLError hides the reason in an attribute
            reason = getattr(error, 'reason', '') or error
            raise Failure(f'no answer: {reason}') from None


def _body(answer, keep_bytes, ends_at):
    kept = []
    size = 0
    while data := answer.read1(_CHUNK):
        if time.monotonic() > ends_at:
            raise TimeoutError('timed out')
        size += len(data)
        if keep_bytes:
            kept.append(data)
            if size > keep_bytes:
                raise ValueError(f'more than {keep_bytes} bytes')
    return b''.join(kept)


def _header(line):
    name, colon, value = line.partition(':')
    value = value.strip()
    if not colon or not _NAME.fullmatch(name) or not (
            value.isascii() and value.isprintable()):
        raise UsageError(f"--header takes 'NAME: VALUE', not {line!r:.60}.")
    return name, value


def printable(text):
    """Return `text` without characters that move a terminal's cursor."""
    return ''.join(
        one if one.isprintable() else ' ' if one.isspace() else '\ufffd'
        for one in str(text))
