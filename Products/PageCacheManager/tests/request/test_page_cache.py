"""Less trodden ways of a request: second looks, hits that are no page."""
import gzip
import logging
import threading

import pytest
import transaction
from OFS.Folder import Folder
from zope.component import getGlobalSiteManager
from zope.event import notify
from ZPublisher import pubevents

from ...manager import caches
from ...PageCacheManager import PageCacheManager
from ..client import Client
from ..manager.test_lifecycle import OtherManager
from ..site import Item
from ..site import add_template
from ..site import set_policy
from .test_whole import add_script


PAGE = '/site/doc/page'


@pytest.fixture
def custom(site):
    return site.portal_skins.custom


@pytest.fixture
def cache(site):
    return caches.cache_of(site.page_cache)


@pytest.fixture
def item():
    """Put methods on the content class, and take them off afterwards."""
    before = set(vars(Item))

    def add(method):
        setattr(Item, method.__name__, method)
        setattr(Item, f'{method.__name__}__roles__', None)

    yield add
    for name in set(vars(Item)) - before:
        delattr(Item, name)


def settings(site, **values):
    site.page_cache.manage_editProps('', values)
    transaction.commit()


def twice(client, path, **headers):
    return client.get(path, **headers), client.get(path, **headers)


# one render (I8): between the look into the store and the flight

def before_boarding(monkeypatch, flights, action):
    """Call `action` once, just before the first request boards."""
    board = flights.board
    waiting = [action]

    def board_later(*args):
        if waiting:
            waiting.pop()()
        return board(*args)
    monkeypatch.setattr(flights, 'board', board_later)


def in_another_thread(action):
    found = []
    thread = threading.Thread(target=lambda: found.append(action()))
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    return found[0]


def test_a_page_that_lands_before_boarding_is_found_at_a_second_look(
        client, cache, monkeypatch):
    others = []
    transaction.commit()
    before_boarding(monkeypatch, cache.flights, lambda: others.append(
        in_another_thread(lambda: Client().get(PAGE))))
    before = Item.renders
    answer = client.get(PAGE)
    assert Item.renders == before + 1
    assert (others[0].outcome, answer.outcome) == ('MISS', 'HIT')
    assert answer.body == others[0].body
    assert answer.stable_headers() == others[0].stable_headers()
    # the next request boards at once
    assert not cache.flights._flights


def test_a_page_that_lands_before_boarding_is_a_304_for_who_holds_it(
        client, cache, monkeypatch):
    tag = client.get(PAGE)['ETag']
    cache.purge()
    Item.renders -= 1  # the page shows it
    before_boarding(monkeypatch, cache.flights, lambda: in_another_thread(
        lambda: Client().get(PAGE)))
    # only a render can tell whether the cookie makes another page
    answer = client.get(PAGE, If_None_Match=tag, Cookie='other=1')
    assert (answer.status, answer.outcome) == (304, 'HIT')
    assert (answer.body, answer['ETag']) == (b'', tag)


def test_a_page_that_lands_and_goes_before_boarding_is_rendered(
        client, cache, monkeypatch):
    def land_and_go():
        in_another_thread(lambda: Client().get(PAGE))
        cache.pages.purge()
    transaction.commit()
    before_boarding(monkeypatch, cache.flights, land_and_go)
    before = Item.renders
    assert client.get(PAGE).outcome == 'MISS'
    assert Item.renders == before + 2
    assert client.get(PAGE).outcome == 'HIT'
    assert not cache.flights._flights


def test_a_page_is_kept_though_others_like_it_are_not_waited_for(
        custom, client):
    """A refused request renders without a flight, but may store the page."""
    add_template(custom, 't', '''<p tal:define="x python:
        request.get_header('X-First') and request.RESPONSE.setCookie('a', 'b')"
        tal:content="context/count_render">x</p>''')
    first = client.get('/site/doc/t', X_First='1')
    assert 'detail=set-cookie' in first['Cache-Status']
    miss, hit = twice(client, '/site/doc/t')
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit.body == miss.body


# hits that other code passes on (I2)

PASSES_ON = '''
request = container.REQUEST
text = context.page()
for change in request.form.get('utm_change', '').split():
    if change == 'text':
        text = text + '<!-- more -->'
    else:
        request.RESPONSE.setStatus(int(change))
return text'''


@pytest.mark.parametrize('change,status,detail', [
    ('text', 200, 'fragment'), ('404', 404, 'status')])
def test_a_hit_that_is_not_passed_on_whole_is_no_page(
        custom, client, change, status, detail):
    add_script(custom, 's', PASSES_ON)
    miss, hit = twice(client, '/site/doc/s')
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    answer = client.get(f'/site/doc/s?utm_change={change}')
    assert (answer.status, answer.outcome) == (status, 'BYPASS')
    assert f'detail={detail}' in answer['Cache-Status']
    assert answer.body.startswith(hit.body)
    for name in ('ETag', 'Last-Modified', 'Cache-Control'):
        assert answer.all(name) == []
    # nor does it harm the page
    assert client.get('/site/doc/s').body == hit.body


def test_a_hit_that_is_passed_on_compressed(custom, client):
    add_template(custom, 'long', '''<p tal:content="python: 'text ' * 500">
        x</p>''')
    add_script(custom, 's', '''
request = container.REQUEST
request.RESPONSE.enableHTTPCompression(request)
return context.long()''')
    miss, hit = twice(client, '/site/doc/s', Accept_Encoding='gzip')
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit['Content-Encoding'] == 'gzip' and hit.body == miss.body
    assert hit.stable_headers() == miss.stable_headers()
    plain = client.get('/site/doc/s')
    assert plain.outcome == 'HIT' and plain.all('Content-Encoding') == []
    assert gzip.decompress(hit.body) == plain.body
    assert plain['ETag'] != hit['ETag']


def test_a_page_stored_plain_is_compressed_where_zope_would(custom, client):
    def compress(event):
        event.request.response.enableHTTPCompression(event.request)

    add_template(custom, 'long', '''<p tal:content="python: 'text ' * 500">
        x</p>''')
    plain = client.get('/site/doc/long')
    components = getGlobalSiteManager()
    components.registerHandler(compress, (pubevents.PubAfterTraversal,))
    try:
        coded = client.get('/site/doc/long', Accept_Encoding='gzip')
        again = client.get('/site/doc/long')
    finally:
        components.unregisterHandler(compress, (pubevents.PubAfterTraversal,))
    assert coded.outcome == again.outcome == 'HIT'
    assert coded['Content-Encoding'] == 'gzip'
    assert gzip.decompress(coded.body) == plain.body == again.body
    assert 'Accept-Encoding' in coded['Vary']


def test_a_body_in_a_coding_that_we_do_not_know_is_no_page(custom, client):
    add_template(custom, 't', '''<p tal:define="x python:
        request.RESPONSE.setHeader('Content-Encoding', 'x-own')">coded</p>''')
    for answer in twice(client, '/site/doc/t'):
        assert 'detail=fragment' in answer['Cache-Status']
        assert answer['Content-Encoding'] == 'x-own'
        assert answer.body == b'<p>coded</p>'


# pages that are not kept

def test_a_page_over_the_limit_is_sent_but_never_kept(
        site, custom, client, cache):
    settings(site, max_page_kib=1)
    add_template(custom, 'big', '''<p tal:content="python: 'x' * 1018">
        x</p>''')
    add_template(custom, 'fits', '''<p tal:content="python: 'x' * 1017">
        x</p>''')
    for answer in twice(client, '/site/doc/big'):
        assert 'detail=too-large' in answer['Cache-Status']
        assert len(answer.body) == 1025 and answer['ETag']
    assert cache.pages.counts().entries == 0
    miss, hit = twice(client, '/site/doc/fits')
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert len(hit.body) == 1024


def test_a_page_over_the_limit_is_a_304_for_who_holds_it(
        site, custom, client):
    settings(site, max_page_kib=1)
    add_template(custom, 'big', '''<p tal:content="python: 'x' * 2000">
        x</p>''')
    add_script(custom, 'passer', 'return context.big()')
    tag = client.get('/site/doc/passer')['ETag']
    for _ in range(4):  # it is known from the third on
        answer = client.get('/site/doc/passer', If_None_Match=tag)
        assert answer.status == 304


def test_a_template_that_changes_while_it_renders(custom, client, item):
    def edit(self):
        template = self.aq_parent.portal_skins.custom.t
        if 'new' not in template.read():
            template.write('<p>new</p>')
        return 'old'
    item(edit)
    add_template(custom, 't', '<p tal:content="context/edit">x</p>')
    answer = client.get('/site/doc/t')
    assert answer.body == b'<p>old</p>'
    assert answer.outcome == 'BYPASS'
    assert 'detail=template-changed' in answer['Cache-Status']
    miss, hit = twice(client, '/site/doc/t')
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit.body == b'<p>new</p>'


def test_a_page_with_a_message_may_forbid_storing_itself(custom, client):
    add_template(custom, 't', '''<p tal:define="x python:
        request.RESPONSE.setHeader('Cache-Control', 'no-store, max-age=0')">
        message</p>''')
    answer = client.get('/site/doc/t', Cookie='statusmessages=x')
    assert 'detail=request-cookie' in answer['Cache-Status']
    assert answer['Cache-Control'] == 'no-store, max-age=0'


# headers about the cache

def test_without_an_age_limit_no_time_is_told(site, client):
    settings(site, max_age=0)
    miss, hit = twice(client, PAGE)
    assert miss['Cache-Status'] == 'PageCacheManager;fwd=uri-miss;stored'
    assert hit['Cache-Status'] == 'PageCacheManager;hit'


# parts of the key

def test_vary_by_a_header_that_zope_hides(site, client):
    """Zope removes Authorization from the headers for code."""
    settings(site, partition='etag')
    set_policy(site, etag='string:x', public=1, vary='Authorization')
    answers = [client.get(PAGE, user) for user in (
        None, 'alice', 'bob', 'alice', None)]
    assert [answer.outcome for answer in answers] == [
        'MISS', 'MISS', 'MISS', 'HIT', 'HIT']
    assert len({answer['ETag'] for answer in answers}) == 3


class TypedClient(Client):
    """Sends a Content-Type with each request."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def environ(self, *args):
        return {**super().environ(*args), 'CONTENT_TYPE': self.kind}


def test_vary_by_a_header_without_a_prefix_in_wsgi(site):
    set_policy(site, etag='string:x', vary='Content-Type')
    one, other = TypedClient('text/a'), TypedClient('text/b')
    outcomes = [client.get(PAGE).outcome for client in (
        one, other, one, other)]
    assert outcomes == ['MISS', 'MISS', 'HIT', 'HIT']


# as without a cache

def test_switched_off_it_leaves_fragments_to_cmf(site, custom, client):
    add_template(custom, 'outer', '''<div>
        <tal:x content="structure context/fspage" /></div>''')

    def headers(answer):
        return [line for line in answer.stable_headers() if line[0] not in (
            'Content-Length', 'X-Powered-By')]

    site.page_cache.disable()
    ours = client.get('/site/doc/outer')
    posted = client.post('/site/doc/outer', user=None)
    templates = custom.outer, site.portal_skins.fs.fspage
    for template in templates:
        template.ZCacheable_setEnabled(0)
    try:
        zopes = client.get('/site/doc/outer')
    finally:
        for template in templates:
            template.ZCacheable_setEnabled(1)
    assert ours.outcome == 'OFF' and zopes.outcome is None
    assert posted.outcome == 'OFF'
    assert headers(ours) == headers(zopes) == headers(posted)
    assert ours.all('Last-Modified')
    assert 'first text' in ours.text


def test_a_fault_before_anything_is_known(site, client, caplog, monkeypatch):
    def broken(*args):
        raise RuntimeError('a fault')
    caches.forget_all()
    monkeypatch.setattr(caches, 'PageStore', broken)
    for path in (PAGE, '/site/doc/fspage'):
        answer = client.get(path)
        assert answer.status == 200 and 'first text' in answer.text
        assert answer.all('X-PageCache') == answer.all('Cache-Status') == []
    records = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert len(records) == 1  # the same failure is logged once a minute
    assert all(r.exc_info[1].args == ('a fault',) for r in records)
    monkeypatch.undo()
    miss, hit = twice(client, PAGE)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')


def test_stages_of_a_request_that_did_not_begin_here(app):
    """A subrequest or a script may come without a traversal."""
    app.REQUEST.response.setHeader('x-own', '1')
    before = dict(app.REQUEST.response.headers)
    for event in (
            pubevents.PubBeforeCommit(app.REQUEST),
            pubevents.PubSuccess(app.REQUEST),
            pubevents.PubBeforeAbort(app.REQUEST, None, False)):
        notify(event)
    assert app.REQUEST.response.headers == before


def test_without_a_policy_manager_nothing_is_cached(app, client):
    app._setObject('plain', Folder('plain'))
    app.plain._setObject('page_cache', PageCacheManager('page_cache'))
    add_template(app.plain, 'hello', '<p>hello</p>')
    for answer in twice(client, '/plain/hello'):
        assert answer.outcome == 'NO-ETAG'
        assert 'detail=no-policy' in answer['Cache-Status']
        assert answer.body == b'<p>hello</p>'


def test_an_edit_where_another_cache_manager_took_the_place(site, custom):
    template = custom.page
    ours = template.ZCacheable_getCache()
    assert ours is not None
    site._delObject('page_cache')
    site._setObject('page_cache', OtherManager('page_cache'))
    assert ours.ZCache_invalidate(template) is None
    assert template.ZCacheable_get() == 'of another cache'
