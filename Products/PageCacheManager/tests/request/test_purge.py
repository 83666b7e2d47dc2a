"""PURGE, as purge clients send it; refused by default."""
import pytest
import transaction
from ZPublisher import HTTPRequest

from ...PageCacheManager import PageCacheManager
from ...publisher import request as http_request
from ..site import Item
from ..site import add_template
from ..site import set_policy


pytestmark = pytest.mark.usefixtures('errors_are_responses')

PAGE = '/site/doc/page'
HOSTED = '/VirtualHostBase/http/h.example:80/site/VirtualHostRoot/_vh_sub'


@pytest.fixture
def manager(site):
    site.page_cache.manage_editProps('', {
        'purge_clients': ['127.0.0.1', '10.1.0.0/16', '2001:db8::/32']})
    transaction.commit()
    return site.page_cache


@pytest.fixture
def purge(client):
    """Send PURGE from an address; return the answer."""
    def send(path, address='127.0.0.1', user=None, **headers):
        original = client.environ
        client.environ = lambda *given: {
            **original(*given), 'REMOTE_ADDR': address}
        try:
            return client.request('PURGE', path, user, **headers)
        finally:
            client.environ = original
    return send


def fill(client, *paths):
    for path in paths:
        client.get(path)
        assert client.get(path).outcome == 'HIT'


def is_kept(client, path=PAGE):
    return client.get(path).outcome == 'HIT'


# pages that are dropped

@pytest.mark.parametrize('path', [
    '/site/doc', '/site/doc/', '//site/doc', PAGE, f'{PAGE}?a=b',
    '/site/doc/@@view/method', f'{HOSTED}/doc', f'{HOSTED}/doc/page',
    '/VirtualHostBase/https/h.example:443/site/VirtualHostRoot/doc'])
def test_pages_of_the_path_are_forgotten(client, manager, purge, path):
    others = '/site/folder/inner/page', '/site/folder/inner/fspage'
    fill(client, PAGE, *others, '/site/doc/fspage', f'{PAGE}?x=1')
    client.get(PAGE, 'alice')
    answer = purge(path)
    assert answer.status == 200
    assert answer.text == 'The pages of this path are invalidated.\n'
    assert answer['Content-Type'] == 'text/plain; charset=utf-8'
    assert answer['Cache-Control'] == 'no-store'
    assert answer.outcome is None
    for url in PAGE, f'{PAGE}?x=1', '/site/doc/fspage':
        assert not is_kept(client, url)
    assert client.get(PAGE, 'alice').outcome == 'MISS'
    assert all(is_kept(client, url) for url in others)


def test_it_is_committed(site, client, manager, purge):
    before = manager._invalidated.anything._p_serial
    assert purge('/site/doc').status == 200
    site._p_jar.sync()
    manager._invalidated.anything._p_activate()
    assert manager._invalidated.anything._p_serial > before


def test_nothing_is_rendered(manager, purge):
    before = Item.renders
    assert purge(PAGE).status == 200
    assert Item.renders == before


def test_a_template_in_a_folder(site, client, manager, purge):
    set_policy(site, etag='string:x')
    add_template(site, 'front', '<p>front</p>')
    fill(client, '/site/front', PAGE)
    assert purge('/site/front').status == 200
    assert not is_kept(client, '/site/front')
    assert is_kept(client)


def test_the_default_page_of_a_folder(site, client, manager, purge):
    inner = '/site/folder/inner/page'
    fill(client, inner)
    site.folder.default_page = 'inner'
    assert purge('/site/folder').status == 200
    assert not is_kept(client, inner)


def test_each_manager_around_decides_for_itself(site, client, purge):
    set_policy(site, etag='string:x')
    site.folder._setObject('near', PageCacheManager('near'))
    site.folder.near.manage_editProps('', {'purge_clients': ['10.0.0.1']})
    add_template(site.folder, 'own', '<p>own</p>', False)
    site.folder.own.ZCacheable_setManagerId('near')
    add_template(site, 'others', '<p>other</p>')
    fill(client, '/site/folder/own', '/site/folder/others')
    assert purge('/site/folder', '10.0.0.1').status == 200
    assert not is_kept(client, '/site/folder/own')
    assert is_kept(client, '/site/folder/others')


# paths without content

@pytest.mark.parametrize('path', [
    '/site/no/such/page', '/site/doc/title/x/y', '/site/../../../x'])
def test_a_path_without_content(client, manager, purge, path):
    fill(client, PAGE)
    answer = purge(path)
    assert answer.status == 404
    assert answer.text == 'There is no content at this path.\n'
    assert is_kept(client)


def test_no_acquired_content_is_meant(client, manager, purge):
    inner = '/site/folder/inner/page'
    fill(client, PAGE, inner)
    purge('/site/folder/inner/doc')  # `doc` is acquired
    assert is_kept(client) and not is_kept(client, inner)


@pytest.mark.parametrize('has_manager', [False, True])
def test_without_a_client_that_may_zope_answers(
        site, client, purge, has_manager):
    if has_manager:
        fill(client, PAGE)
    else:
        site.manage_delObjects(['page_cache'])
        set_policy(site)
    answer = purge('/site/doc/page')
    assert answer.status == 200 and '<html>' in answer.text
    assert is_kept(client) == has_manager
    assert purge('/no').status == 404


def test_a_failure_leaves_the_request_to_zope(
        site, client, purge, manager, monkeypatch, caplog):
    def fail(request):
        raise OSError('away')

    monkeypatch.setattr(http_request, 'client_address', fail)
    answer = purge('/site/doc/page')
    assert answer.status == 200 and '<html>' in answer.text
    assert 'The cache failed (purge)' in caplog.text


# permissions

@pytest.mark.parametrize('address, status', [
    ('127.0.0.1', 200), ('::ffff:127.0.0.1', 200), ('10.1.255.255', 200),
    ('2001:db8:1::5', 200), ('10.2.0.0', 403), ('127.0.0.2', 403),
    ('::1', 403), ('', 403), ('localhost', 403), ('unix:', 403),
    ('2130706433', 403), ('127.0.0.1, 8.8.8.8', 403)])
def test_the_address_decides(client, manager, purge, address, status):
    fill(client, PAGE)
    assert purge(PAGE, address).status == status
    assert is_kept(client) is (status == 403)


@pytest.mark.parametrize('headers', [
    {'X_Forwarded_For': '127.0.0.1'}, {'Forwarded': 'for=127.0.0.1'},
    {'X_Real_Ip': '127.0.0.1'}, {'Cookie': '__ac=root'},
    {'Client_Ip': '127.0.0.1'}])
def test_no_header_and_no_login_allows_it(client, manager, purge, headers):
    fill(client, PAGE)
    answer = purge(PAGE, '8.8.8.8', 'root', **headers)
    assert answer.status == 403
    assert is_kept(client)


@pytest.mark.parametrize('headers', [
    {'X_Forwarded_For': '127.0.0.1'}, {'Forwarded': 'for=10.1.0.1'},
    {'X_Real_Ip': '10.1.0.1'}, {'Via': '1.1 front'}])
def test_nobody_may_behind_a_proxy_that_zope_does_not_trust(
        client, manager, purge, headers):
    fill(client, PAGE)
    assert purge(PAGE, '127.0.0.1', **headers).status == 403
    assert is_kept(client)


@pytest.mark.parametrize('given, status', [
    ('10.1.0.7', 200), ('8.8.8.8, 10.1.0.7', 200), ('10.1.0.7, 8.8.8.8', 403),
    ('8.8.8.8', 403), ('10.1.0.7, 127.0.0.1', 200), ('127.0.0.1', 403),
    ('nonsense', 403), ('', 403)])
def test_behind_a_trusted_proxy_the_clients_address_decides(
        client, manager, purge, monkeypatch, given, status):
    monkeypatch.setattr(HTTPRequest, 'trusted_proxies', ['127.0.0.1'])
    fill(client, PAGE)
    assert purge(PAGE, X_Forwarded_For=given).status == status
    assert is_kept(client) is (status == 403)


def test_other_methods_purge_nothing(client, manager):
    fill(client, PAGE)
    for method in 'GET', 'POST', 'HEAD', 'purge':
        client.request(method, PAGE)
    assert is_kept(client)
