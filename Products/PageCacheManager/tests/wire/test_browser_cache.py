"""A real browser's own cache: the pages it keeps, and when it asks again.

Nothing is routed or emulated: either would switch the browser's cache off.
"""
import base64

import pytest
import transaction
from Products.CMFCore.CookieCrumbler import CookieCrumbler
from zope.component import getGlobalSiteManager
from ZPublisher.pubevents import PubAfterTraversal

from .. import browser as browsers
from ..site import add_template
from ..site import set_policy


NAMED = '''<html><body><p id="text" tal:content="context/text">x</p>
<p id="user" tal:content="python: user.getId() or 'nobody'">x</p>
</body></html>'''

ZIPPED = '''<html><body tal:define="
x python: request.RESPONSE.enableHTTPCompression(request)">
<p id="text" tal:content="context/text">x</p>
<p tal:content="python: 'text ' * 500">x</p></body></html>'''


@pytest.fixture(scope='module')
def browser():
    with browsers.chromium() as browser:
        yield browser


class Asked(list):
    """The If-None-Match of all requests to the server."""

    def __call__(self, event):
        environ = event.request.environ
        if 'favicon' not in environ['PATH_INFO']:
            self.append(environ.get('HTTP_IF_NONE_MATCH'))


@pytest.fixture
def asked(site):
    asked = Asked()
    components = getGlobalSiteManager()
    components.registerHandler(asked, (PubAfterTraversal,))
    yield asked
    components.unregisterHandler(asked, (PubAfterTraversal,))


@pytest.fixture
def server(site):
    custom = site.portal_skins.custom
    add_template(custom, 'named', NAMED)
    add_template(custom, 'zipped', ZIPPED)
    crumbler = CookieCrumbler()
    site._setObject(crumbler.getId(), crumbler)
    set_policy(site, 'string:same')
    with browsers.zope_server() as url:
        yield f'{url}/site/doc'


class Tab:
    """A tab, and the answers that it gets from the network."""

    def __init__(self, context):
        self.context = context
        self.page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.statuses = []
        self.headers = {}
        session = context.new_cdp_session(self.page)
        session.send('Network.enable')
        session.on('Network.requestWillBeSent', self._sent)
        session.on('Network.responseReceivedExtraInfo', self._received)
        self._documents = set()

    def _sent(self, event):
        if event.get('type') == 'Document':
            self._documents.add(event['requestId'])

    def _received(self, event):
        if event['requestId'] not in self._documents:
            return  # the icon of the site
        # to scripts and to Playwright a browser shows its copy as a 200
        self.statuses.append(event['statusCode'])
        self.headers = {
            name.lower(): value for name, value in event['headers'].items()}

    def go(self, url):
        """Navigate as a link does; return the statuses on the network."""
        return self._after(lambda: self.page.goto(url))

    def reload(self):
        return self._after(self.page.reload)

    def back(self):
        return self._after(self.page.go_back)

    def _after(self, action):
        del self.statuses[:]
        action()
        # events come in order: this answer follows those of the network
        self.page.evaluate('1')
        return list(self.statuses)

    def text(self, name='text'):
        return self.page.inner_text(f'#{name}')


@pytest.fixture
def tab(browser, server):
    context = browser.new_context()
    yield Tab(context)
    context.close()


def log_in(tab, server, name):
    value = base64.b64encode(f'{name}:{name}'.encode()).decode()
    tab.context.add_cookies(
        [{'name': '__ac', 'value': value, 'url': server}])


def log_out(tab):
    tab.context.clear_cookies()


@pytest.mark.parametrize('path', ['page', 'fspage', ''])
def test_a_reload_asks_by_tag_and_shows_the_page_after_304(
        tab, server, asked, path):
    url = f'{server}/{path}'.rstrip('/')
    assert tab.go(url)[0] == 200
    tag = tab.headers['etag']
    text = tab.page.content()
    for act in (tab.reload, lambda: tab.go(url)):
        del asked[:]
        assert act() == [304]
        assert asked == [tag]
        assert tab.page.content() == text
        assert tab.text() == 'first text'
        assert 'content-type' not in tab.headers


def test_a_reload_after_an_edit_shows_the_new_page(
        tab, server, asked, site):
    set_policy(site, 'object/text')
    url = f'{server}/page'
    tab.go(url)
    tag = tab.headers['etag']
    for text in ('second text', 'third text'):
        site.doc.text = text
        transaction.commit()
        del asked[:]
        assert tab.reload() == [200]
        assert asked == [tag]
        assert tab.text() == text
        tag = tab.headers['etag']
        assert tab.go(url) == [304] and tab.text() == text
    site.portal_skins.custom.page.pt_edit(
        '<p id="text">edited</p>', 'text/html')
    transaction.commit()
    assert tab.go(url) == [200] and tab.text() == 'edited'


@pytest.mark.parametrize('options', [
    {'max_age_secs': 0, 'must_revalidate': 1},
    {'max_age_secs': 0, 'must_revalidate': 0, 'no_cache': 1}])
def test_nobody_sees_anothers_page_on_a_navigation(
        tab, server, site, options):
    set_policy(site, 'string:same', **options)
    url = f'{server}/named'
    tab.go(url)
    for name in ('alice', 'bob', None, 'bob', None):
        log_out(tab)
        if name:
            log_in(tab, server, name)
        # the browser holds another user's page: no 304 by its tag
        assert tab.go(url) == [200]
        assert tab.text('user') == (name or 'nobody')
        assert tab.go(url) == [304]
        assert tab.text('user') == (name or 'nobody')
        assert tab.reload() == [304]


def test_a_page_that_is_private_now_is_not_shown_again(tab, server, site):
    url = f'{server}/named'
    log_in(tab, server, 'alice')
    assert tab.go(url) == [200]
    site.doc.manage_permission('View', ['Manager'])
    transaction.commit()
    # a 401 without a body is no page to a browser
    with pytest.raises(Exception, match='ERR_INVALID_AUTH_CREDENTIALS'):
        tab.go(url)
    assert tab.page.locator('#text').count() == 0


def test_back_asks_again_where_the_policy_varies_by_cookie(
        tab, server, site):
    """History shows the browser's copy, unless Vary forbids it."""
    set_policy(site, 'string:same', vary='Cookie')
    log_in(tab, server, 'alice')
    assert tab.go(f'{server}/named') == [200]
    assert tab.go(f'{server}/page') == [200]
    log_out(tab)
    tab.back()
    assert tab.page.url.endswith('/named')
    assert tab.text('user') == 'nobody'


@pytest.mark.parametrize('options,control', [
    ({'must_revalidate': 1}, 'max-age=0, must-revalidate'),
    ({'max_age_secs': 0, 'no_cache': 1, 'must_revalidate': 0},
     'max-age=0, no-cache')])
def test_each_navigation_asks_where_the_policy_says_so(
        tab, server, site, asked, options, control):
    set_policy(site, 'string:same', **options)
    url = f'{server}/page'
    assert tab.go(url) == [200]
    assert tab.headers['cache-control'] == control
    tag = tab.headers['etag']
    del asked[:]
    for _ in range(3):
        assert tab.go(url) == [304]
    assert asked == [tag] * 3


def test_no_navigation_asks_while_the_page_is_fresh(
        tab, server, site, asked):
    set_policy(site, 'string:same', max_age_secs=600, must_revalidate=0)
    url = f'{server}/page'
    assert tab.go(url) == [200]
    del asked[:]
    assert tab.go(url) == []
    assert asked == []
    assert tab.text() == 'first text'
    assert tab.reload() == [304]


def test_a_page_in_gzip_is_asked_for_by_its_own_tag(
        tab, server, site, asked):
    set_policy(site, 'object/text')
    url = f'{server}/zipped'
    assert tab.go(url) == [200]
    assert tab.headers['content-encoding'] == 'gzip'
    tag = tab.headers['etag']
    assert tag.endswith(';gzip"')
    del asked[:]
    for act in (tab.reload, lambda: tab.go(url)):
        assert act() == [304]
        assert tab.headers['etag'] == tag
        assert tab.text() == 'first text'
    assert asked == [tag] * 2
    site.doc.text = 'second text'
    transaction.commit()
    assert tab.reload() == [200]
    assert tab.headers['etag'] != tag
    assert tab.text() == 'second text'
