"""Hostile sitemaps and servers do not harm ``pagecache warm``."""
import socket
import threading
import time

import pytest

from ...command import sitemap
from ...command.sources import Sources
from ...command.usage import Failure
from ...command.web import Sender


@pytest.mark.parametrize('encoding', [
    'nonsense', 'utf-7', 'shift_jis', 'rot13', 'idna', 'punycode', 'utf-32'])
def test_encoding_that_can_not_be_read(encoding):
    with pytest.raises(Failure):
        sitemap.read(
            f'<?xml version="1.0" encoding="{encoding}"?><urlset/>'.encode())


@pytest.mark.parametrize('url', ['http://[#x', 'http://h\u2100/#x'])
def test_url_that_is_none(url):
    body = f'<urlset><url><loc>{url}</loc></url></urlset>'.encode()
    found = Sources('http://host/sitemap.xml', 10, lambda _: body)
    assert (found.urls, found.foreign) == ([], 1)


SECS = 3


def interim(connection):
    connection.sendall(b'HTTP/1.1 100 Continue\r\n\r\n')


def drip(connection):
    connection.sendall(b'a')


@pytest.mark.parametrize('first, go_on', [
    (b'', interim), (b'HTTP/1.1 200 OK\r\nX-Long: ', drip)])
def test_headers_without_an_end(first, go_on):
    listener = socket.create_server(('127.0.0.1', 0))
    ends_at = time.monotonic() + SECS

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(first)
            try:
                while time.monotonic() < ends_at:
                    go_on(connection)
                    time.sleep(0.05)
            except OSError:
                pass
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    sender = Sender.__new__(Sender)
    vars(sender).update(_headers={}, _timeout_secs=0.5)
    with pytest.raises(Failure, match='timed out'):
        sender.send('GET', f'http://127.0.0.1:{listener.getsockname()[1]}/')
    took = SECS - (ends_at - time.monotonic())
    thread.join(2 * SECS)
    listener.close()
    assert took < SECS / 2
