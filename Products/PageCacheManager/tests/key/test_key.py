"""Users, URLs and variants: no request gets another one's page."""
import pytest
import transaction
from OFS.Folder import manage_addFolder
from OFS.userfolder import manage_addUserFolder
from Products.CMFCore.CachingPolicyManager import CachingPolicyManager
from Products.SiteAccess.VirtualHostMonster import VirtualHostMonster
from zope.component import getGlobalSiteManager
from zope.i18n.interfaces import ITranslationDomain
from zope.i18n.simpletranslationdomain import SimpleTranslationDomain

from ...core import defaults
from ...core.settings import Settings
from ...core.settings import as_dict
from ...manager import caches
from ...PageCacheManager import PageCacheManager
from ..client import Client
from ..site import add_policy
from ..site import add_template
from ..site import set_policy


PAGE = '/site/doc/page'


def settings(site, **values):
    site.page_cache.manage_editProps('', values)
    transaction.commit()


def outcomes(client, *requests):
    """Return the outcomes of GETs: (path, user, headers) each."""
    found = []
    for path, user, headers in requests:
        found.append(client.get(path, user, **headers).outcome)
    return found


# users (I4)

def test_users_are_apart_even_if_the_etag_names_none(site, client):
    set_policy(site, etag='string:same')
    for user in (None, 'alice', 'bob', 'root'):
        page = client.get(PAGE, user)
        assert page.outcome == 'MISS'
        assert f'<p id="user">{user or ""}</p>' in page.text
        assert client.get(PAGE, user).body == page.body


def test_the_tag_of_one_user_is_not_anothers(site, client):
    set_policy(site, etag='string:same')
    tags = {client.get(PAGE, u)['ETag'] for u in (None, 'alice', 'bob')}
    assert len(tags) == 3
    for tag in tags - {client.get(PAGE, 'alice')['ETag']}:
        assert client.get(PAGE, 'alice', If_None_Match=tag).status == 200


def test_partition_by_roles_where_the_policy_says_shared(site, client):
    set_policy(site, etag='string:same', public=1)
    settings(site, partition='roles')
    assert outcomes(
        client, (PAGE, 'alice', {}), (PAGE, 'bob', {}),
        (PAGE, 'root', {}), (PAGE, None, {})
    ) == ['MISS', 'HIT', 'MISS', 'MISS']


def test_partition_by_etag_where_the_policy_says_shared(site, client):
    set_policy(site, etag='string:same', must_revalidate=1)
    settings(site, partition='etag')
    assert outcomes(
        client, (PAGE, 'alice', {}), (PAGE, 'bob', {}), (PAGE, 'root', {})
    ) == ['MISS', 'HIT', 'HIT']


@pytest.mark.parametrize('partition', ['roles', 'etag'])
def test_authorization_needs_a_policy_that_shares(site, client, partition):
    set_policy(site, etag='string:same', must_revalidate=0)
    settings(site, partition=partition)
    assert outcomes(
        client, (PAGE, 'alice', {}), (PAGE, 'bob', {}), (PAGE, 'alice', {})
    ) == ['MISS', 'MISS', 'HIT']


def test_users_of_one_id_in_two_folders(site, client):
    set_policy(site, etag='string:same')
    app = site.aq_parent
    app.acl_users.userFolderAddUser('alice', 'alice2', ['Member'], [])
    transaction.commit()
    first = client.get(PAGE, 'alice')
    site.acl_users.userFolderDelUsers(['alice'])
    app.acl_users.userFolderEditUser('alice', 'alice', ['Member'], [])
    second = client.get(PAGE, 'alice')
    assert (first.outcome, second.outcome) == ('MISS', 'MISS')


def test_a_role_taken_away_counts_at_once(site, client):
    set_policy(site, etag='string:same')
    add_template(site.portal_skins.custom, 'roles', '''<p
        tal:condition="python: user.has_role('Reviewer', context)">secret
        </p><p>all</p>''')
    site.doc.manage_setLocalRoles('alice', ['Reviewer'])
    assert 'secret' in client.get('/site/doc/roles', 'alice').text
    assert 'secret' in client.get('/site/doc/roles', 'alice').text
    site.doc.manage_delLocalRoles(['alice'])
    assert 'secret' not in client.get('/site/doc/roles', 'alice').text


def test_gone_private_counts_at_once(site, client):
    set_policy(site, etag='string:same')
    tag = client.get(PAGE)['ETag']
    assert client.get(PAGE).outcome == 'HIT'
    site.doc.manage_permission('View', ['Manager'])
    assert client.get(PAGE).status == 401
    assert client.get(PAGE, If_None_Match=tag).status == 401
    assert client.head(PAGE).status == 401


@pytest.mark.parametrize('validator', ['page', 'policy'])
def test_gone_private_and_never_stored_here(site, client, validator):
    set_policy(site, etag='string:same', mtime_func='nothing')
    settings(site, validator=validator)
    site.doc.manage_permission('View', ['Manager'])
    transaction.commit()
    for headers in (
            {}, {'If_None_Match': '*'}, {'If_None_Match': '"same"'},
            {'If_Modified_Since': 'Sun, 22 Nov 2026 15:00:00 GMT'}):
        assert client.get(PAGE, **headers).status == 401
        assert client.head(PAGE, **headers).status == 401


def test_sessions_are_apart(site, client):
    set_policy(site, etag='string:same')
    assert outcomes(
        client, (PAGE, None, {}), (PAGE, None, {'Cookie': '_ZopeId=a'}),
        (PAGE, None, {'Cookie': '_ZopeId=b'}),
        (PAGE, None, {'Cookie': '_ZopeId=a'}), (PAGE, None, {})
    ) == ['MISS', 'MISS', 'MISS', 'HIT', 'HIT']


# URLs

@pytest.mark.parametrize('one,other', [
    ('/site/doc/page', '/site/doc/page?a=1'),
    ('/site/doc/page?a=1', '/site/doc/page?a=2'),
    ('/site/doc/page?a=1&b=2', '/site/doc/page?b=2&a=1'),
    ('/site/doc/page?a=1', '/site/doc/page?A=1'),
    ('/site/doc/page', '/site/folder/inner/page'),
    ('/site/doc/page', '/site/doc/page/'),
    ('/site/doc', '/site/doc/'),
    ('/site/doc', '/site/doc/page'),
    ('/site/doc/page', '/site/doc/fspage'),
    ('/site/doc/page?utm_x:method=page', '/site/doc/page'),
])
def test_different_urls_are_different_pages(site, client, one, other):
    set_policy(site, etag='string:same')
    assert outcomes(
        client, (one, None, {}), (other, None, {}), (one, None, {})
    ) == ['MISS', 'MISS', 'HIT']


def test_ignored_parameters_do_not_split(site, client):
    assert outcomes(
        client, (PAGE, None, {}), (f'{PAGE}?utm_source=x&fbclid=1', None, {})
    ) == ['MISS', 'HIT']
    settings(site, ignored_parameters=[])
    assert outcomes(
        client, (PAGE, None, {}), (f'{PAGE}?utm_source=x', None, {}),
        (PAGE, None, {})) == ['MISS', 'MISS', 'HIT']


@pytest.mark.parametrize('name', [
    'gad_source', 'gad_campaignid', 'gclsrc', 'srsltid', 'ttclid', 'twclid',
    'yclid', 'li_fat_id', 'igshid', 'epik', '_hsenc', '_hsmi', 'mc_eid',
    'mtm_campaign', 'pk_campaign', 'pk_kwd', 'wt_mc', 'etcc_cmp'])
def test_click_of_an_advertisement_is_no_page_of_its_own(
        site, client, name):
    assert outcomes(
        client, (PAGE, None, {}), (f'{PAGE}?{name}=x', None, {})
    ) == ['MISS', 'HIT']


@pytest.mark.parametrize('name', [
    'pk', 'pk_id', 'pk_document', 'mc_page', 'gad', 'page', 'epik_id'])
def test_parameter_that_may_shape_a_page_counts(site, client, name):
    assert outcomes(
        client, (PAGE, None, {}), (f'{PAGE}?{name}=x', None, {})
    ) == ['MISS', 'MISS']


def stored_in_a_manager(site, names, state):
    site.page_cache._settings = {**state, 'ignored_parameters': names}
    caches.forget_all()


@pytest.mark.parametrize('former', defaults.FORMER['ignored_parameters'])
def test_former_default_is_read_as_that_of_today(site, client, former):
    stored_in_a_manager(site, former, as_dict(Settings()))
    assert outcomes(
        client, (PAGE, None, {}), (f'{PAGE}?gad_source=1', None, {})
    ) == ['MISS', 'HIT']
    site.page_cache.enable()
    assert site.page_cache._settings[
        'ignored_parameters'] == defaults.IGNORED_PARAMETERS
    assert site.page_cache.getSettings() == as_dict(Settings())


@pytest.mark.parametrize('change', [
    lambda names: names[1:], lambda names: (*names, 'own'),
    lambda names: names[::-1], lambda names: ()])
def test_list_that_somebody_changed_is_left(site, client, change):
    former = defaults.FORMER['ignored_parameters'][0]
    stored_in_a_manager(site, change(former), as_dict(Settings()))
    assert outcomes(
        client, (PAGE, None, {}), (f'{PAGE}?gad_source=1', None, {})
    ) == ['MISS', 'MISS']
    site.page_cache.enable()
    assert site.page_cache._settings['ignored_parameters'] == change(former)


def test_hosts_are_apart(site, client):
    add_template(
        site.portal_skins.custom, 'link',
        '<a tal:attributes="href context/absolute_url">x</a>')
    other = Client('other.example')
    assert 'http://localhost:8080/site/doc' in client.get(
        '/site/doc/link').text
    page = other.get('/site/doc/link')
    assert page.outcome == 'MISS' and 'http://other.example/' in page.text


def test_virtual_hosts_are_apart(site, client):
    monster = VirtualHostMonster()
    monster.addToContainer(site.aq_parent)
    add_template(
        site.portal_skins.custom, 'link',
        '<a tal:attributes="href python: context.folder.absolute_url()">x</a>')
    base = '/VirtualHostBase/http/h.example:80'
    inside = f'{base}/site/VirtualHostRoot/site/doc/link'
    outside = f'{base}/VirtualHostRoot/site/doc/link'
    first, second = client.get(inside), client.get(outside)
    assert first.outcome == second.outcome == 'MISS'
    assert '"http://h.example/folder"' in first.text
    assert '"http://h.example/site/folder"' in second.text
    assert client.get(inside).body == first.body
    mounted = f'{base}/site/VirtualHostRoot/_vh_a/doc/link'
    assert '"http://h.example/a/folder"' in client.get(mounted).text


# headers, cookies, language, skin

def test_vary_of_the_policy(site, client):
    set_policy(site, vary='X-Device')
    a, b = {'X_Device': 'a'}, {'X_Device': 'b'}
    assert outcomes(
        client, (PAGE, None, a), (PAGE, None, b), (PAGE, None, a),
        (PAGE, None, {})) == ['MISS', 'MISS', 'HIT', 'MISS']
    assert (client.get(PAGE, **a)['ETag'] != client.get(PAGE, **b)['ETag'])


def test_vary_of_the_template(site, client):
    add_template(site.portal_skins.custom, 'varying', '''<p tal:define="
        x python: request.RESPONSE.setHeader('Vary', 'X-Device')"
        tal:content="python: request.get_header('X-Device')"></p>''')
    path = '/site/doc/varying'
    answers = {}
    for device in ('a', 'b', 'a', 'b'):
        answer = client.get(path, X_Device=device)
        assert f'<p>{device}</p>' in answer.text
        assert 'X-Device' in answer['Vary']
        answers.setdefault(device, []).append(answer)
    for miss, hit in answers.values():
        assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
        assert miss.stable_headers() == hit.stable_headers()
    assert 'fwd=vary-miss' in answers['b'][0]['Cache-Status']
    tag = answers['a'][0]['ETag']
    assert tag != answers['b'][0]['ETag']
    assert client.get(path, X_Device='a', If_None_Match=tag).status == 304
    assert client.get(path, X_Device='b', If_None_Match=tag).status == 200
    # before a page is rendered, the cache can not know its headers
    for device, value, status in (('c', tag, 200), ('d', '*', 304)):
        answer = client.get(path, X_Device=device, If_None_Match=value)
        assert (answer.status, answer.outcome) == (status, 'MISS')


def test_headers_and_cookies_of_the_settings(site, client):
    settings(site, key_headers=['X-Tenant'], key_cookies=['theme'])
    assert outcomes(
        client, (PAGE, None, {'X_Tenant': 'a'}),
        (PAGE, None, {'X_Tenant': 'b'}),
        (PAGE, None, {'X_Tenant': 'a', 'Cookie': 'theme=x'}),
        (PAGE, None, {'X_Tenant': 'a', 'Cookie': 'theme=x; other=1'})
    ) == ['MISS', 'MISS', 'MISS', 'HIT']


@pytest.fixture
def two_languages():
    domain = SimpleTranslationDomain(
        'test', {('de', 'x'): 'ix', ('fr', 'x'): 'iks'})
    components = getGlobalSiteManager()
    components.registerUtility(domain, ITranslationDomain, 'test')
    yield
    components.unregisterUtility(domain, ITranslationDomain, 'test')


def test_languages_are_apart(site, client, two_languages):
    german, french = {'Accept_Language': 'de'}, {'Accept_Language': 'fr'}
    assert outcomes(
        client, (PAGE, None, german), (PAGE, None, french),
        (PAGE, None, {'Accept_Language': 'de, en'}), (PAGE, None, {})
    ) == ['MISS', 'MISS', 'HIT', 'MISS']
    assert (client.get(PAGE, **german)['ETag']
            != client.get(PAGE, **french)['ETag'])


def test_one_language_does_not_split(site, client):
    assert outcomes(
        client, (PAGE, None, {'Accept_Language': 'de'}),
        (PAGE, None, {'Accept_Language': 'fr'})) == ['MISS', 'HIT']


def test_skins_are_apart(site, client):
    skins = site.portal_skins
    skins.addSkinSelection('Other', 'fs, custom')
    skins.manage_properties(
        default_skin='Basic', request_varname='skin', allow_any=1)
    assert outcomes(
        client, (PAGE, None, {}), (PAGE, None, {'Cookie': 'skin=Other'}),
        (PAGE, None, {})) == ['MISS', 'MISS', 'HIT']


# a plain Zope folder

def test_a_plain_folder_with_a_policy_manager(site, client):
    app = site.aq_parent
    manage_addFolder(app, 'plain')
    manage_addUserFolder(app.plain)
    app.plain.acl_users.userFolderAddUser('carol', 'carol', ['Reader'], [])
    app.plain._setObject('caching_policy_manager', CachingPolicyManager())
    app.plain._setObject('page_cache', PageCacheManager('page_cache'))
    add_template(app.plain, 'hello', '<p tal:content="user/getId">x</p>')
    add_policy(
        app.plain.caching_policy_manager, mtime_func='nothing',
        etag="python: member and member.getId() or 'nobody'")
    for user in (None, 'carol', 'root'):
        miss = client.get('/plain/hello', user)
        hit = client.get('/plain/hello', user)
        assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
        assert hit['ETag'].startswith(f'"{user or "nobody"}')
        assert client.get(
            '/plain/hello', user, If_None_Match=hit['ETag']).status == 304
