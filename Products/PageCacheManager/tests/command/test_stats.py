"""Counters of a real Zope, printed for people."""
import sys

import pytest

from ...command import stats


@pytest.fixture
def manager(zope, client):
    client.host = zope.removeprefix('http://').removesuffix('/site')
    return '--manager', f'{zope}/page_cache', '--user', 'root'


def test_stats(client, run, manager):
    for _ in range(3):
        client.get('/site/doc/page')
    code, out, err = run('stats', *manager)
    assert (code, err) == (0, '')
    assert out.startswith('Requests by outcome and reason.\n')
    assert '\n              2  HIT\n' in out
    assert '\n              1  MISS\n' in out
    assert ('\nMaximum of this memory, in bytes.\n'
            '    134 217 728  pagecache_max_bytes\n') in out


def test_stats_of_a_zope_without_the_library(run, manager, monkeypatch):
    monkeypatch.setitem(sys.modules, 'prometheus_client', None)
    code, out, err = run('stats', *manager)
    assert (code, out) == (1, '')
    assert 'Install Products.PageCacheManager[metrics]' in err


def test_stats_of_something_else(server, run):
    server.answers['/manage_metrics'] = 200, {}, b'<html></html>'
    code, _, err = run('stats', '--manager', server.url)
    assert code == 1
    assert 'the answer is none of a Page Cache Manager' in err


def test_labels_may_hold_anything():
    text = '# HELP a Text\n# TYPE a counter\na{b="c\\"d",e=""} NaN\n\nx y z'
    assert [*stats._lines(text)] == ['Text', '            nan  c\\"d']
