"""The Explain tab renders a page, and shows the result."""
import threading

import pytest
import transaction

from ...core.attempt import log_limit
from ...manager import caches
from ...publisher import own_request
from ...request import trial
from ...zmi.explain import rendered
from ..client import Client
from ..screens import labels_are_missing
from ..screens import own
from ..screens import text_of
from ..site import Item
from ..site import add_template
from ..site import set_policy


pytestmark = pytest.mark.usefixtures('errors_are_responses')

TAB = '/site/page_cache/manage_renderNow'
PAGE = '/site/doc/page'


@pytest.fixture(autouse=True)
def _site(site):
    """A site; alice may look at the manager's screens."""
    site.manage_role('Member', ['View management screens'])
    set_policy(site, etag='python: "%s %s" % (member, view)')
    log_limit.forget()
    yield
    assert trial.worker.wait(30)


@pytest.fixture
def page(site, item):
    """Return a function that adds a page, which calls a function."""
    def add(function, template='<p tal:content="context/called">x</p>'):
        item('called', function)
        add_template(site.portal_skins.custom, 'calling', template)
        return '/site/doc/calling'
    return add


def answer(client, path, visitor='me', user='root', **headers):
    return client.post(TAB, {'path': path, 'visitor': visitor}, user,
                       **headers)


def told(client, path, visitor='me', user='root', **headers):
    """Return the rows about the render on the screen, by label."""
    html = own(answer(client, path, visitor, user, **headers))
    assert html.problems == [] and labels_are_missing(html) == []
    text = text_of(html)
    section = text[text.index('Rendered now'):text.index('Page URL ')]
    rows, label = {}, ''
    for one in html.texts:
        if one.strip():
            if one not in rows:
                rows.setdefault(label, one)
            label = one
    return {
        name: rows[name] for name in (
            'Status', 'Time', 'Would be stored', 'Size', 'ETag header')
        if f'{name} ' in section}


def traces(site):
    """Return the counters that a request of a visitor changes."""
    transaction.begin()
    cache = caches.cache_of(site.page_cache)
    return (
        cache.pages.counts(), dict(cache.tally.counts()),
        len(cache.journal.of_reason('')))


def test_a_page_that_would_be_stored(client):
    found = told(client, PAGE, 'anonymous')
    assert found['Status'] == '200' and found['Would be stored'] == 'yes'
    assert found['Time'].endswith('s')
    visited = client.get(PAGE)
    assert visited.outcome == 'MISS'


def test_size_and_tag_are_those_of_a_visitor(client, site):
    add_template(
        site.portal_skins.custom, 'plain', '<p tal:content="here/text">x</p>')
    found = told(client, '/site/doc/plain', 'anonymous')
    visited = client.get('/site/doc/plain')
    assert found['ETag header'] == visited['ETag']
    assert found['Size'] == f'{len(visited.body)}\u00a0B'


@pytest.mark.parametrize(('path', 'kept'), [
    ('/site/doc/v-counting', 'yes'), ('/site/folder/v-listing', 'yes'),
    ('/site/doc/page?a=1&utm_source=b', 'yes'), ('/site/doc', 'yes'),
    ('/site/d%C3%B6c/page', 'yes')])
def test_pages_of_any_kind(client, site, path, kept):
    site.page_cache.manage_editViews([('v-counting',), ('v-listing',)])
    site._setObject('d\xf6c', Item('d\xf6c'))
    assert told(client, path, 'anonymous')['Would be stored'] == kept
    assert client.get(path).outcome == 'MISS'


def test_it_leaves_no_trace(client, site):
    before = traces(site)
    for path in (PAGE, '/site/doc/v-counting', '/site/doc/no-such-page'):
        answer(client, path, 'anonymous')
    assert traces(site) == before


def test_a_failure_of_the_cache_is_not_counted(client, site, monkeypatch):
    before = traces(site)
    monkeypatch.setattr(
        'Products.PageCacheManager.request.page_headers.of_render',
        lambda *args: 1 / 0)
    found = told(client, PAGE, 'anonymous')
    assert found['Would be stored'].startswith('no: error')
    assert traces(site) == before


def test_a_stored_page_is_rendered_all_the_same(client, site, page):
    calls = []
    path = page(lambda self: calls.append(1) or 'text')
    client.get(path)
    assert client.get(path).outcome == 'HIT' and len(calls) == 1
    before = traces(site)
    assert told(client, path, 'anonymous')['Would be stored'] == 'yes'
    assert len(calls) == 2 and traces(site) == before


@pytest.mark.parametrize(('function', 'reason'), [
    (lambda self: self.REQUEST.RESPONSE.setCookie('a', 'b') or '',
     'set-cookie'),
    (lambda self: self.REQUEST.RESPONSE.setHeader(
        'Cache-Control', 'no-store') or '', 'no-store'),
    (lambda self: self.REQUEST.RESPONSE.setStatus(404) or '', 'status'),
    (lambda self: self.REQUEST.cookies.get('seen') or '', 'cookie seen'),
    (lambda self: transaction.doom() or '', 'doomed')])
def test_why_it_would_not_be_stored(client, site, page, function, reason):
    path = page(function)
    found = told(client, path, Cookie='seen=1')
    assert found['Would be stored'].startswith(f'no: {reason}'), found
    visited = client.get(path, 'root', Cookie='seen=1')
    assert visited.outcome == 'BYPASS'
    assert f'detail="{reason}"' in visited['Cache-Status'] or (
        f'detail={reason}' in visited['Cache-Status'])


def test_a_refusal_is_not_remembered(client, site, page):
    does = {'set': True}
    path = page(lambda self: does['set'] and (
        self.REQUEST.RESPONSE.setCookie('a', 'b')) or '')
    for _ in range(3):  # a page refused twice in a row is not tried again
        assert 'set-cookie' in told(client, path, 'anonymous')[
            'Would be stored']
    asked = f'/site/page_cache/manage_explain?path={path}&visitor=anonymous'
    assert 'rendered the page recently' not in client.get(asked, 'root').text
    does['set'] = False
    assert client.get(path).outcome == 'MISS'


def test_what_was_refused_earlier_is_asked_anew(client, site, page):
    does = {'set': True}
    path = page(lambda self: does['set'] and (
        self.REQUEST.RESPONSE.setCookie('a', 'b')) or '')
    for _ in range(3):
        assert client.get(path).outcome == 'BYPASS'
    does['set'] = False
    assert client.get(path).outcome == 'BYPASS'
    assert told(client, path, 'anonymous')['Would be stored'] == 'yes'


def test_requests_that_rule_it_out(client, site):
    found = told(client, PAGE, Cookie='statusmessages=x')
    assert found['Would be stored'].startswith('no: request-cookie')
    site.page_cache.disable()
    assert told(client, PAGE)['Would be stored'].startswith('no: off')
    site.page_cache.enable()
    set_policy(site, etag='')
    assert told(client, PAGE)['Would be stored'].startswith('no: no-etag')


def test_a_page_that_no_manager_keeps(client, site):
    add_template(site.portal_skins.custom, 'free', '<p>x</p>',
                 associate=False)
    found = told(client, '/site/doc/free')
    assert found['Status'] == '200'
    assert 'no cache manager' in found['Would be stored']
    assert 'Size' not in found


def test_each_visitor_gets_an_own_page(client, site, page):
    users = []

    def note(self):
        from AccessControl import getSecurityManager
        users.append(getSecurityManager().getUser().getUserName())
        return ''
    path = page(note)
    told(client, path)
    told(client, path, 'anonymous', Cookie='x=1')
    assert users == ['root', 'Anonymous User']


def test_a_page_that_fails(client, site, page):
    def fail(self):
        raise RuntimeError('provoked')
    text = text_of(own(answer(client, page(fail))))
    assert 'Status 500' in text or 'Rendering failed' in text
    assert 'Would be stored yes' not in text
    assert 'provoked' not in text


def test_a_page_that_shows_a_failure(client, site, page):
    path = page(lambda self: 1 / 0, (
        '<p tal:content="context/called" tal:on-error="string:oops">x</p>'))
    cache = caches.cache_of(site.page_cache)
    kept = told(client, path, 'anonymous')['Would be stored']
    assert 'render-error' in kept and not cache.failures
    client.get(path)
    line, = cache.failures.values()
    assert 'ZeroDivisionError' in line


def test_nothing_is_committed(client, site, page):
    def write(self):
        self.written = 'yes'
        try:
            transaction.commit()
        except own_request.Refused:
            transaction.abort()
        self.written = 'yes'
        return ''
    answer(client, page(write))
    transaction.begin()
    assert not hasattr(site.doc, 'written')


def test_the_wait_is_bounded(client, site, page, monkeypatch):
    go = threading.Event()
    monkeypatch.setattr(rendered, 'MAX_WAIT_SECS', 0.2)
    calls = []
    path = page(lambda self: calls.append(1) or str(go.wait(30)))
    try:
        for _ in range(5):  # later requests wait, or are refused
            text = text_of(own(answer(client, path)))
            assert 'The page did not come' in text
            assert 'Would be stored' not in text
    finally:
        go.set()
    assert trial.worker.wait(30)
    assert len(calls) == 1  # no request waits for the others any more
    monkeypatch.undo()
    assert told(client, PAGE)['Status'] == '200'


def test_a_session_of_a_filter_is_not_used_in_another_thread(client, page):
    class Filtered(Client):
        def environ(self, *args):
            return {**super().environ(*args), 'beaker.session': object()}
    calls = []
    path = page(lambda self: calls.append(1) or '')
    text = text_of(own(answer(Filtered(), path)))
    assert 'a session that a WSGI filter keeps' in text and calls == []


def test_only_who_may_change_the_manager_may_render(client):
    for user, status in ((None, 401), ('alice', 401), ('root', 200)):
        assert answer(client, PAGE, user=user).status == status
    assert client.get(f'{TAB}?path={PAGE}', 'root').status in (403, 404, 405)
    looks = own(client.get(
        f'/site/page_cache/manage_explain?path={PAGE}', 'alice'))
    assert not looks.all('input', value='Render it now')


def test_what_can_not_be_explained_is_not_rendered(client):
    for path in ('', '/site/no/page', 'http://elsewhere.example/'):
        html = own(answer(client, path))
        assert html.all('div', id='path-error')
        assert 'Rendered now' not in text_of(html)
