"""HTTP on the wire: one request, and every byte of the answer."""
import base64
import gzip
import socket
from typing import NamedTuple
from urllib.parse import urlencode


SECS = 20


class Answer(NamedTuple):
    """A response, read until the server closed the connection."""

    version: str
    status: int
    phrase: str
    #: ``(name, value)`` in the order of the lines.
    lines: tuple
    #: The content without transfer coding, but still in its content coding.
    body: bytes
    #: The bytes after the end of the message.
    rest: bytes

    def get(self, name):
        """Return a header's value, None if absent; twice is an error."""
        found = [v for n, v in self.lines if n.lower() == name.lower()]
        assert len(found) < 2, f'{name}: {found}'
        return found[0] if found else None

    def __getitem__(self, name):
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    @property
    def outcome(self):
        return self.get('X-PageCache')

    @property
    def text(self):
        body = self.body
        if self.get('Content-Encoding') == 'gzip':
            body = gzip.decompress(body)
        return body.decode('utf-8')


def login(user):
    """Return the Authorization header of `user`; the password is the name."""
    pair = base64.b64encode(f'{user}:{user}'.encode()).decode()
    return {'Authorization': f'Basic {pair}'}


def request(port, method, path, user=None, headers=(), form=None):
    """Send one request to a port of this machine; return the answer.

    The connection serves only this request, so all surplus bytes of the
    server are seen.
    """
    fields = {'Host': f'127.0.0.1:{port}', 'Connection': 'close'}
    fields.update(login(user) if user else {})
    fields.update(headers)
    content = b''
    if form is not None:
        content = urlencode(form).encode()
        fields['Content-Type'] = 'application/x-www-form-urlencoded'
        fields['Content-Length'] = str(len(content))
    head = [f'{method} {path} HTTP/1.1']
    head += [f'{name}: {value}' for name, value in fields.items()]
    with socket.create_connection(('127.0.0.1', port), SECS) as connection:
        connection.sendall('\r\n'.join([*head, '', '']).encode() + content)
        received = bytearray()
        while chunk := connection.recv(65536):
            received += chunk
    return parse(bytes(received), method)


def parse(received, method):
    head, end, rest = received.partition(b'\r\n\r\n')
    assert end, f'no whole head in {received[:200]!r}'
    first, *lines = head.decode('latin-1').split('\r\n')
    version, status, phrase = first.split(' ', 2)
    fields = tuple(
        (name, value.strip())
        for name, _, value in (line.partition(':') for line in lines))
    answer = Answer(
        version.removeprefix('HTTP/'), int(status), phrase, fields, b'', rest)
    if method == 'HEAD' or answer.status in (204, 304):
        return answer
    if answer.get('Transfer-Encoding') == 'chunked':
        return answer._replace(**dechunked(rest))
    length = int(answer.get('Content-Length') or len(rest))
    assert len(rest) >= length, 'cut short'
    return answer._replace(body=rest[:length], rest=rest[length:])


def dechunked(data):
    body = b''
    while True:
        size, _, data = data.partition(b'\r\n')
        count = int(size, 16)
        body, data = body + data[:count], data[count:]
        assert data[:2] == b'\r\n', 'malformed chunk'
        data = data[2:]
        if not count:
            return {'body': body, 'rest': data}
