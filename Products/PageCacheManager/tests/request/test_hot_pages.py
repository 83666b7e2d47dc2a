"""Hot pages are rendered again after a commit, before anybody asks."""
import threading
import time
from urllib.request import urlopen

import pytest
import transaction
from plone.memoize import ram

from ...core.attempt import log_limit
from ...manager import caches
from ...request import hot_pages
from ..browser import zope_server
from ..client import Filtered
from ..site import set_policy
from .test_whole import add_script


PAGE = '/site/doc/page'

#: So long a test waits for the thread at most.
SECS = 20


@pytest.fixture
def hot(site, monkeypatch):
    """A site with hot pages; its thread ends with the test."""
    monkeypatch.setattr(hot_pages, 'PAUSE_SECS', 0.02)
    site.page_cache.manage_editProps(
        '', {'hot_pages': 20, 'hot_per_minute': 6000})
    transaction.commit()
    log_limit.forget()
    yield site
    caches.forget_all()
    assert hot_pages.worker.wait(SECS)


def rendered(site):
    """Return the numbers of pages rendered ahead, by outcome."""
    transaction.abort()
    return {
        detail: count for (word, detail), count in
        caches.cache_of(site.page_cache).tally.counts().items()
        if word == 'AHEAD'}


def wait_for(site, count):
    """Wait until so many were rendered, and return them by outcome."""
    wait_until(lambda: sum(rendered(site).values()) >= count)
    return rendered(site)


def wait_until(is_true):
    end = time.monotonic() + SECS
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.01)


def rounds(monkeypatch, count=3):
    """Wait until the thread looked so many times."""
    seen = threading.Semaphore(0)
    look = hot_pages._round

    def _round(cache):
        found = look(cache)
        seen.release()
        return found

    monkeypatch.setattr(hot_pages, '_round', _round)
    for _ in range(count):
        assert seen.acquire(timeout=SECS)


def edit(site, text):
    site.doc.text = text
    transaction.commit()


def warm(client, path=PAGE, user=None, **headers):
    client.get(path, user, **headers)
    found = client.get(path, user, **headers)
    assert found.outcome == 'HIT'
    return found


def test_the_first_visitor_after_an_edit_hits(hot, client):
    warm(client)
    for number in range(3):
        edit(hot, f'edit {number}')
        wait_for(hot, number + 1)
        found = client.get(PAGE)
        assert found.outcome == 'HIT' and f'edit {number}' in found.text
    assert rendered(hot) == {'content-changed': 3}


def test_an_etag_of_which_the_edit_makes_another(hot, client):
    set_policy(hot, etag='python: object.text')
    warm(client)
    edit(hot, 'another')
    wait_for(hot, 1)
    found = client.get(PAGE)
    assert found.outcome == 'HIT' and 'another' in found.text


def test_behind_a_server_and_the_filters_of_zope(hot):
    with zope_server() as url:
        def get():
            with urlopen(url + PAGE) as answer:
                return answer.headers['X-PageCache'], answer.read().decode()
        get()
        assert get()[0] == 'HIT'
        edit(hot, 'another')
        wait_for(hot, 1)
        outcome, text = get()
        assert outcome == 'HIT' and 'another' in text


def test_none_by_default(site, client, monkeypatch):
    asked = []
    monkeypatch.setattr(hot_pages, 'count', asked.append)
    warm(client)
    assert asked == []


def test_an_edit_of_something_else_renders_nothing(
        hot, client, aside, monkeypatch):
    warm(client)
    aside()
    rounds(monkeypatch)
    assert rendered(hot) == {}


@pytest.mark.parametrize(('user', 'headers'), [
    ('alice', {}),
    (None, {'Authorization': 'Basic bm9ib2R5Om5vYm9keQ=='})])
def test_a_page_of_a_user_is_left(hot, client, user, headers, monkeypatch):
    client.get(PAGE, user, **headers)
    client.get(PAGE, user, **headers)
    edit(hot, 'another')
    assert caches.cache_of(hot.page_cache).hot.hottest(9) == []
    assert rendered(hot) == {}


def test_a_script_that_calls_a_template_is_left(hot, client):
    add_script(
        hot.portal_skins.custom, 'calling', 'return context.page()')
    transaction.commit()
    warm(client, '/site/doc/calling')
    assert caches.cache_of(hot.page_cache).hot.hottest(9) == []


def test_nothing_of_the_visitor_is_kept(hot, client):
    warm(client, Cookie='secret=1', Referer='http://secret.example/')
    page, = caches.cache_of(hot.page_cache).hot.hottest(9)
    assert 'secret' not in repr(page.environ)
    edit(hot, 'another')
    wait_for(hot, 1)
    assert client.get(PAGE).outcome == 'HIT'


def test_what_a_filter_gives_each_request_is_in_the_page(hot, item):
    item('lists', lambda self, request: repr(
        request.environ.get('site.menu')))
    hot.portal_skins.custom.page.write(
        '<p tal:content="python: context.lists(request)">x</p>')
    transaction.commit()
    client = Filtered({'site.menu': 3, 'gunicorn.socket': object()})
    assert '<p>3</p>' in warm(client).text
    edit(hot, 'another')
    wait_for(hot, 1)
    found = client.get(PAGE)
    assert found.outcome == 'HIT' and '<p>3</p>' in found.text


def test_no_page_is_rendered_without_the_objects_of_a_filter(hot):
    warm(Filtered({'site.menu': {'news': True}}))
    assert caches.cache_of(hot.page_cache).hot.hottest(9) == []


def test_headers_of_one_visitor_do_not_make_the_page_for_long(hot, client):
    hot.portal_skins.custom.page.write(
        '<p tal:content="request/HTTP_X_NAME">x</p>')
    transaction.commit()
    client.get(PAGE)
    assert client.get(PAGE, X_Name='theirs').outcome == 'HIT'
    for number, name in (1, 'theirs'), (2, ''):
        edit(hot, f'edit {number}')
        wait_for(hot, number)
        found = client.get(PAGE)
        assert (found.outcome, found.text) == ('HIT', f'<p>{name}</p>')


def test_no_visitor_is_counted(hot, client):
    warm(client)
    edit(hot, 'another')
    wait_for(hot, 1)
    tally = caches.cache_of(hot.page_cache).tally
    assert tally.counts() == {
        ('MISS', ''): 1, ('HIT', ''): 1, ('AHEAD', 'content-changed'): 1}
    assert tally.of_policies() == {
        ('all', 'MISS', ''): 1, ('all', 'HIT', ''): 1}


@pytest.mark.parametrize('etag', ['string:same', 'python: object.text'])
def test_no_look_into_the_store_is_counted(hot, client, etag):
    set_policy(hot, etag=etag)
    warm(client)
    cache = caches.cache_of(hot.page_cache)

    def counted():
        row, = cache.pages.report()
        stored = cache.stored()
        return stored.hits, stored.misses, row['misses']
    before = counted()
    edit(hot, 'another')
    wait_for(hot, 1)
    assert counted() == before


def test_a_hit_of_no_visitor_makes_no_page_hotter(hot, client, monkeypatch):
    warm(client)
    counted = caches.cache_of(hot.page_cache).hot._counted
    publish = hot_pages.own_request.publish

    def overtaken(*args):
        client.get(PAGE)
        return publish(*args)
    monkeypatch.setattr(hot_pages.own_request, 'publish', overtaken)
    edit(hot, 'another')
    assert wait_for(hot, 1) == {'': 1}
    assert [one.count for one in counted.values()] == [1]


def test_a_page_that_a_cookie_leads_to_is_forgotten(hot, client):
    hot.portal_skins.addSkinSelection('Other', 'custom')
    transaction.commit()
    warm(client, Cookie='portal_skin=Other')
    cache = caches.cache_of(hot.page_cache)
    page, = cache.hot.hottest(9)
    assert 'Other' in page.index[3]
    edit(hot, 'another')
    wait_until(lambda: not cache.hot.hottest(9))


def test_a_page_that_varies_by_a_header_now(
        hot, client, item, caplog, monkeypatch):
    def vary(self, request):
        if self.text == 'vary':
            request.response.setHeader('Vary', 'User-Agent')
        return self.text
    item('vary', vary)
    hot.portal_skins.custom.page.write(
        '<p tal:content="python: context.vary(request)">x</p>')
    transaction.commit()
    warm(client)
    hot.doc.text = 'vary'
    assert client.get(PAGE).outcome in ('HIT', 'MISS')
    # by now a signpost is stored in place of the page
    assert warm(client).text == '<p>vary</p>'
    rounds(monkeypatch)
    assert 'Traceback' not in caplog.text


def test_a_page_that_is_never_fresh_is_rendered_twice_a_commit(
        hot, client, item, monkeypatch):
    @ram.cache(lambda method, context: 'always')
    def dear(self):
        time.sleep(0.25)  # so it is kept although it changed
        return self.text
    ram.global_cache.invalidateAll()
    item('dear', dear)
    hot.portal_skins.custom.page.write('<p tal:content="context/dear">x</p>')
    transaction.commit()
    warm(client)
    edit(hot, 'another')
    wait_for(hot, 2)
    rounds(monkeypatch, 9)
    assert sum(rendered(hot).values()) == 2


def test_so_many_a_minute_at_most(hot, client, monkeypatch):
    hot.page_cache.manage_editProps('', {'hot_per_minute': 1})
    transaction.commit()
    for number in range(3):
        warm(client, f'{PAGE}?n={number}')
    edit(hot, 'another')
    wait_for(hot, 1)
    rounds(monkeypatch)
    assert rendered(hot) == {'content-changed': 1}


def test_the_hottest_alone(hot, client, monkeypatch):
    hot.page_cache.manage_editProps('', {'hot_pages': 1})
    transaction.commit()
    for _ in range(4):
        warm(client, f'{PAGE}?hot=1')
    warm(client)
    edit(hot, 'another')
    wait_for(hot, 1)
    rounds(monkeypatch)
    assert client.get(f'{PAGE}?hot=1').outcome == 'HIT'
    assert client.get(PAGE).outcome == 'MISS'


def test_a_page_that_can_be_rendered_no_more_is_forgotten(hot, client):
    warm(client)
    hot._delObject('doc')
    transaction.commit()
    wait_until(lambda: not caches.cache_of(
        hot.page_cache).hot.hottest(9))
    assert rendered(hot) == {}


def test_a_page_that_fails_is_logged_and_forgotten(
        hot, client, item, caplog):
    item('fails', lambda self: 1 / 0 if self.text == 'fail' else 'x')
    hot.portal_skins.custom.page.write(
        '<html tal:content="context/fails">x</html>')
    transaction.commit()
    warm(client)
    edit(hot, 'fail')
    wait_until(lambda: not caches.cache_of(
        hot.page_cache).hot.hottest(9))
    assert 'ZeroDivisionError' in caplog.text
    counts = caches.cache_of(hot.page_cache).tally.counts()
    assert counts == {('MISS', ''): 1, ('HIT', ''): 1}


def test_the_thread_ends_where_it_is_switched_off(hot, client):
    warm(client)
    assert not hot_pages.worker.wait(0.2)
    hot.page_cache.manage_editProps('', {'hot_pages': 0})
    transaction.commit()
    client.get(PAGE)
    assert hot_pages.worker.wait(SECS)
    assert caches.cache_of(hot.page_cache).hot.hottest(9) == []


def test_nothing_is_rendered_while_caching_is_off(hot, client):
    warm(client)
    hot.page_cache.manage_editProps('', {'active': 'off'})
    transaction.commit()
    client.get(PAGE)
    edit(hot, 'another')
    assert hot_pages.worker.wait(SECS)
    assert rendered(hot) == {}


def test_a_purge_renders_nothing(hot, client, monkeypatch):
    warm(client)
    hot.page_cache.manage_purge()
    transaction.commit()
    rounds(monkeypatch)
    assert rendered(hot) == {}


def test_a_head_counts_as_a_hit_of_no_page(hot, client):
    warm(client)
    before = len(caches.cache_of(hot.page_cache).hot.hottest(9))
    client.request('HEAD', f'{PAGE}?other=1')
    assert len(caches.cache_of(hot.page_cache).hot.hottest(9)) == before


def test_nothing_is_written_that_nobody_asked_for(
        hot, client, item):
    def write(self):
        if self.text == 'another':
            self.renders += 1
        return self.renders
    item('write', write)
    hot.portal_skins.custom.page.write(
        '<html tal:content="context/write">x</html>')
    transaction.commit()
    warm(client)
    renders = hot.doc.renders
    edit(hot, 'another')
    wait_until(lambda: not caches.cache_of(
        hot.page_cache).hot.hottest(9))
    assert rendered(hot) == {}
    assert hot.doc.renders == renders
