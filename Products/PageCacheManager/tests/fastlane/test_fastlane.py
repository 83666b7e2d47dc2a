"""The fast lane: the requests it answers, and those it leaves to Zope."""
import re

import pytest
import transaction
from Products.SiteAccess.VirtualHostMonster import manage_addVirtualHostMonster
from ZODB.POSException import StorageError
from ZPublisher.WSGIPublisher import publish_module

from Products.PageCacheManager.core.reads.unknown import Unknown
from Products.PageCacheManager.core.reads.unknown import Why
from Products.PageCacheManager.fastlane import permit
from Products.PageCacheManager.fastlane.filter import filter_app
from Products.PageCacheManager.reads import freshness
from Products.PageCacheManager.reads.recording import Recording

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


@pytest.mark.parametrize('path', [
    '/site/doc/page', '/site/doc/fspage', '/site/doc'])
def test_hit_is_that_of_zope(lane, path):
    slow, fast = warm(lane, path)
    assert fast.status == 200 and fast.body == slow.body
    assert fast.stable_headers() == slow.stable_headers()
    assert len(fast.all('Date')) == len(slow.all('Date'))
    assert 'detail=fast' in fast['Cache-Status']
    assert fast['Cache-Status'].startswith('PageCacheManager;hit;ttl=')


def test_hits_are_counted(lane, site):
    from Products.PageCacheManager.manager.caches import cache_of
    warm(lane)
    cache = cache_of(site.page_cache)
    before = cache.tally.counts()['HIT', 'fast']
    row, = site.page_cache.getCacheReport()
    lane.get(PATH)
    assert cache.tally.counts()['HIT', 'fast'] == before + 1
    after, = site.page_cache.getCacheReport()
    assert after['hits'] == row['hits'] + 1


def test_head_has_the_headers_of_get(lane):
    slow, fast = warm(lane)
    before = lane.asked
    head = lane.head(PATH)
    assert lane.asked == before and head.body == b''
    assert head.stable_headers() == fast.stable_headers()


@pytest.mark.parametrize('form', ['{}', 'W/{}', '"x", {}', '*'])
def test_held_page_is_304(lane, form):
    slow, fast = warm(lane)
    before = lane.asked
    answer = lane.get(PATH, If_None_Match=form.format(fast['ETag']))
    assert lane.asked == before
    assert (answer.status, answer.body) == (304, b'')
    assert answer['ETag'] == fast['ETag']
    for name in ('Content-Type', 'Content-Length', 'Last-Modified'):
        assert not answer.all(name)
    full = LaneClient().get(PATH, If_None_Match=fast['ETag'])
    assert len(answer.all('Expires')) == len(full.all('Expires'))
    free = {'date', 'expires', 'cache-status'}  # of another second, perhaps
    assert sorted(
        line for line in answer.lines if line[0].lower() not in free
    ) == sorted(line for line in full.lines if line[0].lower() not in free)


def test_another_tag_is_left_to_zope(lane):
    warm(lane)
    assert not lane.is_fast(If_None_Match='"another"')
    assert not lane.is_fast(If_Modified_Since='Sat, 01 Jan 2022 00:00:00 GMT')


def test_no_304_where_the_policy_has_none(lane, site):
    set_policy(site, enable_304s=0)
    slow, fast = warm(lane)
    answer = lane.get(PATH, If_None_Match=fast['ETag'])
    assert answer.status == 200


def test_page_is_asked_for_again_in_time(lane):
    warm(lane)
    lane.clock.now += 0.9
    assert lane.is_fast()
    lane.clock.now += 0.2
    assert not lane.is_fast()
    assert lane.is_fast()


def test_304_of_zope_renews_the_entry(lane):
    slow, fast = warm(lane)
    lane.clock.now += 5
    before = lane.asked
    assert lane.get(PATH, If_None_Match=fast['ETag']).status == 304
    assert lane.asked == before + 1
    assert lane.is_fast()


# changes

def without_count(text):
    """Return a page without the number of its render."""
    return re.sub('id="render">[0-9]*', '', text)


CHANGES = {
    'edit': lambda site: setattr(site.doc, 'text', 'new text'),
    'template': lambda site: site.portal_skins.custom.page.write('new'),
    'permission': lambda site: site.doc.manage_permission('View', []),
    'purge': lambda site: site.page_cache.manage_purge(),
    'invalidate': lambda site: site.page_cache.manage_invalidate(
        ['/site/doc']),
    'settings': lambda site: site.page_cache.manage_editProps(
        '', {'partition': 'roles'}),
    'off': lambda site: site.page_cache.disable(),
    'policy': lambda site: set_policy(site, max_age_secs=5),
    'deletion': lambda site: site._delObject('page_cache'),
}


@pytest.mark.parametrize('change', CHANGES)
def test_the_next_request_after_a_commit_asks_zope(lane, site, change):
    warm(lane)
    CHANGES[change](site)
    transaction.commit()
    expected = Client().get(PATH)
    before = lane.asked
    answer = lane.get(PATH)
    assert lane.asked == before + 1
    assert answer.status == expected.status
    assert without_count(answer.text) == without_count(expected.text)


def commit(site, **more):
    """Commit a change of an object that the page does not show."""
    vars(site.folder.inner).update(more)
    site.folder.inner._p_changed = True
    transaction.commit()


def test_pages_that_processes_share_are_in_the_lane(lane, site):
    site.page_cache.manage_editProps('', {'store': 'memoize'})
    warm(lane)
    commit(site, text='other')
    assert lane.is_fast()
    site.doc.text = 'new text'
    transaction.commit()
    assert 'new text' in lane.get(PATH).text


def test_other_commits_leave_the_lane_open(lane, site):
    warm(lane)
    for number in range(3):
        commit(site, text=f'text {number}')
        assert lane.is_fast()
    site.doc.text = 'new text'
    transaction.commit()
    assert 'new text' in lane.get(PATH).text


def test_an_answer_is_held_against_a_commit_once(lane, site, monkeypatch):
    looks = []
    are_unmoved = freshness.are_unmoved
    monkeypatch.setattr(freshness, 'are_unmoved', lambda *given: (
        looks.append(1) or are_unmoved(*given)))
    warm(lane)
    commit(site, text='other')
    assert lane.is_fast() and lane.is_fast()
    assert len(looks) == 1


def test_a_commit_after_304_of_zope_leaves_the_lane_open(lane, site):
    slow, fast = warm(lane)
    for _ in range(2):
        commit(site, text='other')
        lane.clock.now += 5
        before = lane.asked
        for _ in range(2):
            assert lane.get(PATH, If_None_Match=fast['ETag']).status == 304
        assert lane.asked == before + 1


def test_what_decides_who_may_see_the_page_counts(lane, site):
    """It is read to answer, and the page need not be made from it."""
    warm(lane)
    commit(site, text='other')
    assert lane.is_fast()
    site.manage_permission('View', ['Manager'])
    transaction.commit()
    assert lane.get(PATH).status == 401


def test_without_a_known_read_set_any_commit_closes_the_lane(
        lane, site, monkeypatch):
    lane.get(PATH)
    monkeypatch.setattr(
        Recording, 'read_set', lambda *given: Unknown(Why.LOST))
    warm(lane)
    commit(site, text='other')
    assert not lane.is_fast()


def test_a_storage_that_fails_gives_the_page_and_closes_the_lane(
        lane, site, monkeypatch):
    def fail(*given):
        raise StorageError('the server is away')
    page = lane.get(PATH).body
    monkeypatch.setattr(permit, 'reads', fail)
    for _ in range(3):
        answer = lane.get(PATH)
        assert (answer.status, answer.body, answer.outcome) == (
            200, page, 'HIT')
    commit(site, text='other')
    assert not lane.is_fast()


def test_a_storage_that_fails_closes_the_lane(lane, site, monkeypatch):
    def fail(*given):
        raise StorageError('the server is away')
    warm(lane)
    commit(site, text='other')
    with monkeypatch.context() as patch:
        patch.setattr(freshness.commits, '_poll', fail)
        assert not lane.is_fast()


def test_a_page_dropped_in_this_process_asks_zope(lane, site):
    from Products.PageCacheManager.manager.caches import cache_of
    warm(lane)
    cache_of(site.page_cache).pages.purge()
    assert not lane.is_fast()


def test_a_commit_while_zope_answers_leaves_nothing(lane, site):
    """The lane noted the moment before; Zope's answer may be older or newer.
    """
    lane.get(PATH)
    lane.get(PATH)
    zope = lane.lane._app

    def committing(environ, start_response):
        result = zope(environ, start_response)
        site.doc.text = 'new text'
        transaction.commit()
        return result
    lane.lane._app = committing
    lane.get(PATH)
    lane.lane._app = zope
    assert not lane.is_fast()


# requests that the lane does not answer

@pytest.mark.parametrize('name', [
    'OIDC_CLAIM_sub', 'MELLON_uid', 'HTTP_MELLON_UID', 'REMOTE_USER_ID'])
def test_variables_of_a_web_server_go_the_whole_way(site, name):
    lane = LaneClient(
        identity_headers='OIDC_CLAIM_sub MELLON_* REMOTE_USER_*')
    warm(lane)
    assert not lane.is_fast(environ={name: 'alice'})
    assert lane.is_fast()


@pytest.mark.parametrize('given', [
    {'user': 'alice'},
    {'Authorization': 'Bearer x'},
    {'X_Remote_User': 'alice'},
    {'Cookie': '__ac=x'},
    {'Cookie': '_ga=1; theme=dark'},
    {'environ': {'REMOTE_USER': 'alice'}},
    {'environ': {'SSL_CLIENT_S_DN': 'CN=alice'}},
])
def test_signs_of_identity_go_the_whole_way(lane, given):
    warm(lane)
    assert not lane.is_fast(**given)
    assert lane.is_fast()


def test_ignored_cookies_do_not_matter(lane):
    warm(lane)
    assert lane.is_fast(Cookie='_ga=GA1.2.3; _ga_X=1;_gid=2')


def test_nothing_of_a_member_enters_the_lane(lane):
    for _ in range(4):
        page = lane.get(PATH, 'alice')
    assert page.outcome == 'HIT' and 'alice' in page.text
    assert not lane.lane._entries
    assert 'alice' not in lane.get(PATH).text


@pytest.mark.parametrize('other', [
    {'Host': 'other:8080'},
    {'environ': {'wsgi.url_scheme': 'https'}},
    {'environ': {'HTTPS': 'on'}},
    {'environ': {'SCRIPT_NAME': '/x'}},
    {'path': PATH + '?a=1'},
    {'path': PATH + '/'},
    {'path': '/site/doc/./page'},
])
def test_another_address_is_another_entry(lane, other):
    warm(lane)
    assert not lane.is_fast(**other)


def test_a_virtual_host_is_another_entry(lane, app):
    """A proxy rewrites the path; the lane uses it as it arrives."""
    manage_addVirtualHostMonster(app)
    path = '/VirtualHostBase/http/{}:80/site/VirtualHostRoot/doc'
    slow, fast = warm(lane, path.format('one'))
    assert lane.is_fast(path.format('one'))
    assert not lane.is_fast(path.format('two'))
    assert not lane.is_fast('/site/doc')


@pytest.mark.parametrize('method', ['POST', 'OPTIONS', 'get'])
def test_other_methods_go_the_whole_way(lane, method):
    warm(lane)
    before = lane.asked
    lane.request(method, PATH)
    assert lane.asked == before + 1


def test_a_body_goes_the_whole_way(lane):
    warm(lane)
    assert not lane.is_fast(environ={'CONTENT_LENGTH': '3'})


def test_ignored_parameters_do_not_matter(lane):
    warm(lane)
    assert lane.is_fast(PATH + '?utm_source=x')
    assert not lane.is_fast(PATH + '?utm_source:method=x')


def test_vary_of_the_policy_counts(lane, site):
    set_policy(site, vary='X-Kind')
    slow, fast = warm(lane, X_Kind='a')
    assert not lane.is_fast(X_Kind='b')
    assert not lane.is_fast()
    assert lane.is_fast(X_Kind='a')


def test_vary_of_the_template_counts(lane, site):
    add_template(
        site.portal_skins.custom, 'vary',
        '<p tal:define="x python: request.RESPONSE.setHeader('
        "'Vary', 'X-Kind')\" tal:content=\"request/HTTP_X_KIND\">x</p>")
    path = '/site/doc/vary'
    warm(lane, path, X_Kind='a')
    warm(lane, path, X_Kind='b')
    assert lane.get(path, X_Kind='a').text == '<p>a</p>\n'.strip() or (
        '>a<' in lane.get(path, X_Kind='a').text)
    assert '>b<' in lane.get(path, X_Kind='b').text


def test_key_headers_of_the_lane_count(site):
    lane = LaneClient(key_headers='X-Tenant')
    warm(lane, X_Tenant='a')
    assert not lane.is_fast(X_Tenant='b')


@pytest.mark.parametrize('headers', [
    {'X-Request-Id': '1'}, {'Set-Cookie': 'a=b'}])
def test_headers_of_others_keep_a_page_out(site, headers):
    lane = LaneClient()
    zope = lane.lane._app

    def adding(environ, start_response):
        return zope(environ, lambda status, lines, *error: start_response(
            status, [*lines, *headers.items()], *error))
    lane.lane._app = adding
    for _ in range(3):
        lane.get(PATH)
    assert not lane.is_fast()


def test_a_changed_body_keeps_a_page_out(site):
    lane = LaneClient()
    zope = lane.lane._app
    lane.lane._app = lambda *given: [b''.join(zope(*given)) + b' ']
    for _ in range(3):
        lane.get(PATH)
    assert not lane.is_fast()


def test_an_error_of_the_lane_is_none_of_the_visitor(lane, caplog):
    slow, fast = warm(lane)
    lane.lane._entries = None
    lane.lane._rules = {
        key: None for key in lane.lane._rules}
    answer = lane.get(PATH)
    assert answer.body == fast.body


# storages

def test_closed_while_not_connected(lane):
    warm(lane)
    wrap(lane, is_connected=lambda self: True)
    assert lane.is_fast()
    wrap(lane, is_connected=lambda self: False)
    assert not lane.is_fast()


def test_closed_where_commits_of_others_do_not_show(lane, caplog):
    from ZODB.interfaces import IMVCCStorage
    from zope.interface import directlyProvides
    warm(lane)
    wrap(lane)
    for database in lane.lane._databases.values():
        directlyProvides(database.storage, IMVCCStorage)
    assert not lane.is_fast()
    lane.lane._databases = dict(lane.lane._databases)
    assert 'closed' in caplog.text


# bounds and options

def test_entries_are_bounded(site):
    lane = LaneClient(max_entries=5)
    for number in range(20):
        for _ in range(3):
            lane.get(f'{PATH}?n={number}')
    assert len(lane.lane._entries) <= 5
    assert len(lane.lane._rules) <= 5


@pytest.mark.parametrize(('options', 'message'), [
    ({'late_ms': '-1'}, 'late_ms.*0 to 60000'),
    ({'late_ms': 'x'}, 'late_ms'),
    ({'max_entries': '0'}, 'max_entries.*1 to 1000000'),
    ({'identity_headers': 'a b@'}, 'identity_headers'),
    ({'key_headers': 'X-*'}, 'key_headers'),
    ({'nonsense': '1'}, 'nonsense'),
])
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        filter_app(None, {}, **options)


def test_options_are_strings_of_an_ini_file(site):
    lane = filter_app(publish_module, {}, late_ms='500',
                      ignored_cookies='_ga theme')
    assert lane._late_secs == 0.5
    assert lane._ignored_cookies == ('_ga', 'theme')
