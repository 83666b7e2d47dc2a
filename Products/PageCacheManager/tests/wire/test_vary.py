"""Vary names every request header that pages depend on (RFC 9110 12.5.5)."""
import time

import pytest
import transaction
from zope.component import getGlobalSiteManager
from zope.i18n.interfaces import ITranslationDomain
from zope.i18n.simpletranslationdomain import SimpleTranslationDomain

from ...core.http.conditional import format_date
from ...core.http.lists import names
from ...publisher import request as http_request
from ..lane_client import LaneClient
from ..lane_client import warm
from ..site import add_template
from ..site import set_policy
from ..view_cases import COUNTING
from ..view_cases import ETAG


TEMPLATE = '/site/doc/page'

pytestmark = pytest.mark.usefixtures('viewed')


def varies(answer):
    return set(names(answer.get('Vary', '')))


def all_answers(client, path, user=None, **headers):
    """Yield MISS, HIT, 304, HEAD, and the 304 of a page that is stored."""
    miss = client.get(path, user, **headers)
    yield miss
    yield client.get(path, user, **headers)
    yield client.head(path, user, **headers)
    tag = miss.get('ETag')
    if tag:
        held = client.get(path, user, If_None_Match=tag, **headers)
        assert held.status == 304
        yield held


@pytest.fixture(params=[COUNTING, TEMPLATE])
def path(request):
    return request.param


@pytest.mark.parametrize('etag', [ETAG, ''], ids=['etag', 'no etag'])
def test_key_headers(site, client, path, etag):
    set_policy(site, etag=etag)
    site.page_cache.manage_editProps('', {'key_headers': ['X-Tenant']})
    for answer in all_answers(client, path):
        assert varies(answer) == {'accept-encoding', 'x-tenant'}


@pytest.mark.parametrize('headers', [
    {}, {'Cookie': 'theme=dark'}, {'Cookie': 'other=x'}])
@pytest.mark.parametrize('etag', [ETAG, ''], ids=['etag', 'no etag'])
def test_key_cookies(site, client, path, etag, headers):
    set_policy(site, etag=etag)
    site.page_cache.manage_editProps('', {'key_cookies': ['theme']})
    for answer in all_answers(client, path, **headers):
        assert varies(answer) == {'accept-encoding', 'cookie'}


@pytest.mark.parametrize(('cookie', 'expected'), [
    ('_ZopeId=1', {'cookie'}), ('portal_skin=Basic', {'cookie'}),
    ('other=1', set())])
def test_cookies_by_which_a_request_has_its_own_page(
        client, path, cookie, expected):
    """Visitors without such cookies share their pages with everybody."""
    for answer in all_answers(client, path, Cookie=cookie):
        assert varies(answer) == {'accept-encoding', *expected}
    for answer in all_answers(client, path):
        assert varies(answer) == {'accept-encoding'}


@pytest.fixture
def domains():
    """Messages in two languages."""
    components = getGlobalSiteManager()
    for language in ('de', 'fr'):
        domain = SimpleTranslationDomain(
            language, {(language, 'hello'): language})
        components.registerUtility(domain, ITranslationDomain, language)
    yield
    for language in ('de', 'fr'):
        components.unregisterUtility(None, ITranslationDomain, language)


@pytest.mark.parametrize('headers', [{}, {'Accept_Language': 'de'}])
def test_languages(client, path, domains, headers):
    for answer in all_answers(client, path, **headers):
        assert varies(answer) == {'accept-encoding', 'accept-language'}


@pytest.mark.parametrize('path', [COUNTING, TEMPLATE])
def test_fast_lane_has_one_answer_for_all_who_have_no_such_cookie(
        site, path):
    """The cookies that it ignores do not part its answers."""
    set_policy(site, predicate='python: True', etag='string:same')
    site.page_cache.manage_editProps('', {'key_cookies': ['theme']})
    lane = LaneClient()
    slow, fast = warm(lane, path)
    assert varies(fast) == varies(slow) == {'accept-encoding', 'cookie'}
    for cookie in ('_ga=1', '_ga=2; _gid=3'):
        assert lane.is_fast(path, Cookie=cookie)
    assert not lane.is_fast(path, Cookie='theme=dark')


def test_policy_template_and_settings_are_named_together(site, client):
    add_template(site.portal_skins.custom, 'varying', '''<p tal:content="
        python: request.response.setHeader('Vary', 'X-A, cookie')">x</p>''')
    set_policy(site, etag=ETAG, vary='X-B')
    site.page_cache.manage_editProps(
        '', {'key_cookies': ['theme'], 'key_headers': ['x-a', 'X-C']})
    for answer in [
            client.get('/site/doc/varying') for _ in range(2)]:
        assert answer['Vary'] == 'X-A, cookie, X-B, X-C, Accept-Encoding'


def test_any_of_the_template_stays_any(site, client):
    add_template(site.portal_skins.custom, 'varying', '''<p tal:content="
        python: request.response.setHeader('Vary', '*')">x</p>''')
    site.page_cache.manage_editProps('', {'key_cookies': ['theme']})
    assert client.get('/site/doc/varying')['Vary'] == '*'


# a member's page that has no tag

@pytest.fixture
def dated(site, monkeypatch):
    """A policy with a date and without a tag, and a time for it."""
    set_policy(site, etag='', max_age_secs=60, public=1)
    now = time.time()
    monkeypatch.setattr(time, 'time', lambda: now + 100)


def test_member_without_a_tag(client, path, dated):
    for answer in all_answers(client, path, 'alice'):
        assert answer.all('ETag') == answer.all('Last-Modified') == []
        assert varies(answer) == {'accept-encoding', 'authorization'}
    for answer in all_answers(client, path):
        assert answer['Last-Modified']
        assert varies(answer) == {'accept-encoding'}


def test_date_that_the_page_sets_goes_as_well(site, client, dated):
    add_template(site.portal_skins.custom, 'dating', '''<p tal:content="
        python: request.response.setHeader(
            'Last-Modified', 'Wed, 01 Jan 2020 12:00:00 GMT')">x</p>''')
    assert client.get('/site/doc/dating', 'alice').all('Last-Modified') == []
    assert client.get('/site/doc/dating')['Last-Modified']


@pytest.mark.parametrize('user', ['alice', None])
def test_no_304_for_the_page_from_before_the_logout(
        site, client, dated, user):
    """The browser asks again with the date that it got before the logout."""
    headers = {} if user else {'Cookie': '_ZopeId=1'}
    page = client.get(TEMPLATE, user, **headers)
    # as RFC 9111 4.3.1 has it, no date is sent that was not received
    dates = page.all('Last-Modified')
    answer = client.get(
        TEMPLATE, **({'If_Modified_Since': dates[0]} if dates else {}))
    assert answer.status == 200 and 'alice' not in answer.text


def test_member_by_cookie_without_a_tag(client, dated, monkeypatch):
    monkeypatch.setattr(http_request, 'is_authorized', lambda request: False)
    answer = client.get(TEMPLATE, 'alice')
    assert varies(answer) == {'accept-encoding', 'cookie'}


def test_member_with_a_tag_keeps_the_date(site, client, path):
    set_policy(site, etag=ETAG)
    for answer in all_answers(client, path, 'alice'):
        assert 'authorization' not in varies(answer)
    assert client.get(path, 'alice')['Last-Modified']


@pytest.mark.parametrize('code', [
    'transaction.doom', 'view.request.response.addHeader'])
def test_member_whose_tag_is_taken_away(site, client, item, code):
    def act(self, request):
        if 'doom' in code:
            transaction.doom()
        else:
            request.response.addHeader('X-A', 'b')
        return 'text'

    item('act', act)
    set_policy(site, etag=ETAG, max_age_secs=60, public=1)
    answer = client.get('/site/doc/v-acting', 'alice')
    assert answer.all('ETag') == answer.all('Last-Modified') == []
    assert 'authorization' in varies(answer)
    assert 'authorization' not in varies(client.get('/site/doc/v-acting'))


def test_date_in_the_future_of_the_page(client, dated):
    """A date still counts for anonymous visitors."""
    date = client.get(TEMPLATE)['Last-Modified']
    assert client.get(TEMPLATE, If_Modified_Since=date).status == 304
    assert client.get(
        TEMPLATE, If_Modified_Since=format_date(0)).status == 200
