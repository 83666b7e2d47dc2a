"""Clients that keep pages: hishel, CacheControl, curl, wget."""
import subprocess

import pytest
import requests
from cachecontrol import CacheControl
from hishel import CacheOptions
from hishel import SqliteStorage
from hishel.requests import CacheAdapter

from . import programs


#: A tag that names no user: only the addition of the cache keeps users apart.
SAME_FOR_ALL = {'etag_func': 'string:same for all'}

NAMES = {'alice': 'Alice Arden', 'bob': 'Bob Birch', None: 'Log in'}


class Client:
    """A session of requests that gets pages of the site."""

    def __init__(self, site, session):
        self._base = f'http://127.0.0.1:{site.port}'
        self._session = session
        session.trust_env = False

    def get(self, path, user=None, method='GET', **headers):
        answer = self._session.request(
            method, self._base + path, timeout=30,
            auth=(user, user) if user else None,
            headers={n.replace('_', '-'): v for n, v in headers.items()})
        assert answer.status_code == 200
        return answer


@pytest.fixture
def make_hishel(site, tmp_path):
    """Make a client with a hishel cache, a shared or a private one."""
    storages = []

    def make(is_shared):
        storages.append(SqliteStorage(
            database_path=tmp_path / f'{len(storages)}.db'))
        session = requests.Session()
        session.mount('http://', CacheAdapter(
            storage=storages[-1], rfc=CacheOptions(shared=is_shared)))
        return Client(site, session)

    yield make
    for storage in storages:
        storage.close()


@pytest.fixture
def browser(make_hishel):
    return make_hishel(is_shared=False)


@pytest.fixture
def proxy(make_hishel):
    return make_hishel(is_shared=True)


def wait_a_second(site):
    """Wait until the Date header changes.

    hishel keeps replaced pages too, and chooses by Date: of two pages of one
    second it takes any.
    """
    start = site.get('/')['Date']
    programs.poll(
        lambda: site.get('/')['Date'] != start, 5, 'the clock stands still')


def statuses(seen):
    return [request.status for request in seen()]


def story(answer):
    """Return the flags of hishel: from its store, revalidated, stored."""
    return tuple(
        answer.headers[f'X-Hishel-{word}'] == 'true'
        for word in ('From-Cache', 'Revalidated', 'Stored'))


# hishel as a browser's cache

def test_page_is_kept_and_asked_for_again_by_its_tag(
        browser, document, seen):
    first, second = browser.get(document), browser.get(document)
    assert story(first) == (False, False, True)
    assert story(second) == (True, True, False)
    assert statuses(seen) == [200, 304]
    assert second.content == first.content
    assert second.headers['X-PageCache'] == 'HIT'
    assert second.headers['Content-Type'] == first.headers['Content-Type']


def test_fresh_page_is_not_asked_for_again(
        browser, document, seen, set_policy):
    set_policy(max_age_secs='3600')
    first, second = browser.get(document), browser.get(document)
    assert story(second) == (True, False, False)
    assert statuses(seen)[-1:] == [200]
    assert len([r for r in seen() if r.path == document]) == 1
    assert second.content == first.content


def test_edit_is_seen_at_once_where_max_age_is_0(
        site, browser, document, seen):
    browser.get(document)
    text = site.edit(document)
    wait_a_second(site)
    assert text in browser.get(document).text
    assert text in browser.get(document).text
    assert [r.status for r in seen() if r.path == document] == [200, 200, 304]


def test_edit_is_seen_where_a_fresh_page_is_reloaded(
        site, browser, document, set_policy):
    """An edit may be unseen until max-age is over, or until a reload."""
    set_policy(max_age_secs='3600')
    browser.get(document)
    text = site.edit(document)
    assert text not in browser.get(document).text
    wait_a_second(site)
    assert text in browser.get(
        document, Cache_Control='no-cache').text
    assert text in browser.get(document).text


def test_purge_is_seen_although_the_content_is_the_same(
        site, browser, document, seen):
    first = browser.get(document)
    site.post('/demo/page_cache/manage_purge', {})
    second = browser.get(document)
    # the page is rendered again, perhaps with the same result
    is_same = second.headers['ETag'] == first.headers['ETag']
    assert [r.status for r in seen() if r.method == 'GET'] == [
        200, 304 if is_same else 200]


def test_gzip_and_identity_have_a_copy_each(browser, document):
    for _ in range(2):
        coded = browser.get(document, Accept_Encoding='gzip')
        plain = browser.get(document, Accept_Encoding='identity')
        assert coded.headers['Content-Encoding'] == 'gzip'
        assert 'Content-Encoding' not in plain.headers
        assert coded.text == plain.text
        assert '</html>' in plain.text
        assert coded.headers['ETag'] != plain.headers['ETag']


def test_head_agrees_with_what_get_left_behind(browser, document):
    page = browser.get(document)
    head = browser.get(document, method='HEAD')
    assert head.content == b''
    assert head.headers['ETag'] == page.headers['ETag']
    again = browser.get(document)
    assert story(again) == (True, True, False)
    assert again.content == page.content


@pytest.mark.parametrize('page', ['/demo', '/demo/news/harbour-maps'])
def test_two_logins_in_one_store_never_share(
        browser, page, set_policy):
    """People log in to one browser in turn."""
    for policy in ('documents', 'pages'):
        set_policy(policy, **SAME_FOR_ALL)
    assert_each_has_own(browser, page)


def assert_each_has_own(client, page):
    tags = set()
    for user in (None, 'alice', 'bob', None, 'bob', 'alice'):
        answer = client.get(page, user)
        for name, text in NAMES.items():
            assert (text in answer.text) == (name == user), (name, user)
        tags.add(answer.headers['ETag'])
    assert len(tags) == 3


# hishel as a proxy's cache

def test_proxy_keeps_no_private_page(proxy, document, seen):
    for _ in range(2):
        assert story(proxy.get(document)) == (False, False, False)
    assert statuses(seen) == [200, 200]


@pytest.mark.parametrize('page', ['/demo', '/demo/news/harbour-maps'])
def test_two_logins_behind_a_proxy_never_share_private_pages(
        proxy, page, set_policy):
    for policy in ('documents', 'pages'):
        set_policy(policy, **SAME_FOR_ALL)
    assert_each_has_own(proxy, page)


def test_two_logins_never_share_public_pages_that_are_revalidated(
        site, proxy, document, set_policy, seen):
    set_policy(private='0', public='1', **SAME_FOR_ALL)
    assert_each_has_own(proxy, document)
    wait_a_second(site)
    proxy.get(document, 'bob')
    assert story(proxy.get(document, 'bob')) == (True, True, False)
    assert seen()[-1].status == 304


def test_two_logins_never_share_fresh_public_pages_with_vary(
        proxy, document, set_policy):
    """Without Vary, a page that is public for an hour would be for all."""
    set_policy(private='0', public='1', max_age_secs='3600',
               vary='Authorization', **SAME_FOR_ALL)
    assert_each_has_own(proxy, document)
    assert story(proxy.get(document, 'alice')) == (True, False, False)


# CacheControl

def test_cachecontrol_asks_by_the_tag_and_sees_an_edit(
        site, document, seen):
    with CacheControl(requests.Session()) as session:
        client = Client(site, session)
        first, second = client.get(document), client.get(document)
        assert (first.from_cache, second.from_cache) == (False, True)
        assert second.content == first.content
        assert statuses(seen) == [200, 304]
        text = site.edit(document)
        third = client.get(document)
        assert not third.from_cache and text in third.text


def test_cachecontrol_gives_each_login_its_own(site, document, set_policy):
    set_policy(**SAME_FOR_ALL)
    with CacheControl(requests.Session()) as session:
        assert_each_has_own(Client(site, session), document)


# curl and wget

def run(*arguments):
    result = subprocess.run(
        [str(argument) for argument in arguments], capture_output=True,
        text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result


@pytest.mark.parametrize('user', [None, 'alice'])
@pytest.mark.parametrize('coding', [None, 'gzip'])
def test_curl_compares_tags(site, document, tmp_path, seen, user, coding):
    curl = programs.find('curl')
    page, tag = tmp_path / 'page', tmp_path / 'tag'
    options = ['-u', f'{user}:{user}'] if user else []
    options += ['--compressed'] if coding else []

    def fetch():
        result = run(
            curl, '-q', '-sS', '--noproxy', '*', '--max-time', 30, *options,
            '--etag-save', tag, '--etag-compare', tag, '-o', page,
            '-w', '%{http_code}',
            f'http://127.0.0.1:{site.port}{document}')
        return result.stdout, page.read_text()

    status, text = fetch()
    assert status == '200' and text.endswith('</html>\n\n')
    assert fetch() == ('304', text)
    edited = site.edit(document)
    status, text = fetch()
    assert status == '200' and edited in text
    assert fetch() == ('304', text)
    gets = [r.status for r in seen() if r.method == 'GET']
    assert gets == [200, 304, 200, 304]


def test_wget_compares_dates(site, document, tmp_path, seen):
    wget = programs.find('wget')
    site.wait_for_dates(document)

    def fetch():
        run(wget, '--no-config', '--no-proxy', '-nv', '-N', '--timeout=30',
            '--tries=1', '-P', tmp_path,
            f'http://127.0.0.1:{site.port}{document}')
        page, = tmp_path.iterdir()
        return page.read_text()

    text = fetch()
    assert fetch() == text
    assert statuses(seen)[-2:] == [200, 304]
    edited = site.edit(document)
    # In its first second a change has the date of the second before.  That
    # may be the date of the file, and then wget sees no change.
    site.wait_for_dates(document)
    assert edited in fetch()
