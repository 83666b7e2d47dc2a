"""Varnish before the site: kept pages, revalidation, and users.

The site's access log has the requests that reached the site.
"""
from pathlib import Path

import pytest

from . import programs
from . import wire
from .demo import FILE_PAGE
from .demo import SHOWN
from .demo import ZODB_PAGE
from .demo import spelled


HERE = Path(__file__).parent

SHARED = {'private': '0', 'public': '1'}
FRESH = {**SHARED, 'max_age_secs': '3600'}
SAME_FOR_ALL = {'etag_func': 'string:same for all'}

NAMES = {'alice': 'Alice Arden', 'bob': 'Bob Birch', None: 'Log in'}


class Proxy:
    """A running Varnish."""

    def __init__(self, port):
        self.port = port

    def get(self, path, user=None, method='GET', **headers):
        answer = wire.request(
            self.port, method, path, user, spelled(headers))
        assert answer.rest == b''
        return answer


def start_varnish(site, home, vcl, **parameters):
    varnishd = programs.find('varnishd')
    source = (HERE / vcl).read_text().replace('BACKEND_PORT', str(site.port))
    (home / 'site.vcl').write_text(source)
    options = [
        f'-p{name}={value}' for name, value in {
            'thread_pools': 1, 'thread_pool_min': 10, **parameters}.items()]
    return programs.serve(
        lambda port: [
            varnishd, '-F', '-j', 'none', '-n', home / 'work',
            '-a', f'127.0.0.1:{port}', '-T', 'none',
            '-f', home / 'site.vcl', '-s', 'malloc,16m', *options],
        home / 'output')


@pytest.fixture(scope='module', params=['on', 'off'])
def varnish(request, site, tmp_path_factory):
    """Varnish as people run it, with and without its support for gzip."""
    program, port = start_varnish(
        site, tmp_path_factory.mktemp('varnish'), 'site.vcl',
        http_gzip_support=request.param)
    yield Proxy(port)
    program.stop()


@pytest.fixture(scope='module')
def careless(site, tmp_path_factory):
    """Varnish that gives its pages also to users who are logged in."""
    program, port = start_varnish(
        site, tmp_path_factory.mktemp('careless'), 'careless.vcl')
    yield Proxy(port)
    program.stop()


def asked(seen, path):
    return [(r.method, r.status) for r in seen() if r.path == path]


# revalidation

@pytest.mark.parametrize('coding', ['gzip', 'identity'])
def test_page_is_asked_for_again_by_its_tag(
        varnish, document, set_policy, seen, coding):
    set_policy(**SHARED)
    answers = [
        varnish.get(document, Accept_Encoding=coding) for _ in range(3)]
    assert asked(seen, document) == [('GET', 200), ('GET', 304), ('GET', 304)]
    for answer in answers:
        assert answer.status == 200
        assert answer.text == answers[0].text
        assert '</html>' in answer.text
        assert answer['ETag'] == answers[0]['ETag']
        assert answer['Content-Type'] == answers[0]['Content-Type']
    assert answers[0].outcome == 'MISS'
    # Varnish sends its page with the headers of the 304
    assert 'detail=not-modified' in answers[1]['Cache-Status']


@pytest.mark.parametrize('method', ['GET', 'HEAD'])
def test_client_of_varnish_gets_304(
        varnish, document, set_policy, seen, method):
    set_policy(**SHARED)
    tag = varnish.get(document)['ETag']
    answer = varnish.get(document, method=method, If_None_Match=tag)
    assert (answer.status, answer.body) == (304, b'')
    assert asked(seen, document) == [('GET', 200), ('GET', 304)]


def test_edit_is_seen_at_once_where_max_age_is_0(
        site, varnish, document, set_policy, seen):
    set_policy(**SHARED)
    tag = varnish.get(document)['ETag']
    text = site.edit(document)
    for _ in range(2):
        answer = varnish.get(document, If_None_Match=tag)
        assert answer.status == 200 and text in answer.text
    assert asked(seen, document) == [
        ('GET', 200), ('GET', 200), ('GET', 304)]


def test_edit_of_a_template_is_seen_at_once(
        site, varnish, document, set_policy):
    set_policy(**SHARED)
    varnish.get(document)
    site.post('/demo/page_cache/manage_purge', {})
    assert varnish.get(document)['X-PageCache'] == 'MISS'


# freshness

def test_fresh_page_does_not_reach_zope(
        site, varnish, document, set_policy, seen):
    """An edit is not seen before max-age is over: the policy allows it."""
    set_policy(**FRESH)
    first = varnish.get(document)
    site.edit(document)
    second = varnish.get(document)
    assert (first['X-Varnish-Cache'], second['X-Varnish-Cache']) == (
        'miss', 'hit')
    assert second.body == first.body
    assert asked(seen, document) == [('GET', 200)]


def test_edit_is_seen_once_max_age_is_over(
        site, varnish, document, set_policy, seen):
    set_policy(**{**SHARED, 'max_age_secs': '1'})
    varnish.get(document)
    text = site.edit(document)

    def is_new():
        answer = varnish.get(document)
        assert text in answer.text or int(answer['Age']) <= 1
        return text in answer.text

    programs.poll(is_new, 10, 'an edit is not seen')
    assert asked(seen, document)[:2] == [('GET', 200), ('GET', 200)]


# gzip

@pytest.mark.parametrize('policy', [SHARED, FRESH], ids=['asked', 'fresh'])
@pytest.mark.parametrize('order', [
    ('gzip', 'identity'), ('identity', 'gzip')], ids='-'.join)
def test_gzip_and_identity_are_never_mixed(
        varnish, document, set_policy, policy, order):
    set_policy(**policy)
    texts = set()
    for coding in order * 3:
        answer = varnish.get(document, Accept_Encoding=coding)
        assert answer.get('Content-Encoding') in (None, coding)
        if order[0] == coding == 'gzip':  # Varnish keeps it, and sends it
            assert answer['Content-Encoding'] == 'gzip'
        assert 'Accept-Encoding' in answer['Vary']
        texts.add(answer.text)
    text, = texts
    assert '</html>' in text


@pytest.mark.parametrize('accepts', [None, 'gzip;q=0', 'br', ''])
def test_who_did_not_ask_for_gzip_never_gets_it(
        varnish, document, set_policy, accepts):
    set_policy(**SHARED)
    headers = {} if accepts is None else {'Accept_Encoding': accepts}
    coded = varnish.get(document, Accept_Encoding='gzip')
    assert coded['Content-Encoding'] == 'gzip'
    for _ in range(2):
        answer = varnish.get(document, **headers)
        assert answer.get('Content-Encoding') is None
        assert answer.text == coded.text


# Vary

@pytest.mark.parametrize('policy', [SHARED, FRESH], ids=['asked', 'fresh'])
def test_vary_is_honoured(site, varnish, set_policy, policy):
    set_policy(SHOWN, vary='X-Site', **policy)
    path = site.new_page(SHOWN)
    for name in ('one', 'two', 'one', 'two', 'two'):
        answer = varnish.get(path, X_Site=name)
        assert f'X-Site is {name}' in answer.text
        assert 'X-Site' in answer['Vary']
    assert varnish.get(path, X_Site='one')['ETag'] != answer['ETag']


def test_site_that_forgets_vary_is_mixed_up(
        site, varnish, set_policy):
    """The test before can fail: here Varnish can not know of X-Site."""
    set_policy(SHOWN, **FRESH)
    path = site.new_page(SHOWN)
    varnish.get(path, X_Site='one')
    assert 'X-Site is one' in varnish.get(path, X_Site='two').text


# users

def assert_each_has_own(proxy, page):
    for user in (None, 'alice', 'bob', None, 'bob', 'alice', 'alice'):
        answer = proxy.get(page, user)
        assert answer.status == 200
        for name, text in NAMES.items():
            assert (text in answer.text) == (name == user), (name, user)


@pytest.fixture(params=[ZODB_PAGE, FILE_PAGE])
def page(request):
    return request.param


@pytest.fixture
def set_policies(set_policy):
    """Change the policies of both pages."""

    def change(**changes):
        for name in ('documents', 'pages'):
            set_policy(name, **changes)

    return change


@pytest.mark.parametrize('policy', [
    {}, SHARED, FRESH], ids=['private', 'asked', 'fresh'])
def test_users_never_share(varnish, page, set_policies, policy):
    set_policies(**policy, **SAME_FOR_ALL)
    assert_each_has_own(varnish, page)


@pytest.mark.parametrize('policy', [
    {}, SHARED, {**FRESH, 'vary': 'Authorization'}],
    ids=['private', 'asked', 'fresh-with-vary'])
def test_users_never_share_even_in_a_careless_varnish(
        careless, page, set_policies, policy):
    set_policies(**policy, **SAME_FOR_ALL)
    assert_each_has_own(careless, page)


def test_careless_varnish_asks_with_the_tag_of_another(
        careless, document, set_policy, seen):
    """Only the tag keeps users apart: Zope must say that it differs."""
    set_policy(**SHARED, **SAME_FOR_ALL)
    for user in ('alice', 'bob', 'bob'):
        careless.get(document, user)
    assert [(r.user, r.status) for r in seen() if r.path == document] == [
        ('alice', 200), ('bob', 200), ('bob', 304)]


def test_careless_varnish_gives_a_fresh_public_page_to_all(
        careless, document, set_policy):
    """The tests before can fail: here Varnish can not know of users."""
    set_policy(**FRESH)
    careless.get(document)
    assert NAMES[None] in careless.get(document, 'alice').text


# HEAD

@pytest.mark.parametrize('user', [None, 'alice'])
@pytest.mark.parametrize('is_stored', [True, False])
def test_head_says_what_get_says(
        varnish, document, set_policy, user, is_stored):
    set_policy(**SHARED)
    if is_stored:
        varnish.get(document, user)
    head = varnish.get(document, user, 'HEAD')
    page = varnish.get(document, user)
    assert (head.status, head.body) == (200, b'')
    # headers that only a render can tell are left out
    assert head.get('ETag') in (None, page['ETag'])
    lengths = {answer.get('Content-Length') for answer in (head, page)}
    assert len(lengths - {None}) < 2


def test_head_that_is_passed_leaves_the_connection_in_order(
        varnish, site, set_policy, seen):
    """waitress sends a chunk after it: no later answer may get that."""
    set_policy(**SHARED)
    for _ in range(5):
        path = f'{FILE_PAGE}?head={len(seen())}'
        head = varnish.get(path, 'alice', 'HEAD')
        assert (head.status, head.outcome) == (200, 'MISS')
        for _ in range(3):
            answer = varnish.get(path, 'alice')
            assert answer.status == 200 and 'Alice Arden' in answer.text
    assert [r.status for r in seen() if r.path == path] == [200] * 4
