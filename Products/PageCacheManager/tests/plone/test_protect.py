"""A change of a manager needs plone.protect's token, or is refused."""
import re

import pytest
import transaction
from plone.protect import auto
from plone.protect.interfaces import IDisableCSRFProtection
from Products.SiteErrorLog.SiteErrorLog import manage_addErrorLog
from zope.component import getGlobalSiteManager
from zope.interface import alsoProvides
from ZPublisher.interfaces import IPubAfterTraversal
from ZPublisher.interfaces import IPubStart

from ...key.versions import version_of
from ...PageCacheManager import PageCacheManager
from ..site import add_policy


ADD = '/manage_addProduct/PageCacheManager'

#: Changes of a manager: method to form.
CHANGES = {
    'manage_editProps': {'title': 'after'},
    'manage_editViews': {'views': 'x'},
    'manage_purge': {},
    'manage_invalidate': {'paths:list': '/plone/a-document'},
    'ZCacheManager_setAssociations': {'props': ''},
    'manage_editAssociations': {'before:list': 'page'},
    'manage_dissociate': {},
    'manage_changePermissions': {},
}

#: The screens with forms.
SCREENS = [
    '/page_cache/manage_main', '/page_cache/manage_stats',
    '/page_cache/ZCacheManager_associate',
    f'{ADD}/manage_addPageCacheManagerForm']


@pytest.fixture(autouse=True)
def manager(portal):
    portal._setObject('page_cache', PageCacheManager('page_cache', 'before'))
    transaction.commit()
    return portal.page_cache


def state(portal):
    """Return the values that a change of a manager would alter."""
    portal._p_jar.sync()
    manager = portal.page_cache
    written = (manager, manager._purged, manager._invalidated.anything)
    return manager.title, *map(version_of, written), portal.objectIds()


@pytest.mark.parametrize('name', CHANGES)
@pytest.mark.parametrize('whose', [None, 'bob', 'made up'])
def test_change_without_a_valid_token_is_forbidden(
        portal, client, name, whose):
    before = state(portal)
    form = dict(CHANGES[name])
    if whose is not None:
        form['_authenticator'] = (
            client.token(whose) if whose == 'bob' else '0' * 40)
    answer = client.post(f'/page_cache/{name}', form)
    assert answer.status == 403
    assert answer.get('Location') is None
    assert state(portal) == before


def test_adding_without_a_token_is_forbidden(portal, client):
    answer = client.post(f'{ADD}/manage_addPageCacheManager', {'id': 'new'})
    assert answer.status == 403
    assert 'new' not in portal.objectIds()


@pytest.mark.parametrize('name', [
    'manage_editProps', 'manage_purge', 'manage_invalidate'])
@pytest.mark.parametrize('is_header', [False, True])
def test_change_with_a_token_is_made(portal, client, name, is_header):
    before = state(portal)
    token, form, headers = client.token('root'), dict(CHANGES[name]), {}
    if is_header:
        headers['X_CSRF_TOKEN'] = token
    else:
        form['_authenticator'] = token
    answer = client.post(f'/page_cache/{name}', form, **headers)
    assert answer.status == 302
    assert 'done=' in answer['Location']
    assert state(portal) != before


def test_adding_with_a_token_adds(portal, client):
    form = {'id': 'new', '_authenticator': client.token('root')}
    answer = client.post(f'{ADD}/manage_addPageCacheManager', form)
    assert answer.status == 302
    assert 'new' in portal.objectIds()


# forms of the screens

def forms(page):
    """Yield the POST forms of a page, each as attributes and HTML."""
    for tag, rest in re.findall(
            '<form([^>]*)>(.*?)</form>', page, re.DOTALL):
        if 'method="post"' in tag.lower():
            yield dict(re.findall('([a-z]+)="([^"]*)"', tag)), rest


@pytest.mark.parametrize('path', SCREENS)
def test_every_form_of_the_screens_has_the_token(portal, client, path):
    # pages to select in one of the forms
    portal.page_cache.manage_editViews([('document_view',)])
    add_policy(portal.caching_policy_manager)
    for _ in range(3):
        client.get('/a-document')
    page = client.get(path, 'root')
    assert page.status == 200
    found = [*forms(page.text)]
    assert found
    for _, fields in found:
        assert re.search(
            '<input name="_authenticator" type="hidden" value="[0-9a-f]{40}"',
            fields)


def token_in(client, path):
    return re.search('name="_authenticator"[^>]*value="([0-9a-f]+)"',
                     client.get(path, 'root').text).group(1)


@pytest.mark.parametrize(('screen', 'action', 'form'), [
    (SCREENS[0], 'page_cache/manage_editProps', {'title': 'after'}),
    (SCREENS[0], 'page_cache/manage_purge', {}),
    (SCREENS[1], 'page_cache/manage_invalidate',
     {'paths:list': '/plone/a-document'}),
    (SCREENS[2], 'page_cache/ZCacheManager_setAssociations',
     {'props': ''}),
    (SCREENS[3], f'{ADD[1:]}/manage_addPageCacheManager', {'id': 'new'}),
])
def test_token_of_the_screen_is_taken(portal, client, screen, action, form):
    form['_authenticator'] = token_in(client, screen)
    assert client.post(f'/{action}', form).status in (200, 302)


def test_refused_form_is_shown_again_and_can_be_sent(portal, client):
    """The page names the errors, as without plone.protect."""
    form = {'title': 'after', 'threshold': 'many',
            '_authenticator': token_in(client, SCREENS[0])}
    page = client.post('/page_cache/manage_editProps', form)
    assert page.status == 200 and 'Nothing was changed' in page.text
    assert '_authenticator' in page.text


# requests that need no token

def test_looking_needs_no_token(portal, client):
    for path in SCREENS:
        assert client.get(path, 'root').status == 200


def test_visitor_is_asked_to_log_in(portal, client):
    answer = client.post('/page_cache/manage_purge', user=None)
    assert answer.status in (302, 401)


def test_no_token_is_needed_where_the_check_is_off(
        portal, client, monkeypatch):
    monkeypatch.setattr(auto, 'CSRF_DISABLED', True)
    client.post('/page_cache/manage_editProps', {'title': 'after'})
    assert state(portal)[0] == 'after'


def test_no_token_is_needed_where_code_says_so(portal, client):
    def disable(event):
        alsoProvides(event.request, IDisableCSRFProtection)

    registry = getGlobalSiteManager().__bases__[0]
    registry.registerHandler(disable, (IPubStart,))
    try:
        client.post('/page_cache/manage_editProps', {'title': 'after'})
    finally:
        registry.unregisterHandler(disable, (IPubStart,))
    assert state(portal)[0] == 'after'


def test_mark_of_a_write_that_is_let_by_needs_no_token(portal, client):
    """A user who may purge content by GET does not know of our marks."""
    def change(event):
        plone = event.request['PARENTS'][-1]['plone']
        plone.page_cache.invalidate({'/plone/a-document'})

    client.get('/a-document', 'alice')
    portal._p_jar.sync()
    mark = portal.page_cache._invalidated.anything
    before = version_of(mark)
    registry = getGlobalSiteManager().__bases__[0]
    registry.registerHandler(change, (IPubAfterTraversal,))
    try:
        answer = client.get('/a-document', 'alice')
    finally:
        registry.unregisterHandler(change, (IPubAfterTraversal,))
    portal._p_jar.sync()
    assert answer.status == 200
    assert version_of(mark) != before


def test_manager_outside_of_sites_is_protected_too(
        plone_layer, portal, client):
    app = plone_layer['app']
    manage_addErrorLog(app)
    app._setObject('page_cache', PageCacheManager('page_cache', 'before'))
    app.acl_users.userFolderAddUser('owner', 'owner', ('Manager',), ())
    client.site = ''
    form = {'title': 'after'}
    answer = client.post('/page_cache/manage_editProps', form, user='owner')
    app._p_jar.sync()
    assert (answer.status, app.page_cache.title) == (403, 'before')
    page = client.get('/page_cache/manage_main', 'owner').text
    form['_authenticator'] = re.search(
        'name="_authenticator"[^>]*value="([0-9a-f]+)"', page).group(1)
    answer = client.post('/page_cache/manage_editProps', form, user='owner')
    app._p_jar.sync()
    assert (answer.status, app.page_cache.title) == (302, 'after')
