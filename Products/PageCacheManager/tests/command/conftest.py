"""A real server with the layer's Zope, and a server that may misbehave."""
import threading
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer

import pytest

from ...command.main import main
from ..browser import zope_server


@pytest.fixture
def zope(site):
    """The URL of the site."""
    with zope_server() as url:
        yield f'{url}/site'


@pytest.fixture
def run(capsys, monkeypatch):
    """Run the command; return exit code, output and errors."""
    def call(*arguments, password='root'):
        monkeypatch.setenv('PAGECACHE_PASSWORD', password)
        try:
            code = main(list(map(str, arguments)))
        except SystemExit as stop:  # of argparse
            code = stop.code
        return code, *capsys.readouterr()
    return call


class Server(ThreadingHTTPServer):
    """Answers from a table of paths; records the requests with their headers.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server_port}'
        #: By path: status, headers and body, or a function of the handler.
        self.answers = {}
        self.asked = []
        self.ended = threading.Event()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, self.headers))
        answer = self.server.answers.get(self.path, (404, {}, b''))
        if callable(answer):
            answer(self)
            return
        status, headers, body = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *given):
        pass


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(
        target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.ended.set()
    server.shutdown()
    server.server_close()
    thread.join(5)
