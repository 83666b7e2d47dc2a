"""Requests of the command: bounded, and never led elsewhere."""
import time
from types import SimpleNamespace

import pytest

from ...command.usage import Failure
from ...command.web import Sender
from ...command.web import origin_of
from ...command.web import printable


def sender(**given):
    return Sender(SimpleNamespace(**{
        'user': None, 'password_file': None, 'header': [], 'timeout': 10,
        **given}))


def test_an_answer_is_given_as_it_is(server):
    server.answers['/a'] = 200, {'X-PageCache': 'HIT'}, b'text'
    answer = sender().send('GET', f'{server.url}/a', keep_bytes=4)
    assert (answer.status, answer.body) == (200, b'text')
    assert answer.headers['x-pagecache'] == 'HIT'
    assert sender().send('GET', f'{server.url}/a').body == b''


def test_no_redirect_is_followed(server):
    server.answers['/a'] = 302, {'Location': f'{server.url}/b'}, b''
    assert sender().send('GET', f'{server.url}/a').status == 302
    assert [path for path, _ in server.asked] == ['/a']


def test_headers_are_sent(server):
    sender(header=['X-Theme: dark', 'user-agent:me']).send(
        'GET', f'{server.url}/a')
    headers = server.asked[0][1]
    assert headers['X-Theme'] == 'dark'
    assert headers.get_all('User-Agent') == ['me']


def test_letters_beyond_ascii_are_escaped(server):
    sender().send('GET', f'{server.url}/ä%20b?c=ö d')
    assert server.asked[0][0] == '/%C3%A4%20b?c=%C3%B6%20d'


def test_a_body_that_is_too_long(server):
    server.answers['/a'] = 200, {}, b'x' * 100
    with pytest.raises(Failure, match='more than 99 bytes'):
        sender().send('GET', f'{server.url}/a', keep_bytes=99)


def test_a_server_that_is_silent(server):
    server.answers['/a'] = lambda handler: server.ended.wait(30)
    began = time.monotonic()
    with pytest.raises(Failure, match='no answer: .*timed out'):
        sender(timeout=0.2).send('GET', f'{server.url}/a')
    assert time.monotonic() - began < 5


def test_a_server_that_never_ends(server):
    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        while not server.ended.wait(0.05):
            handler.wfile.write(b'x')
            handler.wfile.flush()

    server.answers['/a'] = drip
    began = time.monotonic()
    with pytest.raises(Failure, match='no answer: timed out'):
        sender(timeout=0.3).send('GET', f'{server.url}/a')
    assert time.monotonic() - began < 5


@pytest.mark.parametrize('url', [
    'file:///etc/passwd', 'ftp://h/', 'data:,x', 'http://', 'http://u:p@h/',
    'http://127.0.0.1:1/', 'http://h:port/', '/news', ''])
def test_what_can_not_be_asked_fails(url):
    with pytest.raises(Failure, match='no answer'):
        sender().send('GET', url)


def test_origins():
    assert origin_of('http://H/a') == ('http', 'h', 80)
    assert origin_of('https://h') == ('https', 'h', 443)
    assert origin_of('http://[::1]:8080/') == ('http', '::1', 8080)


def test_what_is_printed_moves_no_cursor():
    assert printable('a\x1b[2Jé\n5\u00a0ms') == 'a\ufffd[2Jé 5 ms'
