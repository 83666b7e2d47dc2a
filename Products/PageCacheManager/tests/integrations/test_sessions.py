"""Sessions of Products.Sessions, by all ways of its API."""
import pytest
import transaction
from zope.event import notify
from zope.processlifetime import DatabaseOpenedWithRoot
from ZPublisher.interfaces import IPubAfterTraversal

from ...manager import caches
from ..lane_client import LaneClient
from ..site import add_template
from ..site import set_policy
from ..view_cases import ACTING
from ..view_cases import associate
from ..view_cases import outcomes
from ..view_cases import reason


managers = pytest.importorskip('Products.Sessions.SessionDataManager')
ids = pytest.importorskip('Products.Sessions.BrowserIdManager')
transience = pytest.importorskip('Products.Transience.Transience')

CART = '/site/doc/cart'
#: Any that is well-formed; tests have the same names in each process.
BROWSER_ID = '79592803BA1PjW9skao'


@pytest.fixture(params=['_ZopeId', 'sid'])
def shop(app, site, request):
    """A site with sessions; the browser's id is in a cookie."""
    notify(DatabaseOpenedWithRoot(app._p_jar.db()))
    app._setObject('browser_id_manager', ids.BrowserIdManager(
        'browser_id_manager', idname=request.param))
    app._setObject('session_data', transience.TransientObjectContainer(
        'session_data'))
    app._setObject('session_data_manager', managers.SessionDataManager(
        'session_data_manager', '/session_data', requestName='SESSION'))
    app.session_data.new_or_existing(BROWSER_ID).set('cart', 'apple')
    set_policy(site, etag='string:same')
    transaction.commit()
    return site


@pytest.fixture
def cookie(shop):
    return f'{shop.browser_id_manager.getBrowserIdName()}={BROWSER_ID}'


def assert_is_refused(client, path, **headers):
    for _ in range(2):
        answer = client.get(path, **headers)
        assert (answer.outcome, reason(answer)) == ('BYPASS', 'session')
        assert answer.all('ETag') == answer.all('Last-Modified') == []


READ = [
    'session_data_manager.getSessionData(create=0)',
    'session_data_manager.getSessionData()',
    'session_data_manager.hasSessionData()',
    'browser_id_manager.getBrowserId(create=0)',
    'browser_id_manager.getBrowserId()',
    'browser_id_manager.hasBrowserId()',
    'browser_id_manager.isBrowserIdNew()',
    'browser_id_manager.isBrowserIdFromCookie()',
    'browser_id_manager.isBrowserIdFromForm()',
    'browser_id_manager.isBrowserIdFromUrl()',
    'browser_id_manager.getHiddenFormField()',
    'browser_id_manager.encodeUrl("/x")',
    'REQUEST.SESSION', 'REQUEST["SESSION"]',
]

#: Expressions that are allowed in a script of an administrator.
OF_ANY = [
    f'session_data_manager.getSessionDataByKey("{BROWSER_ID}")',
    'session_data_manager.clearSessionData()',
]


@pytest.mark.parametrize('way', READ + OF_ANY)
def test_page_that_reads_a_session_is_not_kept(
        client, item, shop, cookie, way):
    associate(shop, 'v-acting')
    item('act', lambda self, request: f'text {bool(eval("self." + way))}')
    assert_is_refused(client, ACTING, Cookie=cookie)


@pytest.mark.parametrize('way', READ)
def test_template_that_reads_a_session_is_not_kept(client, shop, cookie, way):
    add_template(
        shop.portal_skins.custom, 'cart',
        f"<p tal:define='x python:context.{way}'>text</p>")
    assert_is_refused(client, CART, Cookie=cookie)


def test_cart_that_changes_is_shown_at_once(app, client, shop, cookie):
    add_template(
        shop.portal_skins.custom, 'cart', '<p tal:define="data python:'
        'context.session_data_manager.getSessionData(create=0)" '
        'tal:content="python:data and data[\'cart\']">x</p>')
    for fruit in ('apple', 'pear'):
        app.session_data.get(BROWSER_ID).set('cart', fruit)
        transaction.commit()
        for _ in range(2):
            assert fruit in client.get(CART, Cookie=cookie).text
        assert 'apple' not in client.get(CART).text


def test_session_of_a_subrequest_is_a_session(client, item, shop, cookie):
    def act(self, request):
        copy = request.clone()
        copy.processInputs()
        page = copy.traverse('/site/doc/page')
        return f'text {page.session_data_manager.hasSessionData()}'
    associate(shop, 'v-acting')
    item('act', act)
    assert_is_refused(client, ACTING, Cookie=cookie)


def test_session_that_other_code_read_before(
        client, shop, cookie, subscribe):
    assert outcomes(client, '/site/doc/page') == ['MISS', 'HIT']

    def read(event):
        manager = event.request['PARENTS'][-1].session_data_manager
        if manager.hasSessionData():
            event.request.set('visitor', 'known')
    subscribe(read, IPubAfterTraversal)
    assert_is_refused(client, '/site/doc/page', Cookie=cookie)
    answer = client.get('/site/doc/page', Cookie=cookie)
    assert 'no-store' in answer['Cache-Control']
    lane = LaneClient()
    for _ in range(3):
        assert not lane.is_fast('/site/doc/page', Cookie=cookie)


def test_session_of_the_request_before_is_no_matter(
        client, shop, cookie, item):
    def look(self):
        """Look."""
        return str(self.session_data_manager.hasSessionData())
    item('look', look)
    assert client.get('/site/doc/look', Cookie=cookie).text == 'True'
    shop.session_data_manager.hasSessionData()
    assert outcomes(client, '/site/doc/page') == ['MISS', 'HIT']
    cache = caches.cache_of(shop.page_cache)
    assert cache.pages.counts().entries == 1


def test_sessions_are_apart_by_the_name_of_their_cookie(client, shop, cookie):
    mine = client.get('/site/doc/page', Cookie=cookie)
    assert [client.get('/site/doc/page', Cookie=given).outcome for given in (
        cookie, cookie[:-1] + 'x', '')] == ['HIT', 'MISS', 'MISS']
    assert client.get('/site/doc/page')['ETag'] != mine['ETag']


def test_browser_id_that_is_in_no_cookie_names_none(shop, client, cookie):
    shop.browser_id_manager.setBrowserIdNamespaces(('form',))
    shop.page_cache.manage_editProps('', {'session_cookies': ()})
    client.get('/site/doc/page', Cookie=cookie)
    assert client.get('/site/doc/page').outcome == 'HIT'


def test_patches_of_others_stay(shop, monkeypatch):
    asked = []
    before = ids.BrowserIdManager.getBrowserId

    def other(self, create=1):
        asked.append(create)
        return before(self, create)
    monkeypatch.setattr(ids.BrowserIdManager, 'getBrowserId', other)
    for _ in range(2):
        notify(DatabaseOpenedWithRoot(shop._p_jar.db()))
    shop.browser_id_manager.getBrowserId(create=0)
    assert asked == [0]
    noted = ids.BrowserIdManager.getBrowserId
    assert noted.__doc__ == other.__doc__
    notify(DatabaseOpenedWithRoot(shop._p_jar.db()))
    assert ids.BrowserIdManager.getBrowserId is noted
