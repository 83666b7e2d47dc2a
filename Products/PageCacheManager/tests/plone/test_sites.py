"""Several Plone sites in one Zope, several managers, sites in sites."""
import pytest
import transaction
from five.localsitemanager import make_objectmanager_site
from plone.keyring.interfaces import IKeyManager
from plone.portlets.interfaces import IPortletAssignmentMapping
from plone.portlets.interfaces import IPortletManager
from Products.SiteAccess.VirtualHostMonster import VirtualHostMonster
from zope.component import getMultiAdapter
from zope.component import getUtility
from zope.component.hooks import setSite

from ...demo.plone_site import add_site
from ...manager.caches import cache_of
from ...PageCacheManager import PageCacheManager
from .changes import dublin
from .changes import has_frame_for_scripts
from .changes import panel
from .changes import post
from .changes import submit
from .changes import text
from .changes import widgets
from .client import PloneClient
from .freshness import Freshness
from .freshness import shown
from .test_members import is_valid
from .test_members import warm


PAGES = ('/a-document', '/a-folder', '/@@search?SearchableText=desk')
USERS = (None, 'alice')

title = dublin('/a-document', title='Another name')
site_title = panel('/@@site-controlpanel', **widgets(site_title='Another'))


@pytest.fixture
def second(addon):
    """Another site with the same content and the same ids of members."""
    setSite(None)
    site = add_site(addon.aq_parent, 'second')
    setSite(site)
    site.acl_users.userFolderAddUser('root', 'root', ('Manager',), ())
    site.portal_membership.getMemberById('alice').setMemberProperties(
        {'fullname': 'Alice Second'})
    # all sites without events share its value in memory
    column = getUtility(IPortletManager, 'plone.rightcolumn')
    del getMultiAdapter((site, column), IPortletAssignmentMapping)['events']
    setSite(None)
    transaction.commit()
    setSite(addon)
    return site


@pytest.fixture
def other(second):
    client = PloneClient('/second')
    client.get('')  # the first request makes a site write
    return client


def test_sites_have_their_own_pages(addon, client, second, other):
    for user in USERS:
        for path in PAGES:
            here, there = (
                warm(one, path, user) for one in (client, other))
            assert '/second' not in here.text
            assert '/plone/' not in there.text
            assert ('Alice Second' in there.text) == (user == 'alice')
            assert 'Alice Second' not in here.text
            assert other.get(
                path, user, IF_NONE_MATCH=here['ETag']).status == 200
            assert client.get(
                path, user, IF_NONE_MATCH=there['ETag']).status == 200
    assert is_valid(other, other.token('alice'), 'alice')
    assert not is_valid(other, client.token('alice'), 'alice')


def test_change_in_one_site_leaves_the_other(addon, client, second, other):
    sites = [Freshness(client, addon.page_cache, PAGES, USERS),
             Freshness(other, second.page_cache, PAGES, USERS)]
    for change in title, site_title:
        for site in sites:
            site.warm()
            # the first render of a site writes: the next commit drops its
            # page
            assert not site.after()
            site.warm()
        change(client, addon)
        for path in PAGES:
            assert other.get(path).outcome == 'HIT', (
                cache_of(second.page_cache).journal.entries()[0].dropped)
        assert sites[0].after() and not sites[1].after()


def test_purge_of_one_site_leaves_the_other(addon, client, second, other):
    for one in client, other:
        warm(one, '/a-document')
    post(client, '/page_cache/manage_purge')
    assert client.get('/a-document').outcome == 'MISS'
    assert other.get('/a-document').outcome == 'HIT'


def test_virtual_host_of_one_site_does_not_show_the_other(
        addon, client, second, other):
    root = addon.aq_parent
    if 'virtual_hosting' not in root.objectIds():
        VirtualHostMonster().addToContainer(root)
    before = '/VirtualHostBase/http/example.org:80'
    client.site = ''
    for user in USERS:
        for _ in range(2):
            for name, full_name in (
                    ('plone', 'Alice Arden'), ('second', 'Alice Second')):
                page = warm(
                    client, f'{before}/{name}/VirtualHostRoot/a-document',
                    user)
                assert 'http://example.org/a-document' in page.text
                assert (full_name in page.text) == (user is not None)
                page = warm(
                    client, f'{before}/VirtualHostRoot/{name}/a-document',
                    user)
                assert f'http://example.org/{name}/a-document' in page.text


@pytest.fixture
def top(portal, page_cache):
    """A manager at the root of Zope, for views that the site's one lacks."""
    root = portal.aq_parent
    root._setObject('top_cache', PageCacheManager('top_cache'))
    root.top_cache.manage_editViews([
        ('listing_view',), ('search',), ('document_view',)])
    page_cache.manage_editViews([('document_view',)])
    transaction.commit()
    return root.top_cache


def test_change_reaches_the_manager_at_the_root_of_zope(
        portal, client, page_cache, top):
    fresh = Freshness(client, top, PAGES, USERS)
    for change in (title, site_title,
                   text('/a-folder/item-0', '<p>Another desk.</p>')):
        fresh.warm()
        change(client, portal)
        assert fresh.after()
    fresh.warm()
    page_cache.manage_purge()
    assert client.get('/a-document').outcome == 'MISS'
    assert client.get('/a-folder').outcome == 'HIT'
    top.manage_purge()
    assert client.get('/a-folder').outcome == 'MISS'
    setSite(portal)
    portal._delObject('page_cache')
    fresh.warm()
    dublin('/a-document', title='A third name')(client, portal)
    assert fresh.after()


def test_user_of_the_root_gets_no_page_of_one_of_the_site(
        portal, client, page_cache):
    portal.aq_parent.acl_users.userFolderAddUser(
        'carol', 'carol', ['Manager'], [])
    portal.acl_users.userFolderAddUser('carol', 'carol', ['Member'], [])
    member = warm(client, '/a-document', 'carol')
    setSite(portal)
    portal.acl_users.userFolderDelUsers(['carol'])
    manager = client.get('/a-document', 'carol')
    assert (manager.status, manager.outcome) == (200, 'MISS')
    assert manager.text.count('_authenticator') > member.text.count(
        '_authenticator')


@pytest.fixture
def inner(portal, page_cache):
    """A document in a folder that is a site of its own."""
    make_objectmanager_site(portal['a-folder'])
    has_frame_for_scripts(portal)
    return '/a-folder/item-0'


@pytest.mark.parametrize(('user', 'headers'), [
    (None, {'X_REQUESTED_WITH': 'XMLHttpRequest'}),
    ('alice', {'COOKIE': 'plone-toolbar={"expanded":false}'})])
def test_folder_that_is_a_site_has_what_the_site_has(
        portal, client, page_cache, inner, user, headers):
    warm(client, inner, user)
    got = [shown(client.get(inner, user, **given))
           for given in ({}, headers)]
    page_cache.disable()
    assert got == [shown(client.get(inner, user, **given))
                   for given in ({}, headers)]


def test_token_is_valid_in_a_folder_that_is_a_site(
        portal, client, page_cache, inner):
    warm(client, inner, 'alice')
    setSite(portal)
    ring = getUtility(IKeyManager)['_forms']
    ring.clear()
    ring.fill()
    assert client.get(inner, 'alice').outcome == 'MISS'


def add_portlet(client, portal):
    submit(
        client, '/a-folder/++contextportlets++plone.rightcolumn/+/'
        'portlets.Search', 'root', 'form.buttons.add')


def change_permission(client, portal):
    post(client, '/a-folder/manage_permission', {
        'permission_to_manage': 'Delete objects', 'roles:list': 'Manager'})


@pytest.mark.parametrize(
    'change', [add_portlet, change_permission, site_title])
def test_set_up_in_a_folder_that_is_a_site_shows_at_once(
        portal, client, page_cache, inner, change):
    fresh = Freshness(client, page_cache, [inner, '/a-folder'], USERS)
    fresh.warm()
    change(client, portal)
    assert fresh.after()
