"""Pages of a real site are asked for, and counted by outcome."""
import gzip
import signal
import subprocess
import sys
import threading

import pytest
import transaction

from ...command import warm
from ...command.warm import Pace
from ..site import add_template
from ..site import set_policy
from ..test_structure import ROOT


@pytest.fixture
def sitemap(site, server, zope):
    """Make the real server give a sitemap in gzip with these paths."""
    def make(*paths):
        text = ''.join(
            f'<url><loc>{zope}{path}</loc></url>' for path in paths)
        site.manage_addFile('sitemap.xml.gz', gzip.compress(
            f'<urlset>{text}</urlset>'.encode()))
        transaction.commit()
        return f'{zope}/sitemap.xml.gz'
    return make


def test_pages_of_a_sitemap_are_stored(client, run, zope, sitemap):
    client_of_zope = zope.removeprefix('http://').removesuffix('/site')
    client.host = client_of_zope
    url = sitemap('/doc/page', '/doc/fspage')
    code, out, err = run('warm', url, '--rate', 1000)
    assert (code, err) == (0, '')
    assert '      2  MISS\n' in out and '2 pages in ' in out
    for path in '/site/doc/page', '/site/doc/fspage':
        assert client.get(path).outcome == 'HIT'
    code, out, _ = run('warm', url, '--rate', 1000)
    assert (code, out.splitlines()[0]) == (0, '      2  HIT')


def test_reasons_and_statuses_are_counted(site, run, zope, sitemap):
    add_template(site.portal_skins.custom, 'setting', (
        '<p tal:define="x python: request.RESPONSE.setCookie(\'a\', \'b\')">'
        '</p>'))
    add_template(site.portal_skins.custom, 'plain', '<p></p>', False)
    add_template(site.portal_skins.custom, 'moved', (
        '<p tal:define="x python: request.RESPONSE.redirect(\'/\')"></p>'),
        False)
    url = sitemap(
        '/doc/page', '/doc/setting', '/doc/plain', '/doc/moved', '/no')
    code, out, err = run('warm', url, '--rate', 1000, '--verbose')
    assert code == 1
    for line in (
            '      1  MISS', '      1  BYPASS set-cookie',
            '      1  302 Found', '      1  404 Not Found',
            '      1  no cache: the answer has no X-PageCache and no '
            'Cache-Status', f'MISS  {zope}/doc/page'):
        assert f'{line}\n' in out
    assert '5 pages in ' in out and ', 1 failed\n' in out
    assert f'pagecache warm: 404 Not Found: {zope}/no\n' in err


def test_outcomes_are_known_without_x_pagecache(site, run, zope):
    site.page_cache.manage_editProps('', {'show_outcome': False})
    transaction.commit()
    for outcome in 'MISS', 'HIT':
        assert f'  {outcome}\n' in run('warm', f'{zope}/doc/page')[1]
    set_policy(site, etag='')
    assert '  BYPASS no-etag\n' in run('warm', f'{zope}/doc/page')[1]


def test_a_login_warms_pages_of_that_user(site, client, run, zope):
    client.host = zope.removeprefix('http://').removesuffix('/site')
    code, out, err = run(
        'warm', f'{zope}/doc/page', '--user', 'alice', password='alice')
    assert (code, err) == (0, '')
    assert client.get('/site/doc/page', 'alice').outcome == 'HIT'
    assert client.get('/site/doc/page').outcome == 'MISS'


def test_a_page_that_another_cache_answered(server, run):
    server.answers['/a'] = 200, {
        'X-PageCache': 'MISS', 'Cache-Status':
        'PageCacheManager;fwd=uri-miss;stored, "front, 1";hit'}, b''
    code, out, _ = run('warm', f'{server.url}/a')
    assert (code, out.splitlines()[0]) == (
        0, '      1  not asked: front, 1 answered')


def test_a_sitemap_that_fails(server, run):
    url = f'{server.url}/sitemap.xml'
    code, out, err = run('warm', url)
    assert code == 1 and '      1  sitemap: 404 Not Found\n' in out
    assert f'sitemap: 404 Not Found: {url}\n' in err
    assert 'there is no page to ask for' in err


def test_a_login_goes_to_one_origin(server, run, tmp_path):
    file = tmp_path / 'urls'
    file.write_text(f'{server.url}/a\nhttp://127.0.0.1:1/b\n')
    server.answers['/a'] = 200, {}, b''
    code, out, err = run('warm', file, '--user', 'root')
    assert code == 0 and '1 pages in ' in out
    assert '1 URLs of other hosts, ports or schemes were left out' in err
    assert server.asked[0][1]['Authorization'].startswith('Basic ')


def test_limit_and_failures_are_listed_in_short(
        server, run, tmp_path, monkeypatch):
    monkeypatch.setattr(warm, 'MAX_LISTED', 2)
    file = tmp_path / 'urls'
    file.write_text(''.join(f'{server.url}/{n}\n' for n in range(6)))
    code, out, err = run('warm', file, '--limit', 5, '--rate', 1000)
    assert (code, len(server.asked)) == (1, 5)
    assert err.count('404 Not Found') == 2 and 'and 3 more' in err
    assert 'there are more pages than --limit' in err


def test_no_more_requests_at_once_than_allowed(server, run, tmp_path):
    at_once, most, lock = [], [], threading.Lock()
    two = threading.Barrier(2)

    def answer(handler):
        with lock:
            at_once.append(handler)
            most.append(len(at_once))
        two.wait(10)  # so there are two at once, not one
        with lock:
            at_once.remove(handler)
        handler.send_response(200)
        handler.end_headers()

    file = tmp_path / 'urls'
    file.write_text(''.join(f'{server.url}/{n}\n' for n in range(6)))
    server.answers.update({f'/{n}': answer for n in range(6)})
    assert run('warm', file, '--rate', 1000)[0] == 0
    assert max(most) == 2


def test_pace():
    slept = []
    now = 100.0
    pace = Pace(4, clock=lambda: now, sleep=slept.append)
    for _ in range(3):
        pace.wait()
    assert slept == [0, 0.25, 0.5]
    now = 200.0  # a rest is not made up for
    pace.wait()
    pace.wait()
    assert slept[3:] == [0, 0.25]


def test_no_progress_bar_where_there_is_no_terminal(server, run):
    server.answers['/a'] = 200, {}, b''
    assert run('warm', f'{server.url}/a')[2] == ''


def test_an_interrupt_ends_it_soon(server, tmp_path):
    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        process.send_signal(signal.SIGINT)

    server.answers['/0'] = answer
    file = tmp_path / 'urls'
    file.write_text(''.join(f'{server.url}/{n}\n' for n in range(3000)))
    process = subprocess.Popen(
        [sys.executable, '-m', 'Products.PageCacheManager.command', 'warm',
         str(file), '--rate', '0.01', '--concurrency', '8'],
        stderr=subprocess.PIPE, text=True, cwd=ROOT.parents[1],
        # a process in the background may ignore it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err == 'pagecache warm: interrupted\n'
    assert len(server.asked) < 20
