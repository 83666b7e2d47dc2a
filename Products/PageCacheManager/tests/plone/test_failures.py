"""Failures that Plone catches and shows while a page is rendered."""
import sys
import time

import pytest
import transaction
from plone.app.layout.viewlets.common import LogoViewlet
from plone.app.portlets.portlets import news
from plone.app.theming.transform import ThemeTransform
from plone.portlets.interfaces import IPortletAssignmentMapping
from plone.portlets.interfaces import IPortletManager
from plone.subrequest import subrequest
from zope.component import getMultiAdapter
from zope.component import getUtility

from ...manager import caches
from .conftest import act_in
from .test_fastlane import PloneLaneClient
from .test_fastlane import warm


PATHS = ['/a-document', '/a-folder', '/a-news-item']

PAGE = '/a-document?x=1'


class Failing:
    """Holds a replacement of a method; it fails while `error` is set."""

    def __init__(self, render):
        self.error = None
        self._render = render

    def method(self):
        def render(*args, **keywords):
            if self.error is not None:
                raise self.error
            return self._render(*args, **keywords)
        return render


@pytest.fixture
def failing(monkeypatch):
    """Let a test make a method of a class fail."""
    def put(kind, name='render'):
        failing = Failing(getattr(kind, name))
        monkeypatch.setattr(kind, name, failing.method())
        return failing
    return put


@pytest.fixture
def logo(failing):
    return failing(LogoViewlet)


@pytest.fixture
def later(addon, monkeypatch):
    """Let time pass."""
    real, passed = time.time, [0]
    monkeypatch.setattr(time, 'time', lambda: real() + passed[0])
    cache = caches.cache_of(addon.page_cache)
    monkeypatch.setattr(cache.pages, '_clock', lambda: time.time())

    def wait(secs):
        passed[0] += secs
        cache.flights.forget()
    return wait


def show_a_failure(client, source, path, text, user=None):
    """Check that a page with a failure is kept for 10 s, without a tag."""
    source.error = OSError('the server is away')
    miss = client.get(path, user)
    source.error = None
    assert miss.status == 200 and text in miss.text
    assert miss['Cache-Status'] == (
        'PageCacheManager;fwd=uri-miss;stored;ttl=10;detail=render-error')
    hit = client.get(path, user)
    assert hit.outcome == 'HIT' and hit.body == miss.body
    assert hit['Cache-Status'].endswith('detail=render-error')
    for answer in (miss, hit):
        assert answer.all('ETag') == answer.all('Last-Modified') == []
        assert answer['Cache-Control'] == 'private, no-store'


@pytest.mark.parametrize('path', PATHS)
@pytest.mark.parametrize('user', [None, 'alice'])
def test_viewlet_that_fails_once(client, later, logo, path, user):
    path = f'{path}?x=1'
    show_a_failure(
        client, logo, path, 'error while rendering plone.logo', user)
    later(11)
    good = client.get(path, user)
    assert (good.outcome, 'error while' in good.text) == ('MISS', False)
    later(11)
    hit = client.get(path, user)
    assert hit.outcome == 'HIT' and hit['ETag'] == good['ETag']
    assert client.get(path, user, If_None_Match=good['ETag']).status == 304


def test_portlet_that_fails_once(addon, client, later, failing):
    manager = getUtility(IPortletManager, 'plone.leftcolumn', addon)
    mapping = getMultiAdapter((addon, manager), IPortletAssignmentMapping)
    mapping['news'] = news.Assignment()
    transaction.commit()
    client.get('/a-document')  # the portlet's first render writes
    portlet = failing(news.Renderer)
    show_a_failure(
        client, portlet, PAGE, 'There was an error while rendering')
    later(11)
    good = client.get(PAGE)
    assert (good.outcome, 'There was an error' in good.text) == (
        'MISS', False)
    assert good['ETag']


def test_theme_that_fails_once(client, later, failing):
    theme = failing(ThemeTransform, 'transformIterable')
    show_a_failure(client, theme, PAGE, 'Harbour')
    later(11)
    assert client.get(PAGE)['ETag']


def test_viewlet_that_catches_the_failure_of_a_subrequest(
        client, later, monkeypatch):
    def render(self):
        return subrequest('/plone/nowhere').getBody().decode()

    monkeypatch.setattr(LogoViewlet, 'render', render)
    answer = client.get(PAGE)
    assert answer.status == 200 and answer.all('ETag') == []
    assert answer['Cache-Status'].endswith('ttl=10;detail=render-error')


def test_failure_that_goes_to_the_error_log_of_the_site_alone(
        addon, client, monkeypatch):
    def render(self):
        try:
            raise OSError('away')
        except OSError:
            self.context.error_log.raising(sys.exc_info())
        return 'No logo'

    addon.error_log.copy_to_zlog = False
    transaction.commit()
    client.get(PAGE)
    act_in(addon)
    monkeypatch.setattr(LogoViewlet, 'render', render)
    answer = client.get('/a-document?x=2')
    assert 'No logo' in answer.text and answer.all('ETag') == []
    assert answer['Cache-Status'].endswith('ttl=10;detail=render-error')


def test_fast_lane_does_not_give_it(addon, logo):
    lane = PloneLaneClient()
    logo.error = OSError('away')
    for _ in range(4):
        answer = lane.get('/a-document')
        assert 'detail=render-error' in answer['Cache-Status']
    logo.error = None
    caches.forget_all()
    warm(lane, '/a-document')


def test_it_is_named(addon, client, logo):
    logo.error = OSError('the server is away')
    client.get('/a-document')
    text = client.get(
        '/page_cache/manage_explain?visitor=anonymous'
        '&path=/plone/a-document', 'root').text
    assert 'render-error' in text and 'OSError: the server is away' in text
