"""A client that speaks to the real publisher, one WSGI request at a time."""
import base64
from io import BytesIO
from urllib.parse import unquote
from urllib.parse import urlencode

import transaction
from ZPublisher.WSGIPublisher import publish_module


class Response:
    """The answer of the publisher."""

    def __init__(self, status, headers, body):
        self.status = int(status.split()[0])
        #: All header lines, in order.
        self.lines = headers
        self.body = body

    def __getitem__(self, name):
        """Return a header's value; KeyError if absent, or sent twice."""
        found = self.all(name)
        if len(found) != 1:
            raise KeyError(f'{name}: {found}')
        return found[0]

    def get(self, name, default=None):
        return self[name] if self.all(name) else default

    def all(self, name):
        return [v for n, v in self.lines if n.lower() == name.lower()]

    @property
    def outcome(self):
        return self.get('X-PageCache')

    @property
    def text(self):
        return self.body.decode('utf-8')

    def stable_headers(self):
        """Return the lines that a HIT must repeat from its MISS."""
        free = {'date', 'expires', 'x-pagecache', 'cache-status', 'age'}
        return sorted(
            (name, value) for name, value in self.lines
            if name.lower() not in free)


class Client:
    """Sends requests; `user` is a name that is its own password."""

    def __init__(self, host='localhost:8080'):
        self.host = host

    def get(self, path, user=None, **headers):
        return self.request('GET', path, user, **headers)

    def head(self, path, user=None, **headers):
        return self.request('HEAD', path, user, **headers)

    def post(self, path, form=(), user='root', **headers):
        return self.request('POST', path, user, urlencode(form), **headers)

    def request(self, method, path, user=None, body='', **headers):
        """Send one request; ``If_None_Match=`` is a header.

        It commits the changes of the test first.
        """
        transaction.commit()
        environ = self.environ(method, path, body.encode(), user, headers)
        sent = []

        def start_response(status, lines, exc_info=None):
            sent.append((status, lines))

        result = publish_module(environ, start_response)
        try:
            content = b''.join(result)
        finally:
            getattr(result, 'close', lambda: None)()
        transaction.abort()
        return Response(*sent[-1], content)

    def environ(self, method, path, body, user, headers):
        path, _, query = path.partition('?')
        environ = {
            'REQUEST_METHOD': method,
            'SERVER_PROTOCOL': 'HTTP/1.1',
            'SERVER_NAME': 'localhost',
            'SERVER_PORT': '8080',
            'SCRIPT_NAME': '',
            'PATH_INFO': unquote(path, 'latin-1'),
            'QUERY_STRING': query,
            'REMOTE_ADDR': '127.0.0.1',
            'HTTP_HOST': self.host,
            'wsgi.url_scheme': 'http',
            'wsgi.input': BytesIO(body),
        }
        if method == 'POST':
            environ['CONTENT_TYPE'] = 'application/x-www-form-urlencoded'
            environ['CONTENT_LENGTH'] = str(len(body))
        if user:
            login = base64.b64encode(f'{user}:{user}'.encode()).decode()
            environ['HTTP_AUTHORIZATION'] = f'Basic {login}'
        for name, value in headers.items():
            environ[f'HTTP_{name.upper()}'] = value
        return environ


class Filtered(Client):
    """A client behind a filter that adds to the environment."""

    def __init__(self, added):
        super().__init__()
        self.added = added

    def environ(self, *args):
        return {**super().environ(*args), **self.added}
