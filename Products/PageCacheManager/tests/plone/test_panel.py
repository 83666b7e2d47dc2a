"""The panel in Site Setup, and the entries of the toolbar."""
import pytest
import transaction
from Products.CMFCore.utils import getToolByName

from ...core.reasons import Reason
from ...manager import caches
from .conftest import act_in
from .test_addon import author  # noqa: F401
from .test_addon import run


PANEL = '/@@page-cache-controlpanel'
PAGES = ['/a-document', '/a-folder', '/a-folder/item-0']


@pytest.fixture
def kept(addon, client):
    """Pages that are kept for anonymous visitors."""
    for path in PAGES:
        client.get(path)
        assert client.get(path).outcome == 'HIT'
    return addon


def post(client, path, user='root', **form):
    return client.post(
        path, {**form, '_authenticator': client.token(user)}, user)


def is_kept(client, path):
    return client.get(path).outcome == 'HIT'


def test_site_setup_leads_to_the_panel(addon, client):
    page = client.get('/@@overview-controlpanel', 'root')
    assert f'/plone{PANEL}"' in page.text and 'Page cache' in page.text


def test_panel_tells_state_and_views(kept, client):
    page = client.get(PANEL, 'root')
    assert page.status == 200
    for text in (
            'Active.', 'were answered from memory', 'document_view',
            'Purge all pages', '/page_cache/manage_explain"'):
        assert text in page.text, text
    assert 'id="page-cache-others"' not in page.text


def test_panel_tells_what_is_missing(addon, client):
    addon.page_cache.disable()
    transaction.commit()
    page = client.get(PANEL, 'root').text
    assert 'Not active.' in page and 'Caching is switched off.' in page


def test_panel_without_a_manager(addon, client):
    addon._delObject('page_cache')
    transaction.commit()
    page = client.get(PANEL, 'root')
    assert page.status == 200 and 'There is no Page Cache Manager' in page.text


def test_panel_warns_of_another_cache(addon, client):
    addon.portal_setup.runAllImportStepsFromProfile(
        'plone.app.caching:with-caching-proxy')
    addon.portal_registry[
        'plone.caching.interfaces.ICacheSettings.enabled'] = True
    transaction.commit()
    client.get('/a-document')
    assert 'id="page-cache-others"' in client.get(PANEL, 'root').text


@pytest.mark.parametrize('path', [
    PANEL, '/a-document/@@page-cache-why', '/a-document/@@page-cache-forget'])
@pytest.mark.parametrize('user', [None, 'alice'])
def test_all_of_it_is_for_those_who_may_change_the_cache(
        addon, client, path, user):
    assert client.get(path, user).status in (302, 401)


def test_purge(kept, client):
    answer = post(client, PANEL, purge='1')
    assert answer.status == 302
    assert not is_kept(client, PAGES[0])


@pytest.mark.parametrize('path', [
    f'{PANEL}?purge=1', '/a-document/@@page-cache-forget?page=1'])
def test_nothing_is_dropped_by_a_link(kept, client, path):
    assert client.get(path, 'root').status in (302, 401)
    assert is_kept(client, PAGES[0])


@pytest.mark.parametrize('user', ['root', 'alice', None])
def test_toolbar(kept, client, user):
    page = client.get('/a-document', user).text
    for name in 'why', 'forget':
        link = f'/plone/a-document/@@page-cache-{name}'
        assert (link in page) == (user == 'root'), name


@pytest.mark.parametrize('path, page', [
    ('/a-document', 'a-document'), ('', 'plone'),
    ('/an-image', 'an-image%2Fview')])
def test_why_leads_to_the_explanation_of_the_page(
        addon, client, author, path, page):  # noqa: F811
    if path == '/an-image':
        addon.invokeFactory('Image', 'an-image')
        transaction.commit()
    answer = client.get(f'{path}/@@page-cache-why', 'root')
    assert answer.status == 302
    assert '/page_cache/manage_explain?path=' in answer['Location']
    assert answer['Location'].endswith(page)


@pytest.mark.parametrize('button, left', [
    ('page', [True, False, True]), ('below', [True, False, False])])
def test_forget(kept, client, button, left):
    path = '/a-folder/@@page-cache-forget'
    assert 'Forget this page and all below it' in client.get(
        path, 'root').text
    answer = post(client, path, **{button: '1'})
    assert answer.status == 302 and answer['Location'].endswith('/a-folder')
    assert [is_kept(client, path) for path in PAGES] == left


def test_uninstall_takes_all_of_it_away(addon, client):
    run(addon, 'uninstall')
    act_in(addon)
    actions = getToolByName(addon, 'portal_actions').object_buttons
    assert not [name for name in actions.objectIds() if 'cache' in name]
    configlets = getToolByName(addon, 'portal_controlpanel')
    assert 'page_cache' not in [
        action.id for action in configlets.listActions()]


@pytest.mark.parametrize('language, texts', [
    ('de', ('Aktiv.', 'Alle Seiten löschen', 'aus dem Speicher beantwortet',
            'Caching-Einstellungen</a>', 'Einträge', 'Warum ist')),
    ('en', ('Active.', 'Purge all pages', 'were answered from memory',
            'caching control panel</a>', 'Entries', 'Why is'))])
def test_panel_is_in_the_language_of_the_site(kept, client, language, texts):
    act_in(kept)
    registry = kept.portal_registry
    registry['plone.available_languages'] = ['de', 'en']
    registry['plone.default_language'] = language
    cache = caches.cache_of(kept.page_cache)
    cache.tally.add('BYPASS', Reason.OTHER_CACHE)
    page = client.get(PANEL, 'root').text
    for text in texts:
        assert text in page, text


def test_button_that_forgets_is_in_the_language_of_the_site(kept, client):
    act_in(kept)
    kept.portal_registry['plone.available_languages'] = ['de']
    kept.portal_registry['plone.default_language'] = 'de'
    page = client.get('/a-folder/@@page-cache-forget', 'root').text
    assert 'Diese Seite und alle darunter verwerfen' in page
    assert 'Seiten von <span>' in page


def test_toolbar_and_site_setup_are_in_the_language_of_the_site(kept, client):
    act_in(kept)
    kept.portal_registry['plone.available_languages'] = ['de']
    kept.portal_registry['plone.default_language'] = 'de'
    page = client.get('/a-document', 'root').text
    assert 'Warum ist diese Seite (nicht) im Cache?' in page
    assert 'Diese Seite verwerfen ...' in page
    assert 'Seiten-Cache' in client.get(
        '/@@overview-controlpanel', 'root').text
