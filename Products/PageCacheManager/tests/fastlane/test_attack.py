"""Attempts to get an answer from the fast lane that Zope would not give."""
import gc
import weakref

import pytest
import transaction
from zope.i18n.interfaces import ITranslationDomain
from zope.i18n.simpletranslationdomain import SimpleTranslationDomain
from ZPublisher import pubevents

from ...cmf.policy import Answer
from ...fastlane import permit as fastlane_permits
from ...manager.caches import cache_of
from ..client import Client
from ..lane_client import PATH
from ..lane_client import LaneClient
from ..lane_client import warm
from ..lane_client import wrap
from ..site import add_template
from ..site import set_policy


@pytest.fixture
def lane(site):
    return LaneClient()


@pytest.fixture
def two_languages(site):
    components = site.getSiteManager()
    domain = SimpleTranslationDomain('zoo', {
        ('de', 'hello'): 'Hallo', ('en', 'hello'): 'Hello'})
    components.registerUtility(domain, ITranslationDomain, 'zoo')
    add_template(
        site.portal_skins.custom, 'greeting',
        '<p i18n:domain="zoo" i18n:translate="">hello</p>')
    yield '/site/doc/greeting'
    components.unregisterUtility(domain, ITranslationDomain, 'zoo')


# languages

@pytest.mark.parametrize('first', [{}, {'Accept_Language': 'fr'}])
def test_language_counts_after_a_visitor_without_one(
        lane, two_languages, first):
    for _ in range(3):
        lane.get(two_languages, **first)
    answer = lane.get(two_languages, Accept_Language='de')
    assert 'Hallo' in answer.text


# signs of identity

@pytest.mark.parametrize('name', [
    'HTTP_CGI_AUTHORIZATION', 'REDIRECT_HTTP_AUTHORIZATION',
    'REDIRECT_REDIRECT_HTTP_AUTHORIZATION', 'REDIRECT_HTTP_CGI_AUTHORIZATION',
])
def test_login_under_another_name_is_a_login(lane, name):
    """Zope gives a login its usual name, if Apache renamed it."""
    warm(lane)
    login = lane.environ('GET', PATH, b'', 'alice', {})['HTTP_AUTHORIZATION']
    assert 'alice' in lane.get(PATH, environ={name: login}).text


@pytest.mark.parametrize('name', [
    'REDIRECT_REMOTE_USER', 'REDIRECT_HTTP_COOKIE'])
def test_sign_of_identity_with_a_prefix_goes_the_whole_way(lane, name):
    warm(lane)
    assert not lane.is_fast(environ={name: '__ac=x'})


@pytest.mark.parametrize('cookie', [
    '_ga="1",__ac=x', '_ga="1", __ac=x', '_ga="1" __ac=x', '_ga="1"__ac=x',
    '_ga_x, __ac=x', '_ga_x,__ac="x"', '_ga=1;_ga_x , __ac=x',
    '$Version="1", _ga="1"; __ac="x"', '_ga="a;b";__ac=x', '__ac',
    '_ga=1; ; __ac=x', '_ga=1;\t__ac=x', '_ga =1; __ac=x', '__ac=;_ga=1',
])
def test_cookie_that_zope_reads_is_not_overlooked(lane, cookie):
    warm(lane)
    assert not lane.is_fast(Cookie=cookie)


def test_cookie_of_the_managers_key_is_never_ignored(site):
    """A pattern of the lane may fit a cookie that the manager counts."""
    site.page_cache.manage_editProps('', {'key_cookies': ('_ga_kind',)})
    set_policy(site)
    lane = LaneClient()
    warm(lane)
    assert not lane.is_fast(Cookie='_ga_kind=x')


# the address

@pytest.mark.parametrize('other', [
    {'SERVER_URL': 'http://other.example'},
    {'REQUEST_SCHEME': 'https'},
    {'REDIRECT_HTTPS': 'on'},
    {'REDIRECT_SERVER_URL': 'http://other.example'},
])
def test_page_shows_the_address_that_zope_works_out(lane, site, other):
    add_template(
        site.portal_skins.custom, 'where',
        '<p tal:content="context/absolute_url">x</p>')
    path = '/site/doc/where'
    warm(lane, path)
    answer = lane.get(path, environ=other)
    start = 'https://' if 'http://other' not in str(other) else 'http://other'
    assert f'<p>{start}' in answer.text


# policies that look at the request

@pytest.mark.parametrize('option', [
    {'etag': "python: 'x' + request.get('HTTP_X_KIND', '')"},
    {'etag': "python: 'x' + object.REQUEST.get('HTTP_X_KIND', '')"},
    {'etag': 'string:x${request/HTTP_X_KIND|nothing}'},
    {'predicate': "python: not request.get('HTTP_X_KIND')"},
    {'predicate': "python: request.getClientAddr() != '10.0.0.1'"},
])
def test_policy_that_reads_the_request_is_asked(lane, site, option):
    """No visitor gets another's page, if a policy distinguishes them."""
    set_policy(site, **option)
    for _ in range(3):
        page = lane.get(PATH)
    assert page.outcome == 'HIT'
    assert not lane.is_fast(
        X_Kind='b', environ={'REMOTE_ADDR': '10.0.0.1'})


def test_policy_that_reads_no_request_is_not_asked(lane, site):
    set_policy(site, etag='string:x')
    warm(lane)


# changes of a response by other code

@pytest.mark.parametrize('event', [
    pubevents.PubBeforeCommit, pubevents.PubSuccess])
@pytest.mark.parametrize(('name', 'value'), [
    ('Set-Cookie', 'sid=of-the-first'), ('X-Request-Id', 'of-the-first'),
    ('Cache-Control', 'private'), ('Content-Type', 'text/plain'),
])
@pytest.mark.parametrize('how', ['setHeader', 'addHeader'])
def test_header_set_after_the_engine_keeps_a_page_out(
        lane, subscribe, event, name, value, how):
    def handler(event):
        getattr(event.request.response, how)(name, value)
    subscribe(handler, event)
    for _ in range(3):
        lane.get(PATH)
    assert not lane.is_fast()


def test_vary_added_after_the_engine_counts(lane, subscribe):
    def handler(event):
        event.request.response.setHeader('Vary', 'Accept-Encoding, Origin')
    subscribe(handler, pubevents.PubSuccess)
    for _ in range(3):
        lane.get(PATH)
    assert not lane.is_fast(Origin='http://b.example')


def test_header_of_a_304_keeps_an_entry_from_being_renewed(lane, subscribe):
    slow, fast = warm(lane)
    lane.clock.now += 5

    def handler(event):
        event.request.response.setHeader('X-Notice', 'down at noon')
    subscribe(handler, pubevents.PubBeforeCommit)
    assert lane.get(PATH, If_None_Match=fast['ETag']).status == 304
    assert lane.get(PATH)['X-Notice'] == 'down at noon'


# 304

def test_a_304_of_zope_renews_expires(lane, site, monkeypatch):
    """Or clients that ask with a tag would keep an old date for ever."""
    set_policy(site, etag='string:x', max_age_secs=60)
    slow, fast = warm(lane)
    at = Answer.headers_at
    monkeypatch.setattr(  # a day later
        Answer, 'headers_at', lambda self, now: at(self, now + 86400))
    lane.clock.now += 5
    tag = {'If_None_Match': fast['ETag']}
    expected = Client().get(PATH)['Expires']
    assert expected != fast['Expires']
    assert lane.get(PATH, **tag).status == 304
    before = lane.asked
    answer = lane.get(PATH)
    assert lane.asked == before  # it was renewed
    assert answer['Expires'][:16] == expected[:16]
    assert lane.get(PATH, **tag)['Expires'][:16] == expected[:16]


# errors and bounds

def test_database_that_fails_is_left_to_zope(lane):
    slow, fast = warm(lane)

    class Broken:
        @property
        def storage(self):
            raise RuntimeError('closed')
    lane.lane._databases = {'main': Broken()}
    answer = lane.get(PATH)
    assert (answer.status, answer.body) == (200, fast.body)


def test_nothing_is_held_for_a_manager_that_is_gone(lane, site):
    warm(lane)
    held = weakref.ref(cache_of(site.page_cache))
    site._delObject('page_cache')
    transaction.commit()
    lane.get(PATH)
    gc.collect()
    assert held() is None


def test_very_long_requests_are_not_remembered(lane):
    query = '?x=' + 'x' * 20_000
    for _ in range(4):
        lane.get(PATH + query)
    kept = repr([*lane.lane._entries, *lane.lane._rules])
    assert len(kept) < 10_000
    for _ in range(4):
        lane.get(PATH, Accept_Encoding='x' * 20_000)
    kept = repr([*lane.lane._entries, *lane.lane._rules])
    assert len(kept) < 10_000


def test_error_in_the_permit_is_none_of_the_visitor(
        lane, monkeypatch, caplog):
    """The transaction is committed: an error now would lose its result."""
    lane.get(PATH)
    with monkeypatch.context() as patch:
        patch.setattr(fastlane_permits, '_varies', lambda *given: 1 / 0)
        answer = lane.get(PATH)
        assert (answer.status, answer.outcome) == (200, 'HIT')
    assert 'ZeroDivisionError' in caplog.text
    warm(lane)


# attacks that failed

@pytest.mark.parametrize('asked', [
    {'Range': 'bytes=0-1'}, {'If_Match': '"other"'}, {'If_Range': '"x"'},
    {'If_Unmodified_Since': 'Sat, 01 Jan 2000 00:00:00 GMT'},
    {'Expect': '100-continue'}, {'Pragma': 'no-cache'},
    {'Cache_Control': 'no-cache'}, {'X_Forwarded_For': '10.0.0.1'},
    {'X_HTTP_Method_Override': 'DELETE'},
    {'If_None_Match': ''}, {'If_None_Match': ',,'}, {'Cookie': ''},
    {'Authorization': ''}, {'Content_Length': '3'},
])
def test_other_headers_get_what_zope_gives(lane, asked):
    warm(lane)
    expected, answer = Client().get(PATH, **asked), lane.get(PATH, **asked)
    assert (answer.status, answer.body) == (expected.status, expected.body)
    assert answer.stable_headers() == expected.stable_headers()


def test_a_commit_after_the_moment_and_before_zope_leaves_nothing(
        lane, site):
    warm(lane)
    lane.clock.now += 5
    zope = lane.lane._app

    def late(environ, start_response):
        site.doc.text = 'new text'
        transaction.commit()
        return zope(environ, start_response)
    lane.lane._app = late
    lane.get(PATH)
    lane.lane._app = zope
    before = lane.asked
    lane.get(PATH)
    assert lane.asked == before + 1


def test_a_request_that_writes_leaves_nothing(lane, site, subscribe):
    def handler(event):
        site = event.request['PARENTS'][-1]['site']
        site.folder.visits = getattr(site.folder, 'visits', 0) + 1
    subscribe(handler, pubevents.PubAfterTraversal)
    for _ in range(4):
        lane.get(PATH)
    assert not lane.is_fast()


def test_gzip_and_plain_are_two_entries(lane):
    for coding in ('gzip', 'identity', 'gzip;q=0', '*', 'gzip'):
        for _ in range(3):
            lane.get(PATH, Accept_Encoding=coding)
        expected = Client().get(PATH, Accept_Encoding=coding)
        answer = lane.get(PATH, Accept_Encoding=coding)
        assert answer.stable_headers() == expected.stable_headers()
        assert answer.body == expected.body


# databases

@pytest.mark.parametrize('name', ['base', 'changes'])
def test_database_over_another_is_as_open_as_that(lane, name):
    """A demo storage hides whether the storage below it is connected."""
    warm(lane)
    below = type('Below', (), {'is_connected': lambda self: False})()
    wrap(lane, **{name: below})
    assert not lane.is_fast()


def test_database_is_asked_where_zope_asks_the_server(lane, site):
    """With server-sync a commit of another client shows at once in Zope."""
    warm(lane)

    class Database:
        """Learns of the commit of another client when it asks."""

        def __init__(self, database):
            self.database = database
            self.storage = self

        def sync(self):
            site.doc.text = 'new text'
            transaction.commit()

        def lastTransaction(self):
            return self.database.lastTransaction()
    lane.lane._databases = {
        name: Database(database)
        for name, database in lane.lane._databases.items()}
    assert 'new text' in lane.get(PATH).text


def test_visitor_known_by_address_is_not_overlooked(lane, app):
    """User folders may know visitors by their address alone."""
    app.acl_users.userFolderAddUser('inside', '', ['Member'], ['10.0.0.1'])
    app.acl_users.setDomainAuthenticationMode(1)
    inside = {'REMOTE_ADDR': '10.0.0.1'}
    expected = LaneClient().get(PATH, environ=inside)
    assert '<p id="user">inside' in expected.text
    for _ in range(3):
        lane.get(PATH)
    assert '<p id="user">inside' in lane.get(PATH, environ=inside).text
