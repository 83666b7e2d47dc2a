"""Zope clients that share pages: each takes pages that others made."""
import pytest

from .. import zeo_fixtures
from ..zeo import until
from .test_zeo import PATHS
from .test_zeo import edit
from .test_zeo import edit_template
from .test_zeo import edit_unseen
from .test_zeo import invalidate
from .test_zeo import post
from .test_zeo import purge


DOC = '/doc/fspage'

SEARCH = '''<p tal:repeat="brain python: here.catalog(kind='Item')"
  ><b tal:content="brain/text">text</b></p>'''

cluster = zeo_fixtures.make_cluster()
pair = zeo_fixtures.pair


@pytest.fixture
def site(cluster):
    """The path of a site with pages in the cache of both clients."""
    path = cluster.new_site('memoize')
    yield path
    cluster.cache.clear()


def made(cluster, zope, path):
    """Make a page; return it."""
    page = zope.get(path)
    assert page.outcome == 'MISS', page['Cache-Status']
    cluster.settle()
    return page


@pytest.mark.parametrize('path', PATHS)
def test_a_page_of_another_client(cluster, site, pair, path):
    maker, taker = pair
    page = made(cluster, maker, site + path)
    for _ in range(2):
        answer = taker.get(site + path)
        assert (answer.outcome, answer.body) == ('HIT', page.body)
        assert answer['ETag'] == page['ETag']
    assert taker.get(site + path, If_None_Match=page['ETag']).status == 304


def test_a_page_of_a_user_is_of_that_user(cluster, site, pair):
    maker, taker = pair
    page = maker.get(f'{site}/doc/page', 'alice')
    cluster.settle()
    answer = taker.get(f'{site}/doc/page', 'alice')
    assert (answer.outcome, answer.body) == ('HIT', page.body)
    assert taker.get(f'{site}/doc/page', 'bob').outcome == 'MISS'
    assert taker.get(f'{site}/doc/page').outcome == 'MISS'


CHANGES = {
    'edit': lambda zope, site: edit(zope, site, 'new text'),
    'edit that the ETag does not name':
        lambda zope, site: edit_unseen(zope, site, 'new text'),
    'template': lambda zope, site: edit_template(
        zope, f'{site}/portal_skins/custom/held', '<b>new text</b>'),
}


@pytest.mark.parametrize('is_taken', [False, True])
@pytest.mark.parametrize('change', CHANGES)
def test_a_change(cluster, site, pair, change, is_taken):
    editor, other = pair
    path = f'{site}/doc/held'
    made(cluster, editor, path)
    if is_taken:
        assert other.get(path).outcome == 'HIT'
    CHANGES[change](editor, site)
    cluster.settle()
    page = other.get(path)
    assert page.outcome == 'MISS' and 'new text' in page.text
    cluster.settle()
    answer = editor.get(path)
    assert (answer.outcome, answer.body) == ('HIT', page.body)


def test_a_change_of_other_content(cluster, site, pair):
    editor, other = pair
    page = made(cluster, editor, f'{site}/doc/held')
    post(editor, f'{site}/third/rewrite', 200, text='new')
    cluster.settle()
    assert other.get(f'{site}/doc/held').body == page.body
    assert other.get(f'{site}/doc/held').outcome == 'HIT'


@pytest.mark.parametrize('forget', [
    purge, lambda zope, site: invalidate(zope, site, f'{site}/doc')])
def test_purge_and_invalidation(cluster, site, pair, forget):
    editor, other = pair
    made(cluster, editor, f'{site}/doc/held')
    forget(editor, site)
    cluster.settle()
    made(cluster, other, f'{site}/doc/held')
    assert editor.get(f'{site}/doc/held').outcome == 'HIT'


def test_undo_of_a_purge_brings_no_page_back(cluster, site):
    first, second = cluster.zopes
    made(cluster, first, f'{site}/doc/held')
    edit_unseen(second, site, 'new text')
    cluster.settle()
    assert 'new text' in first.get(f'{site}/doc/held').text
    edit_unseen(second, site, 'first text')
    cluster.settle()
    for zope in cluster.zopes:
        assert 'first text' in zope.get(f'{site}/doc/held').text


@pytest.fixture
def listing(cluster, site):
    """The path of a page that shows the results of a search."""
    zope = cluster.zopes[0]
    post(zope, '/make_catalog', 200, site=site[1:], template=SEARCH)
    cluster.settle()
    return f'{site}/doc/listing'


def index(cluster, zope, path, **values):
    post(zope, f'{path}/index_again', 200, **values)
    cluster.settle()


def test_an_answer_that_is_the_same(cluster, site, listing, pair):
    editor, other = pair
    index(cluster, editor, f'{site}/doc', text='one', kind='Item')
    index(cluster, editor, f'{site}/third', text='two', kind='other')
    page = made(cluster, editor, listing)
    assert 'one' in page.text and 'two' not in page.text
    index(cluster, editor, f'{site}/third', text='three', kind='other')
    answer = other.get(listing)
    assert (answer.outcome, answer.body) == ('HIT', page.body)


@pytest.mark.parametrize('is_taken', [False, True])
def test_an_answer_that_changed(cluster, site, listing, pair, is_taken):
    editor, other = pair
    index(cluster, editor, f'{site}/doc', text='one', kind='Item')
    index(cluster, editor, f'{site}/third', text='two', kind='other')
    made(cluster, editor, listing)
    if is_taken:
        assert other.get(listing).outcome == 'HIT'
    index(cluster, editor, f'{site}/third', text='three', kind='Item')
    page = other.get(listing)
    assert page.outcome == 'MISS' and 'three' in page.text
    assert editor.get(listing).body == page.body


@pytest.mark.parametrize('change', [
    lambda value: b'', lambda value: value[:-1], lambda value: value * 2,
    lambda value: b'\x80\x04.' + value, lambda value: bytes(20_000_000),
    lambda value: value.replace(b'"main"', b'"none"')])
def test_values_of_others(cluster, site, pair, change):
    maker, taker = pair
    page = made(cluster, maker, site + DOC)
    cluster.cache.overwrite(change)
    answer = taker.get(site + DOC)
    assert (answer.status, answer.outcome) == (200, 'MISS')
    assert answer['ETag'] == page['ETag']
    assert taker.get(site + DOC).outcome == 'HIT'


def test_a_client_that_begins_later(cluster, site):
    first, second = cluster.zopes
    pages = {path: made(cluster, first, site + path) for path in PATHS}
    edit_unseen(first, site, 'new text')
    pages['/doc/held'] = made(cluster, first, f'{site}/doc/held')
    second.stop()
    second.start()
    second.wait()
    for path in PATHS:
        assert second.get(site + path).outcome == 'MISS'
    # the client asks the server for objects that it has not read yet
    answer = second.get(f'{site}/doc/held')
    assert (answer.outcome, answer.body) == (
        'HIT', pages['/doc/held'].body)


# at last: it rests for a while

def test_a_cache_that_fails(cluster, site):
    first, second = cluster.zopes
    cluster.cache.break_down()
    for zope in (first, second):
        page = zope.get(site + DOC)
        assert (page.status, page.outcome) == (200, 'MISS')
        assert zope.get(site + DOC).outcome == 'HIT'
    edit_unseen(first, site, 'new text')
    cluster.settle()
    for zope in (first, second):
        assert 'new text' in zope.get(f'{site}/doc/page').text
    until(lambda: all(
        'The cache failed (store)' in zope.log.read_text()
        for zope in (first, second)), 'the log')
