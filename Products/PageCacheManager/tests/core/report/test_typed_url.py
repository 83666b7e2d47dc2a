"""URLs that people type, as a server is sent them."""
import pytest

from ....core.report.typed_url import path_and_query
from ....core.report.typed_url import rewritten


HOST = 'http://h.example:8080'
MOUNTED = '/VirtualHostBase/http/h.example:8080/site/VirtualHostRoot'


def read(text, script='', path_info='/site/page_cache/manage_explain',
         server=HOST):
    return path_and_query(text, server, script, path_info)


@pytest.mark.parametrize(('text', 'expected'), [
    ('/site/doc', ('/site/doc', '')),
    (' /site/doc\n', ('/site/doc', '')),
    ('site/doc', ('/site/doc', '')),
    ('/', ('/', '')),
    ('/site/doc/', ('/site/doc/', '')),
    ('//site/doc', ('//site/doc', '')),
    ('/site/doc?a=1&b=2#part', ('/site/doc', 'a=1&b=2')),
    ('/site/doc#part?a=1', ('/site/doc', '')),
    ('/a%20b/%C3%A9/\xe9', ('/a b/\xe9/\xe9', '')),
    ('/a?b=%C3%A9+1', ('/a', 'b=%C3%A9+1')),
    ('/a?b=\xe9 <"', ('/a', 'b=%C3%A9%20%3C%22')),
    ('/a?to=http://b/', ('/a', 'to=http://b/')),
    ('/++x++a:b/@@c', ('/++x++a:b/@@c', '')),
    ('http://h.example:8080/site/doc?a', ('/site/doc', 'a')),
    ('HTTP://H.Example:8080/site', ('/site', '')),
    ('http://h.example:8080', ('/', '')),
])
def test_a_path_or_url(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize(('server', 'text'), [
    ('http://h', 'http://h:80/a'), ('https://h', 'https://h:443/a'),
    ('http://h', 'http://h/a'), ('http://[::1]:80', 'http://[::1]:80/a')])
def test_the_port_that_goes_without_saying(server, text):
    if '[' in server:
        server = server.removesuffix(':80')
    assert read(text, server=server) == ('/a', '')


@pytest.mark.parametrize(('text', 'said'), [
    ('', 'Enter a path'), ('  ', 'Enter a path'), (None, 'Enter a path'),
    (['/a'], 'Enter a path'), (b'/a', 'Enter a path'),
    ('/a\0', 'neither a path nor a URL'), ('/a\nb', 'neither a path'),
    ('/\ud800', 'neither a path'), ('/' + 'x' * 2000, 'too long'),
    ('/%ff', 'not valid UTF-8'),
    ('http://other/a', f'opened at {HOST}'), ('http://h.example/a', 'opened'),
    ('https://h.example:8080/a', 'opened'), ('ftp://h/a', 'opened'),
    ('http://user:pw@h.example:8080/a', 'opened'), ('x://', 'opened'),
])
def test_what_is_no_page_here(text, said):
    with pytest.raises(ValueError, match=said) as caught:
        read(text)
    assert 'pw' not in str(caught.value)


@pytest.mark.parametrize(('path_info', 'expected'), [
    ('/site/page_cache', ''),
    (f'{MOUNTED}/page_cache', MOUNTED),
    (f'{MOUNTED}/_vh_a/_vh_b/page_cache', f'{MOUNTED}/_vh_a/_vh_b'),
    ('/VirtualHostBase/https/h:443/site/page_cache',
     '/VirtualHostBase/https/h:443'),
    ('/site/VirtualHostRoot/page_cache', '/site/VirtualHostRoot'),
    ('/site/_vh_a/page_cache', ''), ('', ''),
])
def test_what_a_server_put_before_a_path(path_info, expected):
    assert rewritten(path_info) == expected


def test_a_path_is_rewritten_like_that_of_the_screen():
    path_info = f'{MOUNTED}/_vh_a/page_cache/manage_explain'
    assert read('/a/doc?x', 'a', path_info) == (f'{MOUNTED}/_vh_a/doc', 'x')
    assert read('/a', 'a', path_info) == (f'{MOUNTED}/_vh_a', '')
    for text in ('/doc', '/ab/doc', f'{HOST}/b'):
        with pytest.raises(ValueError, match='begin with /a/'):
            read(text, 'a', path_info)


def test_the_root_may_be_quoted():
    assert read('/a b/doc', 'a%20b', '/x')[0] == '/doc'
    assert read('/a%20b/doc', 'a%20b', '/x')[0] == '/doc'
