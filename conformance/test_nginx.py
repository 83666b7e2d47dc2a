"""nginx with proxy_cache before the site."""
from pathlib import Path

import pytest

from . import programs
from . import wire
from .demo import FILE_PAGE
from .demo import SHOWN
from .demo import ZODB_PAGE
from .demo import spelled


#: nginx keeps no page with max-age=0; with this it asks again each second.
A_SECOND = {'private': '0', 'public': '1', 'max_age_secs': '1'}
FRESH = {**A_SECOND, 'max_age_secs': '3600'}

NAMES = {'alice': 'Alice Arden', 'bob': 'Bob Birch', None: 'Log in'}


@pytest.fixture(scope='module')
def port(site, tmp_path_factory):
    """The port of a running nginx."""
    nginx = programs.find('nginx')
    home = tmp_path_factory.mktemp('nginx')
    source = Path(__file__).with_name('nginx.conf').read_text()

    def arguments(port):
        text = source
        for word, value in (
                ('LISTEN_PORT', port), ('BACKEND_PORT', site.port),
                ('WORK', home)):
            text = text.replace(word, str(value))
        (home / 'nginx.conf').write_text(text)
        return [nginx, '-p', home, '-e', 'stderr', '-c', home / 'nginx.conf']

    program, port = programs.serve(arguments, home / 'output')
    yield port
    program.stop()


@pytest.fixture
def get(port):
    def get(path, user=None, method='GET', **headers):
        answer = wire.request(port, method, path, user, spelled(headers))
        assert answer.rest == b''
        return answer

    return get


def asked(seen, path):
    return [(r.method, r.status) for r in seen() if r.path == path]


@pytest.mark.parametrize('coding', ['gzip', 'identity'])
def test_page_is_asked_for_again_by_its_tag(
        get, document, set_policy, seen, coding):
    set_policy(**A_SECOND)
    first = get(document, Accept_Encoding=coding)

    def is_asked():
        answer = get(document, Accept_Encoding=coding)
        assert answer.body == first.body
        assert answer['ETag'] == first['ETag']
        return answer['X-Nginx-Cache'] == 'REVALIDATED'

    programs.poll(is_asked, 10, 'nginx does not ask')
    assert asked(seen, document)[:2] == [('GET', 200), ('GET', 304)]


def test_edit_is_seen_once_max_age_is_over(
        site, get, document, set_policy):
    set_policy(**A_SECOND)
    get(document)
    text = site.edit(document)
    programs.poll(
        lambda: text in get(document).text, 10, 'an edit is not seen')


def test_fresh_page_does_not_reach_zope(
        site, get, document, set_policy, seen):
    set_policy(**FRESH)
    first = get(document)
    site.edit(document)
    second = get(document)
    assert second['X-Nginx-Cache'] == 'HIT'
    assert second.body == first.body
    assert asked(seen, document) == [('GET', 200)]


@pytest.mark.parametrize('order', [
    ('gzip', 'identity'), ('identity', 'gzip')], ids='-'.join)
def test_gzip_and_identity_are_never_mixed(
        get, document, set_policy, order):
    set_policy(**FRESH)
    for coding in order * 3:
        answer = get(document, Accept_Encoding=coding)
        assert answer.get('Content-Encoding') in (None, coding)
        if order[0] == coding == 'gzip':
            assert answer['Content-Encoding'] == 'gzip'
        assert '</html>' in answer.text
    assert answer['X-Nginx-Cache'] == 'HIT'


def test_vary_is_honoured(site, get, set_policy):
    set_policy(SHOWN, vary='X-Site', **FRESH)
    path = site.new_page(SHOWN)
    for name in ('one', 'two', 'one', 'two', 'two'):
        assert f'X-Site is {name}' in get(path, X_Site=name).text


@pytest.mark.parametrize('page', [ZODB_PAGE, FILE_PAGE])
@pytest.mark.parametrize('policy', [{}, FRESH], ids=['private', 'fresh'])
def test_users_never_share(get, page, set_policy, policy):
    for name in ('documents', 'pages'):
        set_policy(name, etag_func='string:same for all', **policy)
    for user in (None, 'alice', 'bob', None, 'bob', 'alice'):
        answer = get(page, user)
        for name, text in NAMES.items():
            assert (text in answer.text) == (name == user), (name, user)


def test_private_page_is_not_kept(get, document, seen):
    for _ in range(2):
        assert get(document)['X-Nginx-Cache'] == 'MISS'
    assert asked(seen, document) == [('GET', 200), ('GET', 200)]


def test_page_with_max_age_0_is_neither_kept_nor_validated(
        get, document, set_policy, seen):
    """nginx with a cache does not pass on the tag of a client."""
    set_policy(**{**FRESH, 'max_age_secs': '0'})
    tag = get(document)['ETag']
    assert get(document)['X-Nginx-Cache'] == 'MISS'
    assert asked(seen, document) == [('GET', 200), ('GET', 200)]
    assert get(document, If_None_Match=tag).status == 200
    tag = get(document, 'alice')['ETag']
    assert get(document, 'alice', If_None_Match=tag).status == 200


@pytest.mark.parametrize('user', [None, 'alice'])
def test_head_leaves_the_connection_in_order(site, get, user, set_policy):
    set_policy(**FRESH)
    for _ in range(3):
        page = site.new_page()
        head = get(page, user, 'HEAD')
        answer = get(page, user)
        assert (head.status, head.body) == (200, b'')
        assert head['ETag'] == answer['ETag']
        assert '</html>' in answer.text
